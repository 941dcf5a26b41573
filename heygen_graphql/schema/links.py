"""Signed links to stored files, as fields hand them out: to the storage itself where it answers anybody."""

from datetime import timedelta
from typing import Annotated

import strawberry

from heygen_graphql import assets
from heygen_graphql.errors import BadRequest
from heygen_graphql.schema.context import Context
from heygen_graphql.schema.scalars import Url
from heygen_graphql.tables import Asset, utc_now

MIN_SECONDS = 60
MAX_SECONDS = 7 * 24 * 3600

ExpiresInSeconds = Annotated[
    int | None,
    strawberry.argument(
        description="How long the link works: 60 to 604800 (a week). The server's setting when not given."
    ),
]


def signed(
    context: Context,
    key: str,
    *,
    expires_in_seconds: int | None,
    filename: str | None = None,
    is_stored: bool = True,
) -> Url:
    """An absolute link to a file, which may be yet to be made by whoever serves it.

    Raises:
        BadRequest: a life of less than a minute or more than a week.
    """
    check_seconds(expires_in_seconds)
    services = context.services
    seconds = services.settings.link_expire_seconds if expires_in_seconds is None else expires_in_seconds
    context.link_seconds = min(seconds, context.link_seconds or seconds)
    expires_at = utc_now() + timedelta(seconds=seconds)
    direct = services.storage.link(key, expires_at, filename=filename) if is_stored else None
    return Url(direct or context.base_url + services.links.sign(key, expires_at, filename=filename))


def upload(context: Context, asset: Asset, seconds: int) -> Url:
    """An absolute link to which the bytes of an asset may be sent."""
    services = context.services
    key, expires_at = assets.staging_key(asset.id), utc_now() + timedelta(seconds=seconds)
    direct = services.storage.upload_link(
        key, expires_at, content_type=asset.content_type, size_bytes=asset.size_bytes
    )
    return Url(direct or context.base_url + services.links.sign(key, expires_at))


def check_seconds(expires_in_seconds: int | None) -> None:
    if expires_in_seconds is not None and not MIN_SECONDS <= expires_in_seconds <= MAX_SECONDS:
        raise BadRequest(
            f"expiresInSeconds is {expires_in_seconds}; it may be {MIN_SECONDS} to {MAX_SECONDS}."
        )
