"""A video and its parts."""

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Self
from uuid import UUID

import strawberry

from heygen_graphql import tables, videos
from heygen_graphql.rendering import storyboard
from heygen_graphql.rendering.storyboard import (
    FRAMES_PER_SECOND,
    AspectRatio,
    CaptionStyle,
    Quality,
    Stage,
    frame_size,
)
from heygen_graphql.schema import ids, links
from heygen_graphql.schema.assets import Asset
from heygen_graphql.schema.avatars import Avatar
from heygen_graphql.schema.context import Context, Info
from heygen_graphql.schema.enums import CaptionFormat
from heygen_graphql.schema.links import ExpiresInSeconds
from heygen_graphql.schema.loaders import Owned
from heygen_graphql.schema.nodes import Node
from heygen_graphql.schema.resolvers import Reads, field
from heygen_graphql.schema.scalars import BigInt, HexColor, Json, Url
from heygen_graphql.schema.voices import Voice
from heygen_graphql.tables import VideoStatus, utc_now

if TYPE_CHECKING:
    from heygen_graphql.schema.users import User


@strawberry.type(description="What stands behind the presenter.")
class Background:
    color: HexColor | None = strawberry.field(
        description="One colour all over; null behind an image, and where a photo avatar fills the frame."
    )
    image_key: strawberry.Private[str | None]
    owner_id: strawberry.Private[UUID]

    @field("A picture; null when there is none, or it has been deleted.", reads=Reads.OWN_ROWS)
    async def image(self, info: Info) -> Asset | None:
        if self.image_key is None:
            return None
        row = await info.context.loaders.assets_by_key.load(Owned(self.owner_id, self.image_key))
        return None if row is None else Asset.of(row)


@strawberry.type(description="One presenter before one background, speaking or silent.")
class Scene:
    index: int = strawberry.field(description="Its place in the video, from 0.")
    script: str = strawberry.field(description="What is said; empty in a silent scene.")
    voice_id: strawberry.Private[str]
    avatar_id: strawberry.Private[str]
    owner_id: strawberry.Private[UUID]
    background: Background = strawberry.field(description="What stands behind the presenter.")
    speed: float = strawberry.field(description="The voice's pace: 1 is its own.")
    pitch: float = strawberry.field(description="Semitones above the voice's own pitch.")
    pause_seconds: float | None = strawberry.field(
        description="How long the scene was asked to be silent; null when it speaks."
    )
    start_seconds: float | None = strawberry.field(
        description="When it begins in the video; null until COMPLETED."
    )
    duration_seconds: float | None = strawberry.field(description="How long it lasts; null until COMPLETED.")
    reused: bool = strawberry.field(
        description="Whether it was taken over, finished, from an earlier render; false until COMPLETED."
    )

    @field("Who is heard.", reads=Reads.VOICES)
    def voice(self, info: Info) -> Voice:
        return Voice.named(info.context, self.voice_id)

    @field("Who is seen.", reads=Reads.OWN_ROWS)
    async def avatar(self, info: Info) -> Avatar:
        return await Avatar.named(info.context, self.owner_id, self.avatar_id)


@strawberry.type(description="A word and when it is heard.")
class TranscriptWord:
    text: str = strawberry.field(description="The word as the script writes it, punctuation included.")
    start_seconds: float = strawberry.field(description="When it begins in the video.")
    end_seconds: float = strawberry.field(description="When it ends in the video.")
    scene_index: int = strawberry.field(description="The scene it is said in, from 0.")


@strawberry.type(description="Why a video could not be rendered.")
class VideoFailure:
    code: str = strawberry.field(description="What went wrong, for programs; stable.")
    message: str = strawberry.field(description="What went wrong, for people.")
    is_retryable: bool = strawberry.field(description="Whether the same video may succeed another time.")


@strawberry.type(description="What was measured on the finished file.")
class QualityReport:
    audio_video_offset_ms: float = strawberry.field(
        description="By how many milliseconds the two streams' lengths differ."
    )
    loudness_lufs: float = strawberry.field(description="Integrated loudness (EBU R 128), in LUFS.")
    true_peak_dbtp: float = strawberry.field(description="The highest true peak (ITU-R BS.1770), in dBTP.")
    black_frames: int = strawberry.field(description="How many frames are black all over.")
    missing_glyphs: int = strawberry.field(
        description="How many characters of the captions the font could not draw."
    )


