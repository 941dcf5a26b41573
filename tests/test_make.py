"""The Makefile as a person calls it."""

import json
import subprocess
from pathlib import Path

import pytest

import heygen_graphql
from tests.servers import clean_environment

ROOT = Path(heygen_graphql.__file__).parents[1]


def make(*arguments: str) -> str:
    """What it printed."""
    # These tests are run by a make themselves, whose settings are not for this one.
    environment = {name: value for name, value in clean_environment().items() if not name.startswith("MAKE")}
    done = subprocess.run(["make", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "script",
    [
        "Hello there.",
        "It's $5, or $(HOME), or ${HOME}; $$ is two.",
        'She said "no", `twice`, and a \\ stood there.',
        "An open $( and a #hash, a line\nbreak and 100 %.",
        "--help",
        "Grüße, 世界!",
    ],
)
def test_what_stands_after_script_reaches_the_program_letter_by_letter(script: str, tmp_path: Path) -> None:
    # Given a program that says with what it was called
    program = tmp_path / "heygen-graphql"
    program.write_text("#!/usr/bin/env python3\nimport json, sys\nprint(json.dumps(sys.argv[1:]))\n")
    program.chmod(0o755)

    # When make calls it (-o: nothing is to be installed)
    told = make("-o", ".venv/.project", f"BIN={tmp_path}", "demo", f"SCRIPT={script}", "OUT=a b.mp4")

    # Then it hears what was written
    assert json.loads(told) == ["demo", f"--script={script}", "--out=a b.mp4"]


def test_make_alone_says_what_there_is() -> None:
    told = make()
    for target in ("demo", "run", "check", "test", "bench", "setup", "lock", "clean"):
        assert target in told
