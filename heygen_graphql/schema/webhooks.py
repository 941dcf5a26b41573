"""Webhooks and the log of what was sent to them."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

import strawberry

from heygen_graphql import tables, webhooks
from heygen_graphql.errors import InvalidInput, UserErrorCode
from heygen_graphql.paging import Window
from heygen_graphql.schema import ids
from heygen_graphql.schema.connections import After, Before, Connection, First, Last
from heygen_graphql.schema.context import Context, Info
from heygen_graphql.schema.enums import expose
from heygen_graphql.schema.inputs import given
from heygen_graphql.schema.loaders import Owned
from heygen_graphql.schema.nodes import Node
from heygen_graphql.schema.payloads import DeletePayload
from heygen_graphql.schema.resolvers import Reads, field, mutation
from heygen_graphql.schema.scalars import Json, Url
from heygen_graphql.schema.user_errors import Payload
from heygen_graphql.tables import WebhookDeliveryStatus
from heygen_graphql.webhooks import DeliveryFilter, WebhookChanges, WebhookEvent

expose(
    WebhookEvent,
    "What a webhook can be told of. The payload's `type` is the same in small letters: `video.completed`.",
    {
        WebhookEvent.VIDEO_PROCESSING: "A render has begun; again whenever one begins anew.",
        WebhookEvent.VIDEO_COMPLETED: "A video is done and can be watched.",
        WebhookEvent.VIDEO_FAILED: "A video could not be rendered.",
        WebhookEvent.VIDEO_CANCELED: "A video was canceled, or deleted before it was done.",
        WebhookEvent.PING: "`pingWebhook` was called. It is sent whether or not the webhook names it.",
    },
)
expose(
    WebhookDeliveryStatus,
    "How far a delivery is.",
    {
        WebhookDeliveryStatus.PENDING: "It waits for its first or next attempt, or is being sent.",
        WebhookDeliveryStatus.DELIVERED: "The receiver answered 200 to 299. Final.",
        WebhookDeliveryStatus.FAILED: "Given up; `failure` says why. Final, but it can be replayed.",
    },
)


@strawberry.type(description="Where the viewer's events are sent, signed as Standard Webhooks has it.")
class Webhook(Node):
    url: Url = strawberry.field(description="Where events are POSTed.")
    events: list[WebhookEvent] = strawberry.field(description="What it is told of.")
    is_active: bool = strawberry.field(
        description="Whether anything is sent. A receiver that answers 410 switches it off, "
        "`updateWebhook` off and on."
    )
    created_at: datetime = strawberry.field(description="When it was created; earlier events are not sent.")
    updated_at: datetime = strawberry.field(description="When it last changed.")
    previous_secret_expires_at: datetime | None = strawberry.field(
        description="Until when the secret before the present one signs, too; null when none was replaced."
    )

    @classmethod
    async def find(cls, context: Context, key: str) -> Self | None:
        """One of the viewer's."""
        row = await context.own(context.loaders.webhooks, key)
        return None if row is None else cls.of(row)

    @classmethod
    def of(cls, row: tables.Webhook) -> Self:
        return cls(
            id=ids.encode("Webhook", row.id),
            url=Url(row.url),
            events=[WebhookEvent(event) for event in row.events],
            is_active=row.is_active,
            created_at=row.created_at,
            updated_at=row.updated_at,
            previous_secret_expires_at=row.previous_secret_expires_at,
        )


