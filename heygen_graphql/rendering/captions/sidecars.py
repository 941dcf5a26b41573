"""Cues as files: WebVTT (W3C) and SubRip, the same cues with the same times to the millisecond.

What is text stays text: neither format may take a script's "<b>" or "-->" for its own.
"""

import re
from collections.abc import Iterable, Iterator
from html import escape

from heygen_graphql.rendering.captions.bidi import is_right_to_left, starts_right_to_left
from heygen_graphql.rendering.captions.cues import Cue

_WORD_JOINER, _RIGHT_TO_LEFT_MARK = "\u2060", "\u200f"
# Players read these as styles or times, and SubRip has no escapes: a word joiner, which has no width,
# keeps the signs as they are and apart.
_SRT_MARKUP = re.compile(r"<(?=[^\s<])|\{(?=\\)|--(?=>)")
# UTF-8 has no halves of surrogate pairs, and WebVTT no zero.
_UNWRITABLE = re.compile("[\x00\ud800-\udfff]")


def to_vtt(cues: Iterable[Cue]) -> str:
    blocks = ["WEBVTT"]
    for cue in cues:
        times = f"{_clock(cue.start_seconds, '.')} --> {_clock(cue.end_seconds, '.')}"
        # Escaping ">" also keeps "-->" out of the text, where the format forbids it.
        blocks.append("\n".join([times, *(escape(line, quote=False) for line in _lines(cue))]))
    return "\n\n".join(blocks) + "\n"


def to_srt(cues: Iterable[Cue]) -> str:
    blocks = []
    for number, cue in enumerate(cues, start=1):
        times = f"{_clock(cue.start_seconds, ',')} --> {_clock(cue.end_seconds, ',')}"
        lines = [_SRT_MARKUP.sub(lambda sign: sign[0] + _WORD_JOINER, line) for line in _lines(cue)]
        blocks.append("\n".join([str(number), times, *lines]) + "\n")
    return "\n".join(blocks)


def _lines(cue: Cue) -> Iterator[str]:
    right_to_left = is_right_to_left(" ".join(cue.lines), language="und")
    for line in cue.lines:
        # Players go by a line's first letter: a Latin name would turn a line of Arabic around.
        is_misleading = right_to_left and not starts_right_to_left(line)
        yield _RIGHT_TO_LEFT_MARK * is_misleading + _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", line)


def _clock(seconds: float, separator: str) -> str:
    minutes, milliseconds = divmod(round(seconds * 1000), 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{milliseconds // 1000:02}{separator}{milliseconds % 1000:03}"
