"""People, as they see themselves and as superusers see them."""

from datetime import datetime
from typing import Annotated, Self

import strawberry

from heygen_graphql import accounts, tables
from heygen_graphql.accounts import UserChanges
from heygen_graphql.changes import KEEP
from heygen_graphql.errors import Forbidden
from heygen_graphql.paging import Window
from heygen_graphql.schema import ids, listing
from heygen_graphql.schema.connections import After, Before, Connection, First, Last
from heygen_graphql.schema.context import Context, Info
from heygen_graphql.schema.inputs import given
from heygen_graphql.schema.nodes import Node
from heygen_graphql.schema.payloads import DeletePayload
from heygen_graphql.schema.resolvers import Reads, field, mutation
from heygen_graphql.schema.user_errors import Payload
from heygen_graphql.schema.videos import Video


@strawberry.type(description="A person with an account.")
class User(Node):
    row: strawberry.Private[tables.User]
    email: str = strawberry.field(description="The address that signs in.")
    full_name: str | None = strawberry.field(description="What to call the person.")
    is_active: bool = strawberry.field(description="Whether the account may be used.")
    is_superuser: bool = strawberry.field(description="Whether the person may look after other accounts.")
    created_at: datetime = strawberry.field(description="When the account was made.")
    last_login_at: datetime | None = strawberry.field(description="When the person last signed in.")

    @field("How many videos the person has.", reads=Reads.OWN_ROWS)
    async def videos_count(self, info: Info) -> int:
        return await info.context.loaders.video_counts.load(self.row.id) or 0

    @field(
        "The person's videos, shown to nobody else; the newest first unless `orderBy` says otherwise.",
        reads=Reads.OWN_ROWS,
    )
    async def videos(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: listing.FilterArgument = None,
        order_by: listing.OrderArgument = None,
    ) -> Connection[Video]:
        if (await info.context.viewer()).user.id != self.row.id:
            raise Forbidden("A person's videos are shown to nobody else.")
        return await listing.videos_of(info, self.row.id, first, after, last, before, filter, order_by)

    @classmethod
    async def find(cls, context: Context, key: str) -> Self | None:
        """The viewer, or for a superuser anybody."""
        user_id = ids.parse_uuid(key)
        viewer = (await context.viewer()).user
        if user_id is None:
            return None
        if user_id == viewer.id:
            return cls.of(viewer)
        row = await context.loaders.users.load(user_id) if viewer.is_superuser else None
        return None if row is None else cls.of(row)

    @classmethod
    def of(cls, row: tables.User) -> Self:
        return cls(
            id=ids.encode("User", row.id),
            row=row,
            email=row.email,
            full_name=row.full_name,
            is_active=row.is_active,
            is_superuser=row.is_superuser,
            created_at=row.created_at,
            last_login_at=row.last_login_at,
        )


@strawberry.input(description="What to change of oneself; what is left out stays.")
class UpdateMeInput:
    email: str | None = strawberry.field(
        default=strawberry.UNSET, description="The address that signs in from now on."
    )
    full_name: str | None = strawberry.field(
        default=strawberry.UNSET, description="What to call the person; null removes it."
    )


@strawberry.input(description="What to change of somebody's account; what is left out stays.")
class UpdateUserInput:
    is_active: bool | None = strawberry.field(
        default=strawberry.UNSET,
        description="Whether the account may be used. False ends its sessions and lets its API keys rest.",
    )
    is_superuser: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether the person may look after other accounts."
    )
    full_name: str | None = strawberry.field(
        default=strawberry.UNSET, description="What to call the person; null removes it."
    )
    monthly_seconds_limit: int | None = strawberry.field(
        default=strawberry.UNSET,
        description="Seconds of finished video in a calendar month (UTC); null for the server's own limit.",
    )
    concurrent_limit: int | None = strawberry.field(
        default=strawberry.UNSET, description="Renders at once; null for the server's own limit."
    )

    def changes(self) -> UserChanges:
        # An account is active or not, so null says nothing there.
        return UserChanges(
            is_active=KEEP if self.is_active is None else given(self.is_active),
            is_superuser=KEEP if self.is_superuser is None else given(self.is_superuser),
            full_name=given(self.full_name),
            monthly_seconds_limit=given(self.monthly_seconds_limit),
            concurrent_limit=given(self.concurrent_limit),
        )


