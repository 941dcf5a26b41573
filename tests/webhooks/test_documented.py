"""The receivers that docs/webhooks.md shows, run as they stand."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from heygen_graphql.settings import Settings
from heygen_graphql.web import node
from heygen_graphql.webhooks.signing import headers, new_secret
from tests.node_programs import DIRECTORY
from tests.servers import free_port, kill_with_children, spawn, wait_until

GUIDE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()
BODY = '{"type":"ping","timestamp":"2026-11-23T21:14:03Z","data":{"webhookId":"ä"}}'


def shown(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    return str(found)


# Types are left out, and taken for what they say: Node.js alone runs no TypeScript yet.
TRANSPILE = """
const ts = require("typescript"), fs = require("fs"), [from, to] = process.argv.slice(1)
const options = { compilerOptions: { module: "esnext", target: "es2022" } }
fs.writeFileSync(to, ts.transpileModule(fs.readFileSync(from, "utf8"), options).outputText)
"""


@contextmanager
def running(language: str, directory: Path, secret: str) -> Iterator[str]:
    """Where the guide's receiver listens."""
    found = node.find()
    if language == "python":
        program = directory / "receiver.py"
        program.write_text(shown(language))
        command = [sys.executable, str(program)]
    else:
        source, program = directory / "receiver.ts", directory / "receiver.mjs"
        source.write_text(shown(language))
        transpile = [found.node, "-e", TRANSPILE, str(source), str(program)]
        subprocess.run(transpile, cwd=DIRECTORY, env=dict(found.environment), check=True, timeout=60)
        command = [found.node, str(program)]
    port = free_port()
    environment = {
        **found.environment,
        "WEBHOOK_SECRET": secret,
        "PORT": str(port),
    }
    process = spawn(command, log=directory / "log", environment=environment)
    address = f"http://127.0.0.1:{port}/"

    def answers() -> bool:
        assert process.poll() is None, (directory / "log").read_text()
        with suppress(httpx.TransportError):
            return httpx.post(address, content=b"", trust_env=False).status_code == 401
        return False

    try:
        wait_until(answers, "starting the receiver", 20)
        yield address
    finally:
        kill_with_children(process)


@pytest.mark.parametrize("language", ["python", "typescript"])
def test_the_guides_receiver_takes_what_is_signed_and_nothing_else(language: str, tmp_path: Path) -> None:
    old, new = new_secret(), new_secret()
    now = datetime.now(UTC)
    with running(language, tmp_path, new) as address:

        def sent(at: datetime, body: str, *secrets: str) -> int:
            signed = headers("msg_1", at, BODY, secrets)
            return httpx.post(address, content=body.encode(), headers=signed, trust_env=False).status_code

        assert sent(now, BODY, new) == 204
        assert sent(now, BODY, old, new) == 204
        assert sent(now, BODY, old) == 401
        assert sent(now, BODY + " ", new) == 401
        assert sent(now - timedelta(minutes=10), BODY, new) == 401


def test_the_guides_table_is_the_schedule() -> None:
    units = {"second": 1, "minute": 60, "hour": 3600}
    rows = re.findall(r"^\| \d \| (\d+) (second|minute|hour)s? \|", GUIDE, re.MULTILINE)
    gaps = tuple(int(number) * units[unit] for number, unit in rows)
    assert gaps == Settings(_env_file=None).webhook_retry_seconds
