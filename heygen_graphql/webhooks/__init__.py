"""Telling an owner's own servers what happens to their videos.

events → fanning (an event becomes deliveries) → deliveries (claimed, recorded) → sending; the driver goes
round these.
"""

from heygen_graphql.webhooks.driver import Driver, driving
from heygen_graphql.webhooks.endpoints import (
    WebhookChanges,
    by_ids,
    change,
    create,
    delete,
    of_owner,
    replay,
    rotate,
    send_ping,
)
from heygen_graphql.webhooks.events import WebhookEvent
from heygen_graphql.webhooks.fanning import fan_out_last
from heygen_graphql.webhooks.reading import DeliveryFilter, count, deliveries_by_ids, page
from heygen_graphql.webhooks.targets import Targets
from heygen_graphql.webhooks.waking import Waking

__all__ = [
    "DeliveryFilter",
    "Driver",
    "Targets",
    "Waking",
    "WebhookChanges",
    "WebhookEvent",
    "by_ids",
    "change",
    "count",
    "create",
    "delete",
    "deliveries_by_ids",
    "driving",
    "fan_out_last",
    "of_owner",
    "page",
    "replay",
    "rotate",
    "send_ping",
]
