"""The domain's enumerations as the schema shows them, every value described."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

from heygen_graphql.rendering.speech.engine import Gender
from heygen_graphql.rendering.storyboard import AspectRatio, CaptionStyle, Quality, Stage
from heygen_graphql.tables import VideoStatus
from heygen_graphql.videos import OrderField

EnumType = TypeVar("EnumType", bound=StrEnum)


def expose(
    values: type[EnumType], description: str, meanings: Mapping[EnumType, str], *, name: str | None = None
) -> None:
    """Make an enumeration part of the schema; `meanings` has to describe each of its values."""
    strawberry.enum(values, name=name or values.__name__, description=description)
    definition: StrawberryEnumDefinition = vars(values)["__strawberry_definition__"]
    for value in definition.values:
        value.description = meanings[values(value.value)]


class CaptionFormat(StrEnum):
    VTT = "VTT"
    SRT = "SRT"


class OrderDirection(StrEnum):
    ASC = "ASC"
    DESC = "DESC"


class AvatarKind(StrEnum):
    DRAWN = "DRAWN"
    PHOTO = "PHOTO"


expose(
    VideoStatus,
    "How far a video is.",
    {
        VideoStatus.PENDING: "It waits for its turn.",
        VideoStatus.PROCESSING: "It is being rendered.",
        VideoStatus.COMPLETED: "It is done and can be watched. Final.",
        VideoStatus.FAILED: "It could not be rendered; `failure` says why. Final, unless it is retried.",
        VideoStatus.CANCELED: "Its owner stopped it. Final, unless it is retried.",
    },
)
expose(
    Stage,
    "The parts of one render, in their order.",
    {
        Stage.QUEUED: "It waits for its turn.",
        Stage.SPEAKING: "The scripts are being spoken.",
        Stage.DRAWING: "The frames are being drawn and encoded.",
        Stage.ASSEMBLING: "Sound, picture and captions are being put into one file, and measured.",
        Stage.PUBLISHING: "The files are being stored.",
    },
    name="RenderStage",
)
expose(
    Quality,
    "The picture's resolution, named by its short side.",
    {
        Quality.LOW: "480 pixels.",
        Quality.MEDIUM: "720 pixels.",
        Quality.HIGH: "1080 pixels.",
        Quality.ULTRA: "2160 pixels.",
    },
    name="VideoQuality",
)
expose(
    AspectRatio,
    "The picture's shape.",
    {
        AspectRatio.LANDSCAPE: "16:9.",
        AspectRatio.PORTRAIT: "9:16.",
        AspectRatio.SQUARE: "1:1.",
    },
)
expose(
    CaptionStyle,
    "How captions are drawn into the picture. Caption files beside the video exist whatever the style.",
    {
        CaptionStyle.NONE: "None in the picture.",
        CaptionStyle.SIMPLE: "A line or two at a time, at the foot of the picture.",
        CaptionStyle.KARAOKE: "As SIMPLE, and each word is lit while it is spoken.",
    },
)
expose(
    Gender,
    "How a voice sounds.",
    {
        Gender.FEMALE: "A woman's voice.",
        Gender.MALE: "A man's voice.",
        Gender.NEUTRAL: "Neither in particular.",
    },
    name="VoiceGender",
)
expose(
    OrderField,
    "What videos can be ordered by.",
    {
        OrderField.CREATED_AT: "When it was created.",
        OrderField.UPDATED_AT: "When it last changed.",
        OrderField.DURATION: "How long it plays; a video that is not finished counts as the shortest.",
    },
    name="VideoOrderField",
)
expose(
    CaptionFormat,
    "The two forms of caption files.",
    {
        CaptionFormat.VTT: "WebVTT, for web players.",
        CaptionFormat.SRT: "SubRip, for editors and most other players.",
    },
)
expose(
    OrderDirection,
    "Which end of an order comes first.",
    {OrderDirection.ASC: "Smallest or oldest first.", OrderDirection.DESC: "Largest or newest first."},
)
expose(
    AvatarKind,
    "How an avatar's picture is made.",
    {
        AvatarKind.DRAWN: "An illustrated presenter.",
        AvatarKind.PHOTO: "A portrait that its owner uploaded.",
    },
)
