"""From what a caller asks for to a complete storyboard, or to everything that is wrong with it.

Pure but for the built-in avatars, which are constants of the process.
"""

import json
import math
import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from heygen_graphql.errors import Fault, InvalidInput, UserErrorCode
from heygen_graphql.rendering import presenters, speech
from heygen_graphql.rendering.errors import UnknownAvatar, UnknownVoice, UnspeakableText
from heygen_graphql.rendering.speech import Gender, Voice
from heygen_graphql.rendering.speech.engine import MULTILINGUAL
from heygen_graphql.rendering.storyboard import AspectRatio, CaptionStyle, Quality, Scene, Storyboard
from heygen_graphql.videos.catalogue import Catalogue
from heygen_graphql.videos.requests import EMPTY_BACKGROUND, MAX_SCENES, SceneRequest, VideoRequest

MAX_SCRIPT_LENGTH = 1000
MAX_PAUSE_SECONDS = 60.0
MAX_TITLE_LENGTH = 200
MAX_METADATA_BYTES = 4096
MAX_METADATA_DEPTH = 100
DEFAULT_LANGUAGE = "en"
DEFAULT_BACKGROUND = "#DFE7EE"
SPEEDS = (0.5, 2.0)
PITCHES = (-12.0, 12.0)

# RFC 5646 in outline: subtags of 1 to 8 letters and digits, the first of letters.
_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_COLOR = re.compile(r"#([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})")
_LINE_CONTROLS = "\t\n\r"


@dataclass(frozen=True, slots=True)
class _Avatar:
    avatar_id: str
    gender: Gender | None = None
    rig: str | None = None


@dataclass(frozen=True, slots=True)
class _Background:
    color: str
    image: str | None = None


def title_of(request: VideoRequest) -> str | None:
    """The title as it is kept, when metadata can be kept, too.

    Raises:
        InvalidInput: carries every fault of the two.
    """
    faults: list[Fault] = []
    title = checked_line(request.title, MAX_TITLE_LENGTH, ("title",), faults)
    _check_metadata(request.metadata, faults)
    if faults:
        raise InvalidInput(faults)
    return title


def storyboard_of(request: VideoRequest, catalogue: Catalogue) -> Storyboard:
    """Fill in every default.

    Raises:
        InvalidInput: carries every fault there is, each with the path of its field.
    """
    faults: list[Fault] = []
    title = checked_line(request.title, MAX_TITLE_LENGTH, ("title",), faults)
    _check_metadata(request.metadata, faults)
    language, voice = _language_and_voice(request, catalogue, faults)
    avatar = _checked_avatar(request.avatar_id, (), catalogue, faults) or _drawn(presenters.default_avatar())
    background = _checked_background(request, (), catalogue, faults)
    speed = _in_range(request.speed, SPEEDS, ("speed",), faults, default=1.0)
    pitch = _in_range(request.pitch, PITCHES, ("pitch",), faults, default=0.0)
    scenes: list[Scene] = []
    for path, asked in _asked_scenes(request, faults):
        scene_avatar = _checked_avatar(asked.avatar_id, path, catalogue, faults) or avatar
        if asked.voice_id is not None and path:
            scene_voice = _checked_voice(asked.voice_id, path, catalogue, faults)
        elif request.voice_id is not None:
            scene_voice = voice
        else:
            scene_voice = catalogue.voices.default(language, scene_avatar.gender)
        script = _checked_script(asked.script, (*path, "script"), scene_voice, faults)
        pause = _checked_pause(asked, path, faults)
        scene_background = _checked_background(asked, path, catalogue, faults) or background
        # A portrait fills the picture unless something is asked for behind it.
        shown = scene_background or _Background("" if scene_avatar.rig else DEFAULT_BACKGROUND)
        scenes.append(
            Scene(
                script=script,
                pause_seconds=pause,
                voice_id=scene_voice.voice_id if scene_voice else "",
                avatar_id=scene_avatar.avatar_id,
                avatar_rig=scene_avatar.rig,
                background_color=shown.color,
                background_image=shown.image,
                speed=_in_range(asked.speed, SPEEDS, (*path, "speed"), faults, default=speed),
                pitch_semitones=_in_range(asked.pitch, PITCHES, (*path, "pitch"), faults, default=pitch),
            )
        )
    if faults:
        raise InvalidInput(faults)
    return Storyboard(
        scenes=tuple(scenes),
        language=language,
        quality=request.quality or Quality.MEDIUM,
        aspect_ratio=request.aspect_ratio or AspectRatio.LANDSCAPE,
        caption_style=request.caption_style or CaptionStyle.SIMPLE,
        title=title,
    )