@strawberry.type(description="A presenter speaking a script, from the wish to the finished file.")
class Video(Node):
    row: strawberry.Private[tables.Video]
    title: str | None = strawberry.field(description="What its owner calls it.")
    status: VideoStatus = strawberry.field(description="How far it is.")
    stage: Stage | None = strawberry.field(description="What is being done now; null once it is final.")
    progress: float = strawberry.field(
        description="0 to 1 over the whole render; never falls within one attempt."
    )
    version: int = strawberry.field(description="Grows with every change that can be seen here.")
    script: str = strawberry.field(description="All scenes' scripts, in order, one a line.")
    language: str = strawberry.field(description="The language spoken, as BCP 47 writes it.")
    quality: Quality = strawberry.field(description="The picture's resolution.")
    aspect_ratio: AspectRatio = strawberry.field(description="The picture's shape.")
    caption_style: CaptionStyle = strawberry.field(description="How captions are drawn into the picture.")
    width: int = strawberry.field(description="The picture's width in pixels.")
    height: int = strawberry.field(description="The picture's height in pixels.")
    metadata: Json | None = strawberry.field(description="What its owner gave along with it, untouched.")
    created_at: datetime = strawberry.field(description="When it was created.")
    updated_at: datetime = strawberry.field(description="When it last changed.")
    started_at: datetime | None = strawberry.field(description="When its render began.")
    completed_at: datetime | None = strawberry.field(description="When it became COMPLETED.")
    duration_seconds: float | None = strawberry.field(description="How long it plays; null until COMPLETED.")
    file_size_bytes: BigInt | None = strawberry.field(
        description="The video file's size; null until COMPLETED."
    )
    processing_seconds: float | None = strawberry.field(
        description="How long the render took; null until COMPLETED."
    )
    sha256: str | None = strawberry.field(
        description="The video file's SHA-256 in hexadecimal; null until COMPLETED."
    )

    @field("Its place among all videos that wait: 1 is next. Null once it is processed.")
    async def queue_position(self, info: Info) -> int | None:
        if self.status is not VideoStatus.PENDING:
            return None
        return await info.context.loaders.queue_positions.load(self.row.id)

    @field("An estimate of what is left of the render; null when unknown or done.")
    def seconds_left(self) -> float | None:
        return videos.seconds_left(self.row, utc_now())

    @field("Its scenes, in order.", reads=Reads.OWN_ROWS)
    def scenes(self) -> list[Scene]:
        return scenes_of(videos.storyboard_in(self.row), self.row.owner_id, self.row.scene_timings)

    @field("Who is heard, unless a scene names another voice.", reads=Reads.VOICES)
    def voice(self, info: Info) -> Voice:
        return Voice.named(info.context, self.row.voice_id)

    @field("Who is seen, unless a scene names another avatar.", reads=Reads.OWN_ROWS)
    async def avatar(self, info: Info) -> Avatar:
        return await Avatar.named(info.context, self.row.owner_id, self.row.avatar_id)

    @field("Pictures shown per second.", reads=Reads.OWN_ROWS)
    def frames_per_second(self) -> int:
        return FRAMES_PER_SECOND

    @field("Whose it is.", reads=Reads.OWN_ROWS)
    async def owner(self, info: Info) -> Annotated["User", strawberry.lazy("heygen_graphql.schema.users")]:
        # Here because User and Video refer to each other.
        from heygen_graphql.schema.users import User

        row = await info.context.loaders.users.load(self.row.owner_id)
        if row is None:
            raise LookupError(f"video {self.row.id} has lost its owner")
        return User.of(row)

    @field(
        "A signed link to the MP4 file, with byte ranges. It expires; null until COMPLETED.",
        reads=Reads.OWN_ROWS,
    )
    def url(self, info: Info, expires_in_seconds: ExpiresInSeconds = None) -> Url | None:
        return self._link(info, "video.mp4", expires_in_seconds)

    @field(
        "A signed link to a picture of the video, a JPEG. It expires; null until COMPLETED.",
        reads=Reads.OWN_ROWS,
    )
    def thumbnail_url(self, info: Info, expires_in_seconds: ExpiresInSeconds = None) -> Url | None:
        return self._link(info, "thumbnail.jpg", expires_in_seconds)

    @field("A signed link to the captions. It expires; null until COMPLETED.", reads=Reads.OWN_ROWS)
    def captions_url(
        self,
        info: Info,
        format: Annotated[
            CaptionFormat | None, strawberry.argument(description="The file's form; VTT when not given.")
        ] = None,
        expires_in_seconds: ExpiresInSeconds = None,
    ) -> Url | None:
        return self._link(info, f"captions.{(format or CaptionFormat.VTT).value.lower()}", expires_in_seconds)

    @field("Every word and when it is heard; null until COMPLETED.", reads=Reads.OWN_ROWS)
    def transcript(self) -> list[TranscriptWord] | None:
        words = self.row.transcript
        return None if words is None else [TranscriptWord(**word) for word in words]

    @field("Why it could not be rendered; null unless it is FAILED.", reads=Reads.OWN_ROWS)
    def failure(self) -> VideoFailure | None:
        if self.row.failure_code is None:
            return None
        return VideoFailure(
            code=self.row.failure_code,
            message=self.row.failure_message or "",
            is_retryable=bool(self.row.failure_is_retryable),
        )

    @field("What was measured on the finished file; null until COMPLETED.", reads=Reads.OWN_ROWS)
    def quality_report(self) -> QualityReport | None:
        report: dict[str, Any] | None = self.row.quality_report
        return None if report is None else QualityReport(**report)

    @classmethod
    async def find(cls, context: Context, key: str) -> Self | None:
        """One of the viewer's."""
        row = await context.own(context.loaders.videos, key)
        return None if row is None else cls.of(row)

    @classmethod
    def of(cls, row: tables.Video) -> Self:
        quality, aspect_ratio = Quality(row.quality), AspectRatio(row.aspect_ratio)
        width, height = frame_size(quality, aspect_ratio)
        return cls(
            id=ids.encode("Video", row.id),
            row=row,
            title=row.title,
            status=row.status,
            stage=None if row.stage is None or row.status.is_final else Stage(row.stage),
            progress=row.progress,
            version=row.version,
            script=row.script,
            language=row.language,
            quality=quality,
            aspect_ratio=aspect_ratio,
            caption_style=CaptionStyle(row.caption_style),
            width=width,
            height=height,
            metadata=None if row.client_metadata is None else Json(row.client_metadata),
            created_at=row.created_at,
            updated_at=row.updated_at,
            started_at=row.started_at,
            completed_at=row.completed_at,
            duration_seconds=row.duration_seconds,
            file_size_bytes=None if row.file_size_bytes is None else BigInt(row.file_size_bytes),
            processing_seconds=row.processing_seconds,
            sha256=row.sha256,
        )

    def _link(self, info: Info, name: str, expires_in_seconds: int | None) -> Url | None:
        if self.status is not VideoStatus.COMPLETED or self.row.files_prefix is None:
            # A bad argument is refused whether or not there is a file yet.
            links.check_seconds(expires_in_seconds)
            return None
        return links.signed(
            info.context,
            f"{self.row.files_prefix}/{name}",
            expires_in_seconds=expires_in_seconds,
            filename=_filename(self.row.title or "video", name),
        )


