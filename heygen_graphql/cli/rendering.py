"""A video without a server: the rendering library, its progress on the terminal."""

import re
import shutil
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from heygen_graphql.errors import HeygenError
from heygen_graphql.rendering import Studio
from heygen_graphql.rendering.presenters import Avatar, avatar, default_avatar
from heygen_graphql.rendering.speech import Voice, Voices, check_text
from heygen_graphql.rendering.storyboard import AspectRatio, CaptionStyle, Quality, Scene, Stage, Storyboard
from heygen_graphql.settings import Settings
from heygen_graphql.videos import voices_of

_DEFAULT_LANGUAGE = "en"


def storyboard(
    settings: Settings,
    *,
    script: str,
    voice_id: str | None,
    avatar_id: str | None,
    language: str | None,
    quality: str,
    aspect_ratio: str,
    caption_style: str,
    background_color: str,
    speed: float,
    pitch_semitones: float,
) -> Storyboard:
    """One scene with every default filled in.

    Raises:
        RenderError: there is no such voice or avatar, or the voice cannot read the script.
        HeygenError: no voice, or not this one, speaks the language; the color is none.
    """
    presenter = default_avatar() if avatar_id is None else avatar(avatar_id)
    speaker = _voice(voices_of(settings), voice_id, language, presenter)
    if not re.fullmatch("#[0-9A-Fa-f]{6}", background_color):
        raise HeygenError(f"--background: {background_color!r} is not written as #RRGGBB")
    script = script.strip()
    check_text(script, speaker)
    scene = Scene(
        script=script,
        pause_seconds=0.0,
        voice_id=speaker.voice_id,
        avatar_id=presenter.avatar_id,
        background_color=background_color,
        speed=speed,
        pitch_semitones=pitch_semitones,
    )
    return Storyboard(
        scenes=(scene,),
        language=language or speaker.language,
        quality=Quality(quality),
        aspect_ratio=AspectRatio(aspect_ratio),
        caption_style=CaptionStyle(caption_style),
    )


def _voice(voices: Voices, voice_id: str | None, language: str | None, presenter: Avatar) -> Voice:
    if voice_id is None:
        found = voices.default(language or _DEFAULT_LANGUAGE, presenter.gender)
        if found is None:
            raise HeygenError(f"--language: no voice speaks {language!r}")
        return found
    named = voices.get(voice_id)
    if language is not None and not voices.speaks(named, language):
        raise HeygenError(f"--voice: {voice_id!r} speaks {named.language}, not {language!r}")
    return named


def render_to(settings: Settings, board: Storyboard, out: Path) -> None:
    """Write the video to `out` and its captions beside it, with a bar on the terminal."""
    console = Console()
    began = time.monotonic()
    out.parent.mkdir(parents=True, exist_ok=True)
    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(40),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    studio = Studio(
        voices=voices_of(settings), fonts_dir=settings.fonts_dir, processes=settings.scenes_at_once
    )
    # Beside the film, so that moving it there is a rename and never leaves half of it.
    with (
        studio,
        tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as directory,
        Progress(*columns, console=console, transient=True) as progress,
    ):
        bar = progress.add_task("", total=1.0)

        def show(stage: Stage, fraction: float) -> None:
            progress.update(bar, description=stage.capitalize(), completed=fraction)

        film = studio.render(board, Path(directory), on_progress=show)
        for made, path in (
            (film.vtt, out.with_suffix(".vtt")),
            (film.srt, out.with_suffix(".srt")),
            (film.video, out),
        ):
            shutil.move(made, path)
    console.print(
        f"{out}: {film.duration_seconds:.1f} s, {film.width} x {film.height}, "
        f"{film.file_size_bytes / 1e6:.2f} MB, made in {time.monotonic() - began:.1f} s",
        highlight=False,
        soft_wrap=True,
    )