@strawberry.input(description="A new password, and proof of the old one.")
class ChangePasswordInput:
    current_password: str = strawberry.field(description="The password that holds now.")
    new_password: str = strawberry.field(description="At least 8 characters, at most 72 bytes.")


@strawberry.type(description="A changed account, or what was wrong.")
class UserPayload(Payload):
    user: User | None = strawberry.field(
        default=None, description="The account; null when nothing was changed."
    )


@strawberry.type
class UserQueries:
    @field("The viewer: whoever the access token or the API key belongs to.", reads=Reads.OWN_ROWS)
    async def me(self, info: Info) -> User:
        return User.of((await info.context.viewer()).user)

    @field("A person. Everybody can look up themselves, a superuser anybody; all else is a miss.")
    async def user(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="The person's id.")]
    ) -> User | None:
        user_id = ids.uuid_of(id, "User")
        return None if user_id is None else await User.find(info.context, str(user_id))

    @field("Everybody with an account, the newest first. For superusers only.")
    async def users(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        search: Annotated[
            str | None,
            strawberry.argument(
                description="Only those with this in their address or name, in capitals or not."
            ),
        ] = None,
    ) -> Connection[User]:
        _require_superuser((await info.context.viewer()).user)
        listing.check_search(search)
        database = info.context.services.database
        window = Window.of(first, after, last, before)
        page = await accounts.administration.page(database, search, window)
        return Connection[User].of(page, User.of, lambda: accounts.administration.count(database, search))


@strawberry.type
class UserMutations:
    @mutation("Change one's own account. Takes a session.")
    async def update_me(
        self,
        info: Info,
        input: Annotated[UpdateMeInput, strawberry.argument(description="What to change.")],
    ) -> UserPayload:
        viewer, _ = await info.context.person()
        row = await accounts.update_me(
            info.context.services.database,
            viewer.id,
            # An account always has an address, so null says nothing.
            email=KEEP if input.email is None else given(input.email),
            full_name=given(input.full_name),
        )
        return UserPayload(user=User.of(row))

    @mutation(
        "Set a new password. Every other session of the account ends; its API keys stay. Takes a session."
    )
    async def change_password(
        self,
        info: Info,
        input: Annotated[ChangePasswordInput, strawberry.argument(description="The passwords.")],
    ) -> UserPayload:
        context = info.context
        viewer, session_id = await context.person()
        await context.check_password_proofs(session_id)
        row = await accounts.change_password(
            context.services.database,
            viewer.id,
            current_password=input.current_password,
            new_password=input.new_password,
            keep_session=session_id,
        )
        return UserPayload(user=User.of(row))

    @mutation(
        "Delete one's own account. Its sessions, API keys and webhooks end at once; its videos, assets and "
        "avatars are removed soon after, with their files. Takes a session."
    )
    async def delete_me(
        self,
        info: Info,
        password: Annotated[str, strawberry.argument(description="The account's password, as proof.")],
    ) -> DeletePayload:
        context = info.context
        viewer, session_id = await context.person()
        await context.check_password_proofs(session_id)
        await accounts.delete_me(context.services.database, viewer.id, password=password)
        return DeletePayload(deleted_id=ids.encode("User", viewer.id))

    @mutation("Change anybody's account. For superusers only. Takes a session.")
    async def update_user(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The person's id.")],
        input: Annotated[UpdateUserInput, strawberry.argument(description="What to change.")],
    ) -> UserPayload:
        viewer, _ = await info.context.person()
        _require_superuser(viewer)
        row = await accounts.update_user(
            info.context.services.database, ids.uuid_of(id, "User"), input.changes()
        )
        return UserPayload(user=User.of(row))


def _require_superuser(viewer: tables.User) -> None:
    if not viewer.is_superuser:
        raise Forbidden("Only a superuser may do this.")
