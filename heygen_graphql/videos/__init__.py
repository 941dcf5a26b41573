"""A video's life as its owner sees it."""

from heygen_graphql.videos.catalogue import voices_of
from heygen_graphql.videos.drafts import MAX_SCRIPT_LENGTH
from heygen_graphql.videos.estimates import Experience
from heygen_graphql.videos.lifecycle import cancel, delete, retry, storyboard_in, update
from heygen_graphql.videos.line import queue_positions
from heygen_graphql.videos.making import MAX_VIDEOS_AT_ONCE, NewVideo, Outcome, create, create_each
from heygen_graphql.videos.quotas import Quotas
from heygen_graphql.videos.reading import (
    OrderField,
    VideoFilter,
    VideoOrder,
    by_ids,
    changed_since,
    count,
    get,
    of_anybody,
    page,
    seconds_left,
    versions,
)
from heygen_graphql.videos.requests import MAX_SCENES, SceneRequest, VideoChanges, VideoRequest

__all__ = [
    "MAX_SCENES",
    "MAX_SCRIPT_LENGTH",
    "MAX_VIDEOS_AT_ONCE",
    "Experience",
    "NewVideo",
    "OrderField",
    "Outcome",
    "Quotas",
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
    "create_each",
    "delete",
    "get",
    "of_anybody",
    "page",
    "queue_positions",
    "retry",
    "seconds_left",
    "storyboard_in",
    "update",
    "versions",
    "voices_of",
]
