"""API keys: how programs sign in."""

from datetime import datetime
from typing import Annotated, Self

import strawberry

from heygen_graphql import accounts, tables
from heygen_graphql.schema import ids
from heygen_graphql.schema.context import Context, Info
from heygen_graphql.schema.nodes import Node
from heygen_graphql.schema.payloads import DeletePayload
from heygen_graphql.schema.resolvers import CHANGES_UNSEEN, Reads, field, mutation
from heygen_graphql.schema.user_errors import Payload


@strawberry.type(
    description="What a program signs in with: the key goes into the header `X-API-Key`. It is not kept."
)
class ApiKey(Node):
    name: str = strawberry.field(description="What it is for.")
    prefix: str = strawberry.field(description="Its first characters, to recognise it by.")
    created_at: datetime = strawberry.field(description="When it was made.")
    last_used_at: datetime | None = strawberry.field(
        description="When it last signed in, to within a minute; null when it never has.",
        metadata=CHANGES_UNSEEN,
    )
    expires_at: datetime | None = strawberry.field(
        description="When it stops working by itself; null for never."
    )

    @classmethod
    async def find(cls, context: Context, key: str) -> Self | None:
        """One of the viewer's."""
        row = await context.own(context.loaders.api_keys, key)
        return None if row is None else cls.of(row)

    @classmethod
    def of(cls, row: tables.ApiKey) -> Self:
        return cls(
            id=ids.encode("ApiKey", row.id),
            name=row.name,
            prefix=row.prefix,
            created_at=row.created_at,
            last_used_at=row.last_used_at,
            expires_at=row.expires_at,
        )


@strawberry.input(description="A new API key.")
class CreateApiKeyInput:
    name: str = strawberry.field(description="What it is for: 1 to 100 characters.")
    expires_at: datetime | None = strawberry.field(
        default=None, description="When it stops working by itself; never when not given."
    )


@strawberry.type(description="A new API key, or what was wrong.")
class CreateApiKeyPayload(Payload):
    api_key: ApiKey | None = strawberry.field(
        default=None, description="What is kept of the key; null when none was made."
    )
    key: str | None = strawberry.field(
        default=None, description="The key itself, shown this once: only its hash is kept."
    )


@strawberry.type
class ApiKeyQueries:
    @field(
        "The viewer's API keys, the newest first; expired ones too, revoked ones not.", reads=Reads.OWN_ROWS
    )
    async def api_keys(self, info: Info) -> list[ApiKey]:
        owner_id = (await info.context.viewer()).user.id
        rows = await accounts.api_keys.owned_by(info.context.services.database, owner_id)
        return [ApiKey.of(row) for row in rows]


@strawberry.type
class ApiKeyMutations:
    @mutation("Make a key by which a program signs in as the viewer. Takes a session: no key makes another.")
    async def create_api_key(
        self,
        info: Info,
        input: Annotated[CreateApiKeyInput, strawberry.argument(description="The key.")],
    ) -> CreateApiKeyPayload:
        owner, _ = await info.context.person()
        made = await accounts.api_keys.create(
            info.context.services.database, owner.id, name=input.name, expires_at=input.expires_at
        )
        return CreateApiKeyPayload(api_key=ApiKey.of(made.api_key), key=made.key)

    @mutation("Take a key of the viewer's back: it stops working at once. Takes a session.")
    async def revoke_api_key(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="The key's id.")]
    ) -> DeletePayload:
        owner, _ = await info.context.person()
        revoked = await accounts.api_keys.revoke(
            info.context.services.database, owner.id, ids.uuid_of(id, "ApiKey")
        )
        return DeletePayload(deleted_id=ids.encode("ApiKey", revoked))
