"""docs/api.md is what happens: its commands are run as they stand, and its answers compared."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import pytest

import heygen_graphql
from tests.conftest import StartServer
from tests.servers import clean_environment, free_port

ROOT = Path(heygen_graphql.__file__).parents[1]
GUIDE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
# A line that no answer is.
_END = "<<end of a block>>"


@dataclass(frozen=True, slots=True)
class Step:
    commands: str
    answer: Any
    """What the guide says that the commands' last operation answers; None where it says nothing."""


def steps() -> Iterator[Step]:
    for match in re.finditer(r"```sh\n(.*?)```(?:\n\n```json\n(.*?)```)?", GUIDE, re.DOTALL):
        commands, answer = match.groups()
        yield Step(commands, json.loads(answer) if answer else None)


def answers_in(text: str) -> list[Any]:
    """The JSON objects among what was printed."""
    decoder, found, place = json.JSONDecoder(), [], 0
    while (place := text.find("{", place)) >= 0:
        try:
            value, place = decoder.raw_decode(text, place)
            found.append(value)
        except ValueError:
            place += 1
    return found


def shape(value: Any) -> Any:
    """What has to agree: names, kinds of values, and words in capitals (statuses and codes)."""
    match value:
        case dict():
            return {name: shape(one) for name, one in value.items()}
        case list():
            return [shape(one) for one in value]
        case str():
            return value if re.fullmatch(r"[A-Z][A-Z_]+", value) else "text"
        case int() | float() if not isinstance(value, bool):
            return "number"
    return value


def test_the_guides_commands_work_as_they_stand_and_answer_what_it_says(
    server: StartServer, tmp_path: Path
) -> None:
    # Given a server, the picture that the guide sends, and a shell that any failure stops
    receiver = f"127.0.0.1:{free_port()}"
    one = server("serve", WEBHOOK_ALLOWED_HOSTS=receiver)
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "frame.jpg", tmp_path / "docs")
    guide = list(steps())
    script = "".join(f"{step.commands}\necho '{_END}'\n" for step in guide)

    # When all of it is pasted
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        env=clean_environment(
            HEYGEN_URL=one.url,
            RECEIVER=receiver,
            NO_PROXY="*",
            TMPDIR=str(tmp_path),
            # Not every machine has curl.
            PATH=os.pathsep.join(
                (str(Path(sys.executable).parent), os.environ["PATH"], str(ROOT / "tests/bin"))
            ),
        ),
        capture_output=True,
        text=True,
        timeout=120,
    )

    # Then every command has worked, and no answer has an error but where the guide shows some
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    told = done.stdout.split(f"{_END}\n")[:-1]
    assert len(told) == len(guide) > 15
    for step, text in zip(guide, told, strict=True):
        if step.answer is None:
            assert '"errors"' not in text, text
            assert '"code"' not in text, text
            continue
        answer = answers_in(text)[-1]
        if "extensions" not in step.answer:
            answer.pop("extensions", None)
        assert shape(answer) == shape(step.answer), text

    # And what is beside the answers is as it is told
    (upgraded, streamed, persisted, kept, limits, pinged) = (
        next(text for step, text in zip(guide, told, strict=True) if sign in step.commands)
        for sign in ("connection_init", "event-stream", "by_hash", "x-cache", "-D - ", "receiver.py")
    )
    assert answers_in(upgraded)[0]["type"] == "connection_ack"
    assert answers_in(upgraded)[-2]["payload"]["data"]["videoStatus"]["video"]["status"] == "COMPLETED"
    assert "COMPLETED" in streamed
    assert "event: complete" in streamed
    unknown, sent, known = answers_in(persisted)
    assert unknown["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"
    assert sent["data"] == known["data"] is not None
    assert [line.split()[-1] for line in kept.splitlines()] == ["MISS", "HIT"]
    assert "ratelimit-remaining: " in limits.lower()
    assert "'type': 'ping'" in pinged, pinged + done.stderr
    (saved,) = tmp_path.glob("*/first-light.mp4")
    with av.open(str(saved)) as film:
        assert film.duration is not None
        assert film.duration > av.time_base


def test_the_guide_names_every_code_of_an_error() -> None:
    package = ROOT / "heygen_graphql"
    others = [package / "errors.py", package / "rendering" / "errors.py", package / "jobs" / "protocol.py"]
    said = re.compile(
        r'(?:^[A-Z_]+ = |\bcode = |"code": |[rR]efused\((?:\s*\d+,)?\s*)"([A-Z_]+)"', re.MULTILINE
    )
    codes = {
        code
        for path in (*(package / "schema").rglob("*.py"), *others)
        for code in said.findall(path.read_text(encoding="utf-8"))
    }
    assert len(codes) > 25
    assert codes <= set(re.findall("`([A-Z_]+)`", GUIDE.split("## Codes")[1]))


@pytest.mark.parametrize(
    "page",
    [*(ROOT / "docs").glob("*.md"), ROOT / "docs" / "clients" / "README.md"],
    ids=lambda page: page.name,
)
def test_every_link_of_the_docs_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"https?:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.*)", target.read_text(encoding="utf-8"), re.MULTILINE)
            slugs = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in slugs, link
