"""Builds GraphiQL's bundle from `graphiql/` by npm: `python -m heygen_graphql.web.build`.

Does nothing when the bundle is that of the sources as they are.
"""

import hashlib
import shutil
import sys
import tempfile
from pathlib import Path

from heygen_graphql.web import node

SOURCES = Path(__file__).parent / "graphiql"
BUNDLE = Path(__file__).parent / "static" / "graphiql"
_NAMES = ("package.json", "package-lock.json", "build.js", "main.jsx", "page.css")
_STAMP = "built-from"


def build() -> bool:
    """Make the bundle if need be; whether there was need.

    Raises:
        node.NodeFailed: there is no npm, or it failed.
    """
    fingerprint = hashlib.sha256(b"\0".join((SOURCES / name).read_bytes() for name in _NAMES)).hexdigest()
    stamp = BUNDLE / _STAMP
    if stamp.is_file() and stamp.read_text() == fingerprint:
        return False
    found = node.find()
    BUNDLE.parent.mkdir(exist_ok=True)
    # Beside its place, so that it can be moved there; packages and all that is left of a failure go away.
    with tempfile.TemporaryDirectory(prefix=".building-", dir=BUNDLE.parent) as directory:
        project = Path(directory)
        for name in _NAMES:
            shutil.copy(SOURCES / name, project)
        found.install(project)
        found.run([found.node, "build.js", "bundle"], project)
        (project / "bundle" / _STAMP).write_text(fingerprint)
        shutil.rmtree(BUNDLE, ignore_errors=True)
        (project / "bundle").rename(BUNDLE)
    return True


def main() -> None:
    try:
        is_new = build()
    except node.NodeFailed as error:
        sys.exit(str(error))
    sys.stdout.write(f"GraphiQL {'built' if is_new else 'is up to date'}: {BUNDLE}\n")


if __name__ == "__main__":
    main()