def _asked_scenes(request: VideoRequest, faults: list[Fault]) -> list[tuple[tuple[str, ...], SceneRequest]]:
    """Each scene with its path; the path of the short form (`script`) is empty."""
    if request.scenes is None:
        if request.script is None:
            message = "Give a `script`, or `scenes`: there is nothing to say."
            faults.append(Fault(UserErrorCode.REQUIRED, message, ("script",)))
            return []
        return [((), SceneRequest(script=request.script))]
    if request.script is not None:
        message = "Give either `script` or `scenes`, not both: `script` is the short way to say one scene."
        faults.append(Fault(UserErrorCode.INVALID, message, ("scenes",)))
        return []
    count = len(request.scenes)
    if count == 0:
        faults.append(
            Fault(UserErrorCode.TOO_SHORT, f"`scenes` is empty; give 1 to {MAX_SCENES}.", ("scenes",))
        )
        return []
    if count > MAX_SCENES:
        message = f"There are {count} scenes; a video has at most {MAX_SCENES}."
        faults.append(Fault(UserErrorCode.TOO_LONG, message, ("scenes",)))
        return []
    return [(("scenes", str(index)), scene) for index, scene in enumerate(request.scenes)]


def _language_and_voice(
    request: VideoRequest, catalogue: Catalogue, faults: list[Fault]
) -> tuple[str, Voice | None]:
    voice = None
    if request.voice_id is not None:
        voice = _checked_voice(request.voice_id, (), catalogue, faults)
    language = request.language
    if language is None:
        if voice is not None and voice.language != MULTILINGUAL:
            return voice.language, voice
        language = DEFAULT_LANGUAGE
    if not _LANGUAGE_TAG.fullmatch(language) or len(language) > 35:
        message = f"{_shown(language)} is not a language tag. Write it as BCP 47 does: en, de, pt-BR."
        faults.append(Fault(UserErrorCode.INVALID, message, ("language",)))
        return DEFAULT_LANGUAGE, voice
    default = catalogue.voices.default(language)
    if default is None and not (voice is not None and voice.language == MULTILINGUAL):
        message = f"No voice here speaks {_shown(language)}. `server {{ languages }}` lists those there are."
        faults.append(Fault(UserErrorCode.UNSUPPORTED_LANGUAGE, message, ("language",)))
        return DEFAULT_LANGUAGE, voice
    if voice is not None and default is not None and not catalogue.voices.speaks(voice, language):
        message = (
            f"The voice {voice.voice_id!r} speaks {voice.language}, not {language}. "
            f"Leave voiceId out, or choose one such as {default.voice_id!r}."
        )
        faults.append(Fault(UserErrorCode.UNSUPPORTED_LANGUAGE, message, ("voiceId",)))
    return language, voice


def _checked_voice(
    voice_id: str, path: tuple[str, ...], catalogue: Catalogue, faults: list[Fault]
) -> Voice | None:
    try:
        return catalogue.voices.get(voice_id)
    except UnknownVoice as error:
        faults.append(Fault(UserErrorCode.UNKNOWN_VOICE, _without_excess(str(error)), (*path, "voiceId")))
        return None


def _drawn(avatar: presenters.Avatar) -> _Avatar:
    return _Avatar(avatar.avatar_id, avatar.gender)


def _checked_avatar(
    avatar_id: str | None, path: tuple[str, ...], catalogue: Catalogue, faults: list[Fault]
) -> _Avatar | None:
    if avatar_id is None:
        return None
    rig = catalogue.rigs.get(avatar_id)
    if rig is not None:
        return _Avatar(avatar_id, rig=rig)
    try:
        return _drawn(presenters.avatar(avatar_id))
    except UnknownAvatar as error:
        faults.append(Fault(UserErrorCode.UNKNOWN_AVATAR, _without_excess(str(error)), (*path, "avatarId")))
        return None


def _checked_script(
    script: str | None, path: tuple[str, ...], voice: Voice | None, faults: list[Fault]
) -> str | None:
    if script is None:
        return None
    text = script.strip()
    # Normalizing takes time that grows with the square of a run of combining marks: a mebibyte of them
    # would stop the server for minutes. No character has a canonical decomposition of more than four.
    if len(text) <= 4 * MAX_SCRIPT_LENGTH:
        text = unicodedata.normalize("NFC", text).strip()
    if not text:
        message = "The script is blank. Write what is to be said, 1 to 1000 characters."
        faults.append(Fault(UserErrorCode.TOO_SHORT, message, path))
        return None
    if len(text) > MAX_SCRIPT_LENGTH:
        message = (
            f"The script has {len(text):,} characters; at most {MAX_SCRIPT_LENGTH:,} are allowed. "
            "Divide it into scenes."
        )
        faults.append(Fault(UserErrorCode.TOO_LONG, message, path))
        return None
    control = _control_character(text, allowed=_LINE_CONTROLS)
    if control is not None:
        message = f"The script contains the control character U+{ord(control):04X}. Remove it."
        faults.append(Fault(UserErrorCode.INVALID, message, path))
        return None
    if voice is not None:
        try:
            speech.check_text(text, voice)
        except UnspeakableText as error:
            # Without a letter or a digit there is nothing to say in any language.
            is_wordless = not any(character.isalnum() for character in text)
            code = UserErrorCode.INVALID if is_wordless else UserErrorCode.UNSUPPORTED_LANGUAGE
            faults.append(Fault(code, str(error), path))
            return None
    return text


