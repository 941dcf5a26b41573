"""What can go wrong while rendering.

RenderError
├── UnknownVoice          no engine has a voice of that name
├── UnknownAvatar         no presenter has that name
├── UnspeakableText       the voice cannot read this text (another script, or nothing to say)
├── SpeechFailed          an engine broke; trying again may help
│   └── SpeechRefused     a speech endpoint will not serve us as we are; trying again does not help
├── PictureRefused        a picture cannot be used: it is none, broken or too large
│   └── PhotoRefused      the picture is fine, but no presenter can be made of it
├── BrokenRig             a photo presenter's file is none that this version can use
├── EncodingFailed        the encoder broke, or what it wrote cannot be read back
└── UnfitOutput           the finished file misses a bound of the quality report

`code` is stable and public (it is `VideoFailure.code`); `is_retryable` says whether the same
storyboard may succeed another time.
"""

from typing import ClassVar


class RenderError(Exception):
    code: str = "RENDER_FAILED"
    is_retryable: ClassVar[bool] = True


class UnknownVoice(RenderError):
    code = "UNKNOWN_VOICE"
    is_retryable = False

    def __init__(self, voice_id: str) -> None:
        super().__init__(
            f"There is no voice {voice_id!r}. The query `voices` (or `heygen-graphql voices`) lists them."
        )
        self.voice_id = voice_id


class UnknownAvatar(RenderError):
    code = "UNKNOWN_AVATAR"
    is_retryable = False

    def __init__(self, avatar_id: str) -> None:
        super().__init__(
            f"There is no avatar {avatar_id!r}. The query `avatars` lists them; `heygen-graphql voices` "
            "lists the built-in ones, after the voices."
        )
        self.avatar_id = avatar_id


class UnspeakableText(RenderError):
    code = "UNSPEAKABLE_TEXT"
    is_retryable = False


class SpeechFailed(RenderError):
    code = "SPEECH_FAILED"


class SpeechRefused(SpeechFailed):
    is_retryable = False


class PictureRefused(RenderError):
    """The code tells the kind: UNSUPPORTED_MEDIA or FILE_TOO_LARGE; the message says what to do."""

    is_retryable = False

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class PhotoRefused(PictureRefused):
    """The code is NO_FACE_FOUND, SEVERAL_FACES_FOUND, or INVALID for a face too small or turned away."""


class BrokenRig(RenderError):
    code = "BROKEN_AVATAR"
    is_retryable = False

    def __init__(self, detail: str) -> None:
        super().__init__(
            f"The photo avatar cannot be used: its file {detail}. Make a new one of the portrait."
        )
        self.detail = detail


class EncodingFailed(RenderError):
    code = "ENCODING_FAILED"


class UnfitOutput(RenderError):
    """A film is measured by what it was made of: rendered again, it would miss the same bound."""

    code = "UNFIT_OUTPUT"
    is_retryable = False
