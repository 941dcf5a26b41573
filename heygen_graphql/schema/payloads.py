"""Payloads that mutations of several rooms answer with."""

import strawberry

from heygen_graphql.schema.user_errors import Payload


@strawberry.type(description="What was deleted, or what was wrong.")
class DeletePayload(Payload):
    deleted_id: strawberry.ID | None = strawberry.field(
        default=None, description="The id that is gone; null when nothing was deleted."
    )
