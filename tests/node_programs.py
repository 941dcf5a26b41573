"""Programs of tests/node/, run by Node.js: `python -m tests.node_programs` installs what they import."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from heygen_graphql.web import node

DIRECTORY = Path(__file__).parent / "node"
_NOTHING: Mapping[str, str] = MappingProxyType({})


def run_node(
    script: str | Path, *arguments: str, env: Mapping[str, str] = _NOTHING, seconds: float = 60
) -> str:
    """What a module printed to its standard output.

    `script` is a path from tests/node/. The test fails with what the module wrote to its standard error when
    it ends with another code than 0 or takes longer than `seconds`.
    """
    if not (DIRECTORY / "node_modules").is_dir():
        pytest.fail("tests/node/node_modules is missing: `make test` installs it")
    found = node.find()
    try:
        done = subprocess.run(
            [found.node, str(script), *arguments],
            cwd=DIRECTORY,
            env={**found.environment, **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired as expired:
        told = (expired.stderr or b"").decode()
        pytest.fail(f"{script} took more than {seconds} s; it had said: {told}")
    if done.returncode != 0:
        pytest.fail(f"{script} ended with {done.returncode}: {done.stderr}\n{done.stdout}")
    return done.stdout


def main() -> None:
    try:
        node.find().install(DIRECTORY)
    except node.NodeFailed as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
