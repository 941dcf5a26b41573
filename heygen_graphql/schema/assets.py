"""Files that owners bring along."""

from datetime import datetime
from typing import Self

import strawberry

from heygen_graphql import assets, tables
from heygen_graphql.paging import Window
from heygen_graphql.schema import ids, links
from heygen_graphql.schema.connections import Connection
from heygen_graphql.schema.context import Context, Info
from heygen_graphql.schema.links import ExpiresInSeconds
from heygen_graphql.schema.nodes import Node
from heygen_graphql.schema.resolvers import Reads, field
from heygen_graphql.schema.scalars import BigInt, Url
from heygen_graphql.storage import UPLOADS_PREFIX
from heygen_graphql.tables import AssetState


@strawberry.type(description="A file of its owner's.")
class Asset(Node):
    row: strawberry.Private[tables.Asset]
    filename: str = strawberry.field(description="What its owner calls it.")
    content_type: str = strawberry.field(description="image/jpeg, image/png or image/webp.")
    size_bytes: BigInt = strawberry.field(description="How many bytes it has.")
    sha256: str = strawberry.field(
        description="Its SHA-256 in hexadecimal; until it is complete what was announced, or nothing."
    )
    is_complete: bool = strawberry.field(description="Whether completeUpload was called and can be used.")
    created_at: datetime = strawberry.field(description="When the upload was created.")

    @field(
        "A signed link to the file. It expires. One handed out before the asset is complete leads nowhere: "
        "ask again.",
        reads=Reads.OWN_ROWS,
    )
    def url(self, info: Info, expires_in_seconds: ExpiresInSeconds = None) -> Url:
        is_complete = self.is_complete and self.row.storage_key is not None
        key = self.row.storage_key if is_complete else f"{UPLOADS_PREFIX}/{self.row.id}/awaited"
        assert key is not None
        return links.signed(
            info.context,
            key,
            expires_in_seconds=expires_in_seconds,
            filename=self.row.filename,
            is_stored=is_complete,
        )

    @classmethod
    async def find(cls, context: Context, key: str) -> Self | None:
        """One of the viewer's."""
        row = await context.own(context.loaders.assets, key)
        return None if row is None else cls.of(row)

    @classmethod
    def of(cls, row: tables.Asset) -> Self:
        return cls(
            id=ids.encode("Asset", row.id),
            row=row,
            filename=row.filename,
            content_type=row.content_type,
            size_bytes=BigInt(row.size_bytes),
            sha256=row.sha256 or "",
            is_complete=row.state is AssetState.COMPLETE,
            created_at=row.created_at,
        )


async def assets_of_viewer(
    info: Info, first: int | None, after: str | None, last: int | None, before: str | None
) -> Connection[Asset]:
    """
    Raises:
        BadRequest: a size or a cursor that cannot be.
    """
    viewer = await info.context.viewer()
    database, owner_id = info.context.services.database, viewer.user.id
    page = await assets.page(database, owner_id, Window.of(first, after, last, before))
    return Connection[Asset].of(page, Asset.of, lambda: assets.count(database, owner_id))
