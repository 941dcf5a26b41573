"""A video made as any client would make one: over HTTP and a websocket.

The server is a child process with a folder of its own; both are gone when the demo ends, however it ends.
"""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import av
import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.table import Table
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from heygen_graphql.errors import HeygenError
from heygen_graphql.settings import Settings

DEFAULT_SCRIPT = (
    "Hello! I will be your presenter. Send me your words, and I will speak them for you. "
    "This video was made on your own computer, with no keys, no cloud, and no waiting in line."
)
_START_SECONDS = 60
_STOP_SECONDS = 10

_SIGN_UP = """
mutation SignUp($input: SignUpInput!) {
  signUp(input: $input) {
    session { accessToken }
    userErrors { field message }
  }
}
"""
_CREATE_VIDEO = """
mutation CreateVideo($input: CreateVideoInput!) {
  createVideo(input: $input) {
    video { id }
    userErrors { field message }
  }
}
"""
_VIDEO_STATUS = """
subscription VideoStatus($id: ID!) {
  videoStatus(id: $id) {
    video {
      status stage progress secondsLeft
      failure { code message }
      url vtt: captionsUrl(format: VTT) srt: captionsUrl(format: SRT)
      processingSeconds
    }
  }
}
"""
_FINAL = frozenset({"COMPLETED", "FAILED", "CANCELED"})


class DemoFailed(HeygenError):
    """The reason in one line, as the person at the terminal is to read it."""


def run(*, script: str, voice_id: str | None, avatar_id: str | None, out: Path) -> None:
    """Write the video to `out` and its captions beside it, telling the terminal what happens.

    Raises:
        DemoFailed: says why in one line; nothing has been left running.
    """
    console = Console()
    began = time.monotonic()
    # A closed terminal or a `kill` must not leave the server behind any more than Ctrl-C may.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    console.print("Starting a server ...", highlight=False)
    try:
        with _server() as url, httpx.Client(base_url=url, timeout=60, trust_env=False) as http:
            http.headers["Authorization"] = f"Bearer {_sign_up(http)}"
            choices = {"script": script, "voiceId": voice_id, "avatarId": avatar_id}
            video_id = _create_video(
                http, {name: value for name, value in choices.items() if value is not None}
            )
            video = _watch(url, http.headers["Authorization"], video_id, console)
            out.parent.mkdir(parents=True, exist_ok=True)
            captions = [out.with_suffix(".vtt"), out.with_suffix(".srt")]
            for link, path in zip((video["url"], video["vtt"], video["srt"]), (out, *captions), strict=True):
                _download(http, link, path)
    except (httpx.HTTPError, WebSocketException, OSError, TimeoutError) as error:
        raise DemoFailed(f"{type(error).__name__}: {error}") from error
    console.print(_summary(out, captions, video["processingSeconds"], time.monotonic() - began))


@contextmanager
def _server() -> Iterator[str]:
    """The address of a server of our own."""
    with tempfile.TemporaryDirectory(prefix="heygen-demo-", ignore_cleanup_errors=True) as directory:
        port = _free_port()
        log = Path(directory, "log")
        ours = {name.upper() for name in Settings.model_fields}
        environment = {name: value for name, value in os.environ.items() if name.upper() not in ours}
        environment["DATA_DIR"] = directory
        with log.open("wb") as output:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "heygen_graphql.cli",
                    "serve",
                    "--host",
                    "127.0.0.1",
                    "--port",
                    str(port),
                ],
                env=environment,
                # Not here: an .env file that lies here is for another server.
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=output,
                start_new_session=True,
            )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_healthy(url, process, log)
            yield url
        finally:
            _stop(process)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            lines = log.read_text(errors="replace").split("\n")
            raise DemoFailed(f"the server ended: {next(filter(None, reversed(lines)), 'it said nothing')}")
        try:
            if httpx.get(f"{url}/health", timeout=5, trust_env=False).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise DemoFailed(f"the server did not answer within {_START_SECONDS} seconds")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    finally:
        # What is left of its group, should it have hung or a second Ctrl-C have cut the wait short.
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        process.wait()


def _sign_up(http: httpx.Client) -> str:
    person = {"email": "demo@example.com", "password": secrets.token_urlsafe(16), "fullName": "Demo"}
    token: str = _execute(http, _SIGN_UP, {"input": person})["signUp"]["session"]["accessToken"]
    return token