@strawberry.type(description="One event on its way to one webhook.")
class WebhookDelivery(Node):
    row: strawberry.Private[tables.WebhookDelivery]
    event: WebhookEvent = strawberry.field(description="What it tells of.")
    status: WebhookDeliveryStatus = strawberry.field(description="How far it is.")
    attempts: int = strawberry.field(description="How often it was sent, or is being sent, so far.")
    response_status: int | None = strawberry.field(
        description="The HTTP status of the last answer; null when the last attempt brought none."
    )
    failure: str | None = strawberry.field(description="Why the last attempt failed; null when none has.")
    next_attempt_at: datetime | None = strawberry.field(
        description="When it is sent next, or at the latest while it is being sent; null when it has ended."
    )
    created_at: datetime = strawberry.field(description="When it was written down.")
    delivered_at: datetime | None = strawberry.field(
        description="When the receiver took it; null until then."
    )
    message_id: str = strawberry.field(
        description="The header `webhook-id`: the same at every attempt and in a replay, so that a receiver "
        "can tell what it has already."
    )
    payload: Json = strawberry.field(description="What is sent: `type`, `timestamp` and `data`.")

    @field("Where it goes.", reads=Reads.OWN_ROWS)
    async def webhook(self, info: Info) -> Webhook:
        row = await info.context.loaders.webhooks.load(Owned(self.row.owner_id, self.row.webhook_id))
        if row is None:
            # Deleted since the delivery was read, and its deliveries with it.
            raise InvalidInput.one(UserErrorCode.NOT_FOUND, "The webhook was deleted this moment.")
        return Webhook.of(row)

    @classmethod
    async def find(cls, context: Context, key: str) -> Self | None:
        """One of the viewer's."""
        row = await context.own(context.loaders.webhook_deliveries, key)
        return None if row is None else cls.of(row)

    @classmethod
    def of(cls, row: tables.WebhookDelivery) -> Self:
        return cls(
            id=ids.encode("WebhookDelivery", row.id),
            row=row,
            event=WebhookEvent(row.event),
            status=row.status,
            attempts=row.attempts,
            response_status=row.response_status,
            failure=row.failure,
            next_attempt_at=row.next_attempt_at,
            created_at=row.created_at,
            delivered_at=row.delivered_at,
            message_id=row.message_id,
            payload=Json(row.payload),
        )


@strawberry.type
class WebhookQueries:
    @field("The viewer's webhooks, oldest first.", reads=Reads.OWN_ROWS)
    async def webhooks(self, info: Info) -> list[Webhook]:
        owner_id = (await info.context.viewer()).user.id
        rows = await webhooks.of_owner(info.context.services.database, owner_id)
        return [Webhook.of(row) for row in rows]

    @field("What was and is to be sent to the viewer's webhooks, newest first.", reads=Reads.OWN_ROWS)
    async def webhook_deliveries(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        webhook_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only of this webhook.")
        ] = None,
        status: Annotated[
            WebhookDeliveryStatus | None, strawberry.argument(description="Only of this status.")
        ] = None,
    ) -> Connection[WebhookDelivery]:
        owner_id = (await info.context.viewer()).user.id
        database = info.context.services.database
        # An id of nothing matches nothing, as one of somebody else's webhook does.
        wanted = None if webhook_id is None else ids.uuid_of(webhook_id, "Webhook") or UUID(int=0)
        matching = DeliveryFilter(wanted, status)
        page = await webhooks.page(database, owner_id, matching, Window.of(first, after, last, before))
        return Connection[WebhookDelivery].of(
            page, WebhookDelivery.of, lambda: webhooks.count(database, owner_id, matching)
        )


@strawberry.input(description="A new webhook.")
class CreateWebhookInput:
    url: Url = strawberry.field(
        description="Where to POST events: an https address that everybody can reach. Up to 2,000 characters."
    )
    events: list[WebhookEvent] = strawberry.field(description="What to tell: one event or more, each once.")


@strawberry.input(description="What to change of a webhook; what is left out stays.")
class UpdateWebhookInput:
    url: Url | None = strawberry.field(
        default=strawberry.UNSET, description="Where to POST events, also those that are on their way."
    )
    events: list[WebhookEvent] | None = strawberry.field(
        default=strawberry.UNSET, description="What to tell from now on: one event or more, each once."
    )
    is_active: bool | None = strawberry.field(
        default=strawberry.UNSET,
        description="False stops all sending, and gives up what was still to be sent; true begins again.",
    )


@strawberry.type(description="A webhook, or what was wrong.")
class WebhookPayload(Payload):
    webhook: Webhook | None = strawberry.field(
        default=None, description="The webhook; null when nothing was done."
    )


