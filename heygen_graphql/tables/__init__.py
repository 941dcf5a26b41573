"""Every table. Rules that must hold whatever the code does are constraints here, not checks elsewhere."""

from heygen_graphql.tables.accounts import ApiKey, Session, Usage, User, ViewerVersion
from heygen_graphql.tables.assets import Asset, AssetState, PhotoAvatar
from heygen_graphql.tables.columns import UtcDateTime, metadata, utc_now
from heygen_graphql.tables.renders import VideoScene, Worker
from heygen_graphql.tables.videos import (
    IS_UNDER_WAY,
    IS_UNFINISHED,
    IS_WAITING,
    IS_WAITING_PREVIEW,
    PREVIEW_SECONDS,
    IdempotencyKey,
    Template,
    Video,
    VideoEvent,
    VideoStatus,
)
from heygen_graphql.tables.webhooks import IS_TO_BE_DELIVERED, Webhook, WebhookDelivery, WebhookDeliveryStatus

__all__ = [
    "IS_TO_BE_DELIVERED",
    "IS_UNDER_WAY",
    "IS_UNFINISHED",
    "IS_WAITING",
    "IS_WAITING_PREVIEW",
    "PREVIEW_SECONDS",
    "ApiKey",
    "Asset",
    "AssetState",
    "IdempotencyKey",
    "PhotoAvatar",
    "Session",
    "Template",
    "Usage",
    "User",
    "UtcDateTime",
    "Video",
    "VideoEvent",
    "VideoScene",
    "VideoStatus",
    "ViewerVersion",
    "Webhook",
    "WebhookDelivery",
    "WebhookDeliveryStatus",
    "Worker",
    "metadata",
    "utc_now",
]
