"""Avatars: the presenters that can be seen speaking."""

from typing import Self

import strawberry

from heygen_graphql.rendering import presenters
from heygen_graphql.rendering.errors import UnknownAvatar
from heygen_graphql.schema import ids, links
from heygen_graphql.schema.context import Info
from heygen_graphql.schema.enums import AvatarKind
from heygen_graphql.schema.nodes import Node
from heygen_graphql.schema.resolvers import field
from heygen_graphql.schema.scalars import Url
from heygen_graphql.web.previews import preview_key


@strawberry.type(description="A presenter.")
class Avatar(Node):
    avatar_id: str = strawberry.field(description="The short name that inputs take.")
    name: str = strawberry.field(description="The name to show to people.")
    kind: AvatarKind = strawberry.field(description="How its picture is made.")

    @field("A signed link to its picture, a square PNG. It expires.")
    def preview_url(self, info: Info) -> Url:
        return links.signed(info.context, preview_key(self.avatar_id), expires_in_seconds=None)

    @classmethod
    def of(cls, avatar: presenters.Avatar) -> Self:
        return cls(
            id=ids.encode("Avatar", avatar.avatar_id),
            avatar_id=avatar.avatar_id,
            name=avatar.name,
            kind=AvatarKind(avatar.kind),
        )

    @classmethod
    def named(cls, avatar_id: str) -> Self:
        """An avatar that a storyboard names; one that has left the catalogue keeps its name alone."""
        return cls.find(avatar_id) or cls(
            id=ids.encode("Avatar", avatar_id), avatar_id=avatar_id, name=avatar_id, kind=AvatarKind.DRAWN
        )

    @classmethod
    def find(cls, avatar_id: str) -> Self | None:
        try:
            return cls.of(presenters.avatar(avatar_id))
        except UnknownAvatar:
            return None
