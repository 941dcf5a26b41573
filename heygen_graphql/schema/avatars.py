"""Avatars: the presenters that can be seen speaking."""

from typing import TYPE_CHECKING, Annotated, Self
from uuid import UUID

import strawberry

from heygen_graphql import assets, tables
from heygen_graphql.assets import avatars as photo_avatars
from heygen_graphql.paging import Window, slice_page
from heygen_graphql.rendering import presenters
from heygen_graphql.rendering.errors import UnknownAvatar
from heygen_graphql.schema import ids, links
from heygen_graphql.schema.connections import Connection
from heygen_graphql.schema.context import Context, Info
from heygen_graphql.schema.enums import AvatarKind
from heygen_graphql.schema.loaders import Owned
from heygen_graphql.schema.nodes import Node
from heygen_graphql.schema.resolvers import Reads, field
from heygen_graphql.schema.scalars import Url
from heygen_graphql.web.previews import preview_key

if TYPE_CHECKING:
    from heygen_graphql.schema.users import User


@strawberry.type(description="A presenter.")
class Avatar(Node):
    avatar_id: str = strawberry.field(description="The short name that inputs take.")
    name: str = strawberry.field(description="The name to show to people.")
    kind: AvatarKind = strawberry.field(description="How its picture is made.")
    row: strawberry.Private[tables.PhotoAvatar | None] = None

    @field("A signed link to its picture, a square PNG. It expires.", reads=Reads.OWN_ROWS)
    def preview_url(self, info: Info) -> Url:
        key, is_stored = preview_key(self.avatar_id), False
        # Of a deleted one nothing is there any more, and soon not even the name of its folder.
        if self.row is not None and self.row.files_prefix is not None:
            key, is_stored = self.row.preview_key, True
        return links.signed(info.context, key, expires_in_seconds=None, is_stored=is_stored)

    @field("Whose it is; null for the built-in ones, which are everybody's.", reads=Reads.OWN_ROWS)
    async def owner(
        self, info: Info
    ) -> Annotated["User", strawberry.lazy("heygen_graphql.schema.users")] | None:
        # Here because users have videos, and videos avatars.
        from heygen_graphql.schema.users import User

        if self.row is None:
            return None
        owner = await info.context.loaders.users.load(self.row.owner_id)
        return None if owner is None else User.of(owner)

    @classmethod
    def of(cls, avatar: presenters.Avatar) -> Self:
        return cls(
            id=ids.encode("Avatar", avatar.avatar_id),
            avatar_id=avatar.avatar_id,
            name=avatar.name,
            kind=AvatarKind(avatar.kind),
        )

    @classmethod
    def of_photo(cls, row: tables.PhotoAvatar) -> Self:
        return cls(
            id=ids.encode("Avatar", row.avatar_id),
            avatar_id=row.avatar_id,
            name=row.name,
            kind=AvatarKind.PHOTO,
            row=row,
        )

    @classmethod
    async def named(cls, context: Context, owner_id: UUID, avatar_id: str) -> Self:
        """An avatar that an owner's storyboard names; one that left the catalogue keeps its name alone."""
        try:
            return cls.of(presenters.avatar(avatar_id))
        except UnknownAvatar:
            row = await context.loaders.photo_avatars.load(Owned(owner_id, avatar_id))
        if row is not None:
            return cls.of_photo(row)
        return cls(
            id=ids.encode("Avatar", avatar_id), avatar_id=avatar_id, name=avatar_id, kind=AvatarKind.DRAWN
        )

    @classmethod
    async def find(cls, context: Context, avatar_id: str) -> Self | None:
        """One that the viewer can use."""
        try:
            return cls.of(presenters.avatar(avatar_id))
        except UnknownAvatar:
            if not avatar_id.startswith(photo_avatars.ID_PREFIX):
                return None
        viewer = (await context.viewer()).user
        row = await context.loaders.photo_avatars.load(Owned(viewer.id, avatar_id))
        return None if row is None or row.deleted_at is not None else cls.of_photo(row)


async def avatars_for_viewer(
    context: Context, first: int | None, after: str | None, last: int | None, before: str | None
) -> Connection[Avatar]:
    """The built-in ones and, behind them, the viewer's own; who has not signed in has none.

    Raises:
        BadRequest: a size or a cursor that cannot be.
    """
    window = Window.of(first, after, last, before)
    listed = [Avatar.of(one) for one in presenters.avatars()]
    places = [f"0 {index:04}" for index in range(len(listed))]
    if context.credentials.are_given:
        owner_id = (await context.viewer()).user.id
        rows = await assets.avatars.usable(context.services.database, owner_id)
        listed += map(Avatar.of_photo, rows)
        # As the rows are ordered; of one length, so that they can be compared as texts.
        places += [f"1 {row.created_at.isoformat(timespec='microseconds')} {row.id}" for row in rows]

    async def count() -> int:
        return len(listed)

    page = slice_page(listed, places, window)
    return Connection[Avatar].of(page, lambda one: one, count)
