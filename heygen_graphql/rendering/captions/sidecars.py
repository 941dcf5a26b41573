"""Cues as files: WebVTT (W3C) and SubRip, the same cues with the same times to the millisecond."""

from collections.abc import Iterable
from html import escape

from heygen_graphql.rendering.captions.cues import Cue


def to_vtt(cues: Iterable[Cue]) -> str:
    blocks = ["WEBVTT"]
    for cue in cues:
        times = f"{_clock(cue.start_seconds, '.')} --> {_clock(cue.end_seconds, '.')}"
        # Escaping ">" also keeps "-->" out of the text, where the format forbids it.
        blocks.append("\n".join([times, *(escape(line, quote=False) for line in cue.lines)]))
    return "\n\n".join(blocks) + "\n"


def to_srt(cues: Iterable[Cue]) -> str:
    blocks = []
    for number, cue in enumerate(cues, start=1):
        times = f"{_clock(cue.start_seconds, ',')} --> {_clock(cue.end_seconds, ',')}"
        # SubRip has no escapes: an arrow in the text would be read as times.
        lines = [line.replace("-->", "→") for line in cue.lines]
        blocks.append("\n".join([str(number), times, *lines]) + "\n")
    return "\n".join(blocks)


def _clock(seconds: float, separator: str) -> str:
    minutes, milliseconds = divmod(round(seconds * 1000), 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{milliseconds // 1000:02}{separator}{milliseconds % 1000:03}"
