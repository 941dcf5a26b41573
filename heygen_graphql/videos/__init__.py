"""A video's life as its owner sees it."""

from heygen_graphql.videos.catalogue import voices_of
from heygen_graphql.videos.drafts import MAX_SCRIPT_LENGTH
from heygen_graphql.videos.estimates import Estimate, Experience
from heygen_graphql.videos.lifecycle import Edited, cancel, create, delete, retry, storyboard_in, update
from heygen_graphql.videos.reading import (
    OrderField,
    VideoFilter,
    VideoOrder,
    by_ids,
    changed_since,
    count,
    get,
    page,
    queue_positions,
    seconds_left,
)
from heygen_graphql.videos.requests import MAX_SCENES, SceneRequest, VideoChanges, VideoRequest

__all__ = [
    "MAX_SCENES",
    "MAX_SCRIPT_LENGTH",
    "Edited",
    "Estimate",
    "Experience",
    "OrderField",
    "SceneRequest",
    "VideoChanges",
    "VideoFilter",
    "VideoOrder",
    "VideoRequest",
    "by_ids",
    "cancel",
    "changed_since",
    "count",
    "create",
    "delete",
    "get",
    "page",
    "queue_positions",
    "retry",
    "seconds_left",
    "storyboard_in",
    "update",
    "voices_of",
]
