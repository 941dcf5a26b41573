"""What a caller says of a video, and the domain's words for it."""

from collections.abc import Sequence

import strawberry

from heygen_graphql.changes import KEEP
from heygen_graphql.rendering.storyboard import AspectRatio, CaptionStyle, Quality
from heygen_graphql.schema import ids
from heygen_graphql.schema.inputs import given
from heygen_graphql.schema.scalars import HexColor, Json
from heygen_graphql.videos import SceneRequest, VideoChanges, VideoRequest
from heygen_graphql.videos.requests import EMPTY_BACKGROUND

_WITHOUT_CUT_OUT = (
    "A photo avatar stands before it if its portrait could be cut out cleanly; if not, the portrait fills "
    "the frame and hides it."
)


@strawberry.input(description=f"What stands behind the presenter: one of these. {_WITHOUT_CUT_OUT}")
class BackgroundInput:
    color: HexColor | None = strawberry.field(default=None, description="One colour all over.")
    image_asset_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="A picture, an asset that is complete: it fills the frame, and what does not fit is cut.",
    )


@strawberry.input(description="One scene: a script that is spoken, or a silence.")
class SceneInput:
    script: str | None = strawberry.field(
        default=None, description="What is said: 1 to 1000 characters after trimming."
    )
    pause_seconds: float | None = strawberry.field(
        default=None, description="How long to be silent, instead of a script: 0.1 to 60."
    )
    voice_id: str | None = strawberry.field(
        default=None,
        description="Another voice than the video's, a `voiceId`; when neither is given, one that suits the "
        "avatar.",
    )
    avatar_id: str | None = strawberry.field(
        default=None, description="Another avatar than the video's, an `avatarId`."
    )
    background: BackgroundInput | None = strawberry.field(
        default=None, description=f"Another background than the video's. {_WITHOUT_CUT_OUT}"
    )
    speed: float | None = strawberry.field(default=None, description="Another speed than the video's.")
    pitch: float | None = strawberry.field(default=None, description="Another pitch than the video's.")


@strawberry.input(description="A video to be made. Give one of `script` and `scenes`.")
class CreateVideoInput:
    script: str | None = strawberry.field(
        default=None,
        description="The short way to say one scene: 1 to 1000 characters after trimming.",
    )
    scenes: list[SceneInput] | None = strawberry.field(default=None, description="1 to 50 scenes, in order.")
    title: str | None = strawberry.field(default=None, description="What to call it: up to 200 characters.")
    voice_id: str | None = strawberry.field(
        default=None,
        description="Who is heard, a `voiceId`; when not given, the server's first voice for the language, "
        "of the gender that suits the avatar where there is one.",
    )
    avatar_id: str | None = strawberry.field(
        default=None,
        description="Who is seen, an `avatarId`; the server's first avatar when not given. A photo avatar "
        "fills the frame, unless a `background` is given and its portrait could be cut out cleanly.",
    )
    language: str | None = strawberry.field(
        default=None, description='What is spoken, a BCP 47 tag; the voice\'s, or "en", when not given.'
    )
    quality: Quality | None = strawberry.field(
        default=None, description="The picture's resolution; MEDIUM when not given."
    )
    aspect_ratio: AspectRatio | None = strawberry.field(
        default=None, description="The picture's shape; LANDSCAPE when not given."
    )
    caption_style: CaptionStyle | None = strawberry.field(
        default=None, description="How captions are drawn into the picture; SIMPLE when not given."
    )
    background: BackgroundInput | None = strawberry.field(
        default=None,
        description="What stands behind the presenter. When not given, a photo avatar's own picture "
        f"fills the frame, and `#DFE7EE` is behind a drawn one. {_WITHOUT_CUT_OUT}",
    )
    speed: float | None = strawberry.field(
        default=None, description="The voice's pace: 0.5 to 2, 1 when not given."
    )
    pitch: float | None = strawberry.field(
        default=None, description="Semitones above the voice's own pitch: -12 to 12, 0 when not given."
    )
    metadata: Json | None = strawberry.field(
        default=None, description="Anything up to 4 KiB, handed back untouched."
    )
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="Up to 255 characters, remembered for a day: the same key with the same input answers "
        "the same video instead of making another.",
    )