def scenes_of(
    story: storyboard.Storyboard, owner_id: UUID, timings: Sequence[Mapping[str, Any]] | None
) -> list[Scene]:
    scenes = story.scenes
    return [
        Scene(
            index=index,
            script=scene.script or "",
            voice_id=scene.voice_id,
            avatar_id=scene.avatar_id,
            owner_id=owner_id,
            background=_background(scene, owner_id),
            speed=scene.speed,
            pitch=scene.pitch_semitones,
            pause_seconds=scene.pause_seconds if scene.script is None else None,
            start_seconds=timing.get("start_seconds"),
            duration_seconds=timing.get("duration_seconds"),
            reused=bool(timing.get("reused", False)),
        )
        for index, (scene, timing) in enumerate(zip(scenes, timings or [{}] * len(scenes), strict=True))
    ]


def _background(scene: storyboard.Scene, owner_id: UUID) -> Background:
    is_plain = scene.background_image is None and scene.background_color
    return Background(
        color=HexColor(scene.background_color) if is_plain else None,
        image_key=scene.background_image,
        owner_id=owner_id,
    )


def _filename(title: str, name: str) -> str:
    """The title with the file's suffix, fit for every file system."""
    kept = "".join(
        character if unicodedata.category(character)[0] in "LNM" or character in " -_" else " "
        for character in title
    )
    return f"{' '.join(kept.split())[:80] or 'video'}.{name.rpartition('.')[2]}"