def _checked_pause(scene: SceneRequest, path: tuple[str, ...], faults: list[Fault]) -> float:
    if scene.pause_seconds is None:
        if scene.script is None:
            message = "A scene needs a `script`, or `pauseSeconds` for a silent one."
            faults.append(Fault(UserErrorCode.REQUIRED, message, (*path, "script")))
        return 0.0
    if scene.script is not None:
        message = "A scene has a `script` or `pauseSeconds`, not both; make the silence a scene of its own."
        faults.append(Fault(UserErrorCode.INVALID, message, (*path, "pauseSeconds")))
        return 0.0
    return _in_range(
        scene.pause_seconds, (0.1, MAX_PAUSE_SECONDS), (*path, "pauseSeconds"), faults, default=0.0
    )


def _checked_background(
    asked: VideoRequest | SceneRequest, path: tuple[str, ...], catalogue: Catalogue, faults: list[Fault]
) -> _Background | None:
    path = (*path, "background")
    color, image = asked.background_color, asked.background_image
    if color is not None and image is not None:
        message = "A background is a `color` or an image, `imageAssetId`, not both."
        faults.append(Fault(UserErrorCode.INVALID, message, path))
        return None
    if color == EMPTY_BACKGROUND:
        message = "The background is empty. Give a `color` or an `imageAssetId`, or leave `background` out."
        faults.append(Fault(UserErrorCode.INVALID, message, path))
        return None
    if image is None:
        checked = _checked_color(color, path, faults)
        return None if checked is None else _Background(checked)
    path = (*path, "imageAssetId")
    if image not in catalogue.images:
        faults.append(Fault(UserErrorCode.NOT_FOUND, "You have no asset of this id.", path))
        return None
    key = catalogue.images[image]
    if key is None:
        message = "This upload is not complete. PUT its bytes, then call completeUpload."
        faults.append(Fault(UserErrorCode.INVALID, message, path))
        return None
    return _Background(DEFAULT_BACKGROUND, key)


def _checked_color(color: str | None, path: tuple[str, ...], faults: list[Fault]) -> str | None:
    if color is None:
        return None
    match = _COLOR.fullmatch(color)
    if match is None:
        message = f"{_shown(color)} is not a colour. Write it as #RRGGBB, like #1E90FF."
        faults.append(Fault(UserErrorCode.INVALID, message, (*path, "color")))
        return None
    digits = match[1].upper()
    return "#" + (digits if len(digits) == 6 else "".join(digit * 2 for digit in digits))


def _in_range(
    value: float | None,
    limits: tuple[float, float],
    path: tuple[str, ...],
    faults: list[Fault],
    *,
    default: float,
) -> float:
    if value is None:
        return default
    low, high = limits
    if not math.isfinite(value) or not low <= value <= high:
        message = f"`{path[-1]}` is {value:g}; it must be {low:g} to {high:g}."
        faults.append(Fault(UserErrorCode.INVALID, message, path))
        return default
    return float(value)


def checked_line(text: str | None, limit: int, path: tuple[str, ...], faults: list[Fault]) -> str | None:
    """A title or a name as it is kept: in one line, None when it is blank."""
    if text is None:
        return None
    line = " ".join(text.split())
    if len(line) > limit:
        message = f"The {path[-1]} has {len(line)} characters; at most {limit} are stored."
        faults.append(Fault(UserErrorCode.TOO_LONG, message, path))
        return None
    control = _control_character(line)
    if control is not None:
        message = f"The {path[-1]} contains the control character U+{ord(control):04X}. Remove it."
        faults.append(Fault(UserErrorCode.INVALID, message, path))
        return None
    return line or None


def _check_metadata(metadata: Any, faults: list[Fault]) -> None:
    if not _is_flat(metadata, MAX_METADATA_DEPTH):
        message = f"`metadata` is nested more than {MAX_METADATA_DEPTH} deep."
        faults.append(Fault(UserErrorCode.INVALID, message, ("metadata",)))
        return
    try:
        text = json.dumps(metadata, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError:
        message = "`metadata` contains a number that JSON cannot hold: it is infinite, or not a number."
        faults.append(Fault(UserErrorCode.INVALID, message, ("metadata",)))
        return
    size = len(text.encode(errors="surrogatepass"))
    if size > MAX_METADATA_BYTES:
        message = f"`metadata` has {size:,} bytes as JSON; at most {MAX_METADATA_BYTES:,} are stored."
        faults.append(Fault(UserErrorCode.TOO_LONG, message, ("metadata",)))


def _is_flat(value: Any, levels: int) -> bool:
    """Whether no more than so many lists and objects lie inside each other."""
    level = [value]
    for _ in range(levels + 1):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return True
    return False


def _control_character(text: str, allowed: str = "") -> str | None:
    """The first character that is no text: a control, a surrogate or a private one."""
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cs", "Co") and character not in allowed:
            return character
    return None


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")


def _without_excess(message: str) -> str:
    return message if len(message) <= 300 else message[:150] + " ... " + message[-100:]