def _create_video(http: httpx.Client, choices: Mapping[str, str]) -> str:
    video_id: str = _execute(http, _CREATE_VIDEO, {"input": choices})["createVideo"]["video"]["id"]
    return video_id


def _execute(http: httpx.Client, document: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    answer = http.post("/graphql", json={"query": document, "variables": variables}).json()
    if answer.get("errors"):
        raise DemoFailed("; ".join(error["message"] for error in answer["errors"]))
    data: dict[str, Any] = answer["data"]
    faults = [fault for payload in data.values() for fault in payload["userErrors"]]
    if faults:
        raise DemoFailed(
            "; ".join(f"{'.'.join(fault['field'] or ['input'])}: {fault['message']}" for fault in faults)
        )
    return data


def _watch(url: str, authorization: str, video_id: str, console: Console) -> dict[str, Any]:
    """The video as it is once completed."""
    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(bar_width=40),
        TaskProgressColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("Queued", total=1.0, left="")
        for video in _statuses(url, authorization, video_id):
            seconds_left = video["secondsLeft"]
            progress.update(
                bar,
                description=(video["stage"] or video["status"]).capitalize(),
                completed=video["progress"],
                left="" if seconds_left is None else f"{seconds_left:.0f} s left",
            )
            if video["status"] == "COMPLETED":
                return video
            if video["status"] in _FINAL:
                failure = video["failure"] or {"code": video["status"], "message": "somebody canceled it"}
                raise DemoFailed(f"{failure['code']}: {failure['message']}")
    raise DemoFailed("the server stopped telling how the video fares")


def _statuses(url: str, authorization: str, video_id: str) -> Iterator[dict[str, Any]]:
    """What `videoStatus` sends, by the graphql-transport-ws protocol (github.com/enisdenjo/graphql-ws)."""
    address = urlunsplit(urlsplit(url)._replace(scheme="ws", path="/graphql"))
    with connect(address, subprotocols=[Subprotocol("graphql-transport-ws")], proxy=None) as websocket:
        websocket.send(json.dumps({"type": "connection_init", "payload": {"Authorization": authorization}}))
        for text in websocket:
            message = json.loads(text)
            match message["type"]:
                case "connection_ack":
                    operation = {"query": _VIDEO_STATUS, "variables": {"id": video_id}}
                    websocket.send(json.dumps({"id": "1", "type": "subscribe", "payload": operation}))
                case "ping":
                    websocket.send(json.dumps({"type": "pong"}))
                case "next":
                    if message["payload"].get("errors"):
                        raise DemoFailed(
                            "; ".join(error["message"] for error in message["payload"]["errors"])
                        )
                    yield message["payload"]["data"]["videoStatus"]["video"]
                case "error":
                    raise DemoFailed("; ".join(error["message"] for error in message["payload"]))
                case "complete":
                    return


def _download(http: httpx.Client, link: str, path: Path) -> None:
    """At no moment is half a file at `path`."""
    part = path.with_name(f"{path.name}.part")
    try:
        # The link alone opens the door: its signature stands in it.
        with http.stream("GET", link, headers={"Authorization": ""}) as answer, part.open("wb") as file:
            answer.raise_for_status()
            for chunk in answer.iter_bytes():
                file.write(chunk)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _summary(out: Path, captions: list[Path], render_seconds: float, seconds: float) -> Table:
    with av.open(str(out)) as film:
        picture, sound = film.streams.video[0], film.streams.audio[0]
        length_seconds = (film.duration or 0) / av.time_base
        rows = {
            "Video": str(out.absolute()),
            "Captions": ", ".join(path.name for path in captions),
            "Length": f"{length_seconds:.1f} s",
            "Size": f"{out.stat().st_size / 1e6:.2f} MB",
            "Picture": f"{picture.codec_context.name}, {picture.width} x {picture.height}, "
            f"{picture.average_rate} fps",
            "Sound": f"{sound.codec_context.name}, {sound.sample_rate} Hz",
            "Taken": f"{seconds:.1f} s in all, {render_seconds:.1f} s of it rendering",
        }
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    # A path that is cut in two cannot be copied.
    table.add_column(overflow="ignore", no_wrap=True)
    for name, value in rows.items():
        table.add_row(name, value)
    return table