@strawberry.input(
    description="What to change of a video; what is left out stays. A script "
    "replaces scenes, and scenes a script."
)
class UpdateVideoInput:
    script: str | None = strawberry.field(
        default=None, description="The short way to say one scene: 1 to 1000 characters after trimming."
    )
    scenes: list[SceneInput] | None = strawberry.field(default=None, description="1 to 50 scenes, in order.")
    title: str | None = strawberry.field(
        default=strawberry.UNSET, description="What to call it; null removes it."
    )
    voice_id: str | None = strawberry.field(default=None, description="Who is heard, a `voiceId`.")
    avatar_id: str | None = strawberry.field(default=None, description="Who is seen, an `avatarId`.")
    language: str | None = strawberry.field(
        default=None, description="What is spoken, a BCP 47 tag; a voice that does not speak it is replaced."
    )
    quality: Quality | None = strawberry.field(default=None, description="The picture's resolution.")
    aspect_ratio: AspectRatio | None = strawberry.field(default=None, description="The picture's shape.")
    caption_style: CaptionStyle | None = strawberry.field(
        default=None, description="How captions are drawn into the picture."
    )
    background: BackgroundInput | None = strawberry.field(
        default=strawberry.UNSET,
        description=f"What stands behind the presenter; null removes it. {_WITHOUT_CUT_OUT}",
    )
    speed: float | None = strawberry.field(
        default=strawberry.UNSET, description="The voice's pace: 0.5 to 2; null takes it back to 1."
    )
    pitch: float | None = strawberry.field(
        default=strawberry.UNSET,
        description="Semitones above the voice's own pitch: -12 to 12; null takes it back to 0.",
    )
    metadata: Json | None = strawberry.field(
        default=strawberry.UNSET, description="Anything up to 4 KiB; null removes it."
    )


def video_request(input: CreateVideoInput) -> VideoRequest:
    return VideoRequest(
        script=input.script,
        scenes=_scenes(input.scenes),
        title=input.title,
        voice_id=input.voice_id,
        avatar_id=input.avatar_id,
        language=input.language,
        quality=input.quality,
        aspect_ratio=input.aspect_ratio,
        caption_style=input.caption_style,
        background_color=_color(input.background),
        background_image=_image(input.background),
        speed=input.speed,
        pitch=input.pitch,
        metadata=input.metadata,
    )


def video_changes(input: UpdateVideoInput) -> VideoChanges:
    return VideoChanges(
        script=input.script,
        scenes=_scenes(input.scenes),
        title=given(input.title),
        voice_id=input.voice_id,
        avatar_id=input.avatar_id,
        language=input.language,
        quality=input.quality,
        aspect_ratio=input.aspect_ratio,
        caption_style=input.caption_style,
        background_color=KEEP if input.background is strawberry.UNSET else _color(input.background),
        background_image=KEEP if input.background is strawberry.UNSET else _image(input.background),
        speed=given(input.speed),
        pitch=given(input.pitch),
        metadata=given(input.metadata),
    )


def _scenes(scenes: Sequence[SceneInput] | None) -> tuple[SceneRequest, ...] | None:
    if scenes is None:
        return None
    return tuple(
        SceneRequest(
            script=scene.script,
            pause_seconds=scene.pause_seconds,
            voice_id=scene.voice_id,
            avatar_id=scene.avatar_id,
            background_color=_color(scene.background),
            background_image=_image(scene.background),
            speed=scene.speed,
            pitch=scene.pitch,
        )
        for scene in scenes
    )


def _color(background: BackgroundInput | None) -> str | None:
    if background is None:
        return None
    is_empty = background.color is None and background.image_asset_id is None
    return EMPTY_BACKGROUND if is_empty else background.color


def _image(background: BackgroundInput | None) -> str | None:
    if background is None or background.image_asset_id is None:
        return None
    asset_id = ids.uuid_of(background.image_asset_id, "Asset")
    # Whatever else it is, it will be found to name nothing.
    return background.image_asset_id if asset_id is None else str(asset_id)