@strawberry.type(description="A webhook and its new secret, or what was wrong.")
class CreateWebhookPayload(Payload):
    webhook: Webhook | None = strawberry.field(
        default=None, description="The webhook; null when nothing was done."
    )
    secret: str | None = strawberry.field(
        default=None,
        description="What signatures are made with, `whsec_` and base64. Shown this once: keep it.",
    )


@strawberry.type(description="A delivery, or what was wrong.")
class WebhookDeliveryPayload(Payload):
    delivery: WebhookDelivery | None = strawberry.field(
        default=None, description="The delivery, not sent yet; null when nothing was done."
    )


WebhookId = Annotated[strawberry.ID, strawberry.argument(description="The webhook's id.")]


@strawberry.type
class WebhookMutations:
    @mutation("Have events sent to a URL from now on.")
    async def create_webhook(
        self,
        info: Info,
        input: Annotated[CreateWebhookInput, strawberry.argument(description="The webhook.")],
    ) -> CreateWebhookPayload:
        owner_id, services = await _checked(info, "webhook changes"), info.context.services
        row = await webhooks.create(
            services.database,
            services.targets,
            owner_id,
            url=input.url,
            wanted=input.events,
            max_per_owner=services.settings.max_webhooks_per_user,
        )
        return CreateWebhookPayload(webhook=Webhook.of(row), secret=row.secret)

    @mutation("Change where a webhook leads, what it is told, or whether anything is sent.")
    async def update_webhook(
        self,
        info: Info,
        id: WebhookId,
        input: Annotated[UpdateWebhookInput, strawberry.argument(description="What to change.")],
    ) -> WebhookPayload:
        owner_id, services = await _checked(info, "webhook changes"), info.context.services
        changes = WebhookChanges(
            url=given(input.url), events=given(input.events), is_active=given(input.is_active)
        )
        row = await webhooks.change(
            services.database, services.targets, owner_id, ids.required(id, "Webhook"), changes
        )
        services.wake_webhooks()
        return WebhookPayload(webhook=Webhook.of(row))

    @mutation("Replace a webhook's secret. For a day both sign, so that the receiver can change over.")
    async def rotate_webhook_secret(self, info: Info, id: WebhookId) -> CreateWebhookPayload:
        owner_id = await _checked(info, "webhook changes")
        row = await webhooks.rotate(info.context.services.database, owner_id, ids.required(id, "Webhook"))
        return CreateWebhookPayload(webhook=Webhook.of(row), secret=row.secret)

    @mutation("Delete a webhook and its log; nothing more is sent.")
    async def delete_webhook(self, info: Info, id: WebhookId) -> DeletePayload:
        owner_id = (await info.context.viewer()).user.id
        deleted = await webhooks.delete(info.context.services.database, owner_id, ids.required(id, "Webhook"))
        return DeletePayload(deleted_id=ids.encode("Webhook", deleted))

    @mutation("Send a `ping` to a webhook, to see whether it arrives. It is tried again like any event.")
    async def ping_webhook(self, info: Info, id: WebhookId) -> WebhookDeliveryPayload:
        owner_id, services = await _checked(info, "pings and replays"), info.context.services
        row = await webhooks.send_ping(services.database, owner_id, ids.required(id, "Webhook"))
        services.wake_webhooks()
        return WebhookDeliveryPayload(delivery=WebhookDelivery.of(row))

    @mutation("Send a delivery that has ended once more: the same message, with the same `webhook-id`.")
    async def replay_webhook_delivery(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="The delivery's id.")]
    ) -> WebhookDeliveryPayload:
        owner_id, services = await _checked(info, "pings and replays"), info.context.services
        row = await webhooks.replay(services.database, owner_id, ids.required(id, "WebhookDelivery"))
        services.wake_webhooks()
        return WebhookDeliveryPayload(delivery=WebhookDelivery.of(row))


async def _checked(info: Info, what: str) -> UUID:
    """Who calls.

    Raises:
        RateLimited: too many such calls within the last minute.
    """
    owner_id = (await info.context.viewer()).user.id
    services = info.context.services
    await services.limits.check(what, str(owner_id), services.settings.webhook_calls_per_minute)
    return owner_id
