"""A sheet of frames for docs/: `python -m benchmarks.contact_sheet [FILE]`, or `make sheet`.

Every frame comes out of a film made by the library as any caller would make it: each drawn presenter
speaking, then captions in all three aspect ratios.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from heygen_graphql.rendering import AspectRatio, CaptionStyle, Quality, Scene, Storyboard
from heygen_graphql.rendering.film import TranscriptWord
from heygen_graphql.rendering.presenters import avatars
from heygen_graphql.rendering.production import Studio
from heygen_graphql.rendering.speech import default_voice

Picture = NDArray[np.uint8]

_BACKDROPS = ("#E4E2DE", "#CFDDE8", "#DDE6D8", "#E9DCCB", "#D9D6E6", "#F0D9D0", "#DCE3E1", "#2E3440")
_LINES = (
    "Good morning, and welcome.",
    "Let me show you how it works.",
    "Here is what happened today.",
    "Now open the second page.",
    "Thank you all for coming along.",
    "Making a film takes one minute.",
    "Whatever you write is spoken.",
)
_CAPTIONS = (
    ("en", "Captions follow every word, and wrap where a reader would pause.", CaptionStyle.KARAOKE),
    ("hi", "नमस्ते, आप सबका स्वागत है।", CaptionStyle.SIMPLE),
    ("ar", "أهلا وسهلا بكم في هذا العرض.", CaptionStyle.SIMPLE),
    ("ru", "Здравствуйте! Рады вас видеть.", CaptionStyle.KARAOKE),
)
_WIDTH, _GAP, _COLUMNS = 1280, 8, 4
_QUALITY = 84
_MOST_BYTES = 300_000


def frames_at(film: Path, moments: Sequence[float]) -> list[Picture]:
    """The pictures shown at these seconds, which rise."""
    pictures: list[Picture] = []
    with av.open(str(film)) as container:
        for frame in container.decode(video=0):
            while len(pictures) < len(moments) and (frame.time or 0.0) >= moments[len(pictures)]:
                pictures.append(np.asarray(frame.to_ndarray(format="bgr24"), np.uint8))
    return pictures


def within_longest(words: Sequence[TranscriptWord]) -> float:
    """A moment inside the longest word: a mouth most likely stands open, a spoken word is lit."""
    word = max(words, key=lambda word: word.end_seconds - word.start_seconds)
    return word.start_seconds * 0.5 + word.end_seconds * 0.5


def presenters_speaking(studio: Studio, directory: Path) -> list[Picture]:
    scenes = tuple(
        Scene(
            script=_LINES[index % len(_LINES)],
            pause_seconds=0.3,
            voice_id=_voice("en"),
            avatar_id=avatar.avatar_id,
            background_color=_BACKDROPS[index % len(_BACKDROPS)],
        )
        for index, avatar in enumerate(avatars())
    )
    film = studio.render(Storyboard(scenes, "en", caption_style=CaptionStyle.NONE), directory)
    words = [[word for word in film.transcript if word.scene_index == index] for index in range(len(scenes))]
    return frames_at(film.video, [within_longest(spoken) for spoken in words])


def captioned(studio: Studio, directory: Path) -> list[Picture]:
    pictures = []
    cast = [avatar.avatar_id for avatar in avatars()]
    ratios = (AspectRatio.LANDSCAPE, AspectRatio.SQUARE, AspectRatio.PORTRAIT, AspectRatio.PORTRAIT)
    for index, (ratio, (language, line, style)) in enumerate(zip(ratios, _CAPTIONS, strict=True)):
        scene = Scene(line, 0.0, _voice(language), cast[(3 + 2 * index) % len(cast)], _BACKDROPS[-1 - index])
        storyboard = Storyboard((scene,), language, Quality.LOW, ratio, style)
        folder = directory / str(index)
        folder.mkdir()
        film = studio.render(storyboard, folder)
        pictures += frames_at(film.video, [within_longest(film.transcript)])
    return pictures


def _voice(language: str) -> str:
    voice = default_voice(language)
    if voice is None:
        raise LookupError(f"no voice speaks {language!r}")
    return voice.voice_id


def bust(picture: Picture) -> Picture:
    """The middle square of a landscape."""
    height, width = picture.shape[:2]
    return picture[:, (width - height) // 2 : (width + height) // 2]


def sheet(rows: Sequence[Sequence[Picture]]) -> Picture:
    """Each row as high as makes it as wide as the sheet, but for a few tall ones."""
    strips = []
    for row in rows:
        shares = [picture.shape[1] / picture.shape[0] for picture in row]
        height = int(min((_WIDTH - _GAP * (len(row) - 1)) / sum(shares), _WIDTH / 3))
        strip = np.full((height, _WIDTH, 3), 255, np.uint8)
        left = (_WIDTH - round(sum(share * height for share in shares)) - _GAP * (len(row) - 1)) // 2
        for picture, share in zip(row, shares, strict=True):
            width = min(round(share * height), _WIDTH - left)
            strip[:, left : left + width] = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
            left += width + _GAP
        strips += [strip, np.full((_GAP, _WIDTH, 3), 255, np.uint8)]
    return np.vstack(strips[:-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=Path("docs/contact-sheet.jpg"))
    file: Path = parser.parse_args().file
    with tempfile.TemporaryDirectory() as directory, Studio() as studio:
        speaking = presenters_speaking(studio, Path(directory))
        others = captioned(studio, Path(directory))
    landscape, square, *portraits = others
    busts = [*map(bust, speaking), square]
    rows = [busts[first : first + _COLUMNS] for first in range(0, len(busts), _COLUMNS)]
    picture = sheet([*rows, [landscape, *portraits]])
    for quality in range(_QUALITY, 40, -6):
        _, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if len(jpeg) < _MOST_BYTES:
            break
    file.write_bytes(jpeg.tobytes())
    print(f"{file}: {len(avatars())} presenters, {len(jpeg) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
