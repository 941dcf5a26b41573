"""What an owner does with files and with presenters made of them."""

from typing import Annotated

import strawberry

from heygen_graphql import assets
from heygen_graphql.assets import UploadRequest
from heygen_graphql.schema import ids, links
from heygen_graphql.schema.assets import Asset
from heygen_graphql.schema.avatars import Avatar
from heygen_graphql.schema.context import Info
from heygen_graphql.schema.payloads import DeletePayload
from heygen_graphql.schema.resolvers import mutation
from heygen_graphql.schema.scalars import BigInt, Json, Url
from heygen_graphql.schema.user_errors import Payload

_UPLOAD_LINK_SECONDS = 3600


@strawberry.input(description="A file that is about to be sent.")
class CreateUploadInput:
    filename: str = strawberry.field(description="What to call it: 1 to 255 characters.")
    content_type: str = strawberry.field(description="image/jpeg, image/png or image/webp.")
    size_bytes: BigInt = strawberry.field(description="Exactly how many bytes it has; there is a limit.")
    sha256: str | None = strawberry.field(
        default=None, description="Its SHA-256 in hexadecimal; other bytes are then refused."
    )


@strawberry.type(description="Where to send a file, or what was wrong.")
class CreateUploadPayload(Payload):
    asset: Asset | None = strawberry.field(
        default=None, description="The asset, not complete yet; null when nothing was done."
    )
    upload_url: Url | None = strawberry.field(
        default=None,
        description="PUT the bytes here within an hour. Sent again, they replace what was sent before.",
    )
    upload_headers: Json | None = strawberry.field(
        default=None, description="The headers to send with them: an object of names and values."
    )


@strawberry.type(description="An asset, or what was wrong.")
class AssetPayload(Payload):
    asset: Asset | None = strawberry.field(default=None, description="The asset; null when nothing was done.")


@strawberry.input(description="A presenter to be made of a portrait.")
class CreatePhotoAvatarInput:
    name: str = strawberry.field(description="What to call it: 1 to 100 characters.")
    image_asset_id: strawberry.ID = strawberry.field(
        description="A complete asset: one face, seen from the front, at least 256 pixels across."
    )
    consent: bool = strawberry.field(description='True says: "I may use this person\'s likeness."')


@strawberry.type(description="An avatar, or what was wrong.")
class AvatarPayload(Payload):
    avatar: Avatar | None = strawberry.field(
        default=None, description="The avatar; null when nothing was done."
    )


AssetId = Annotated[strawberry.ID, strawberry.argument(description="The asset.")]


@strawberry.type
class AssetMutations:
    @mutation(
        "Announce a file. PUT its bytes to `uploadUrl`, then call `completeUpload`; what is not complete "
        "after a day is removed."
    )
    async def create_upload(
        self,
        info: Info,
        input: Annotated[CreateUploadInput, strawberry.argument(description="The file.")],
    ) -> CreateUploadPayload:
        context, services = info.context, info.context.services
        owner_id = (await context.viewer()).user.id
        settings = services.settings
        await services.limits.check("uploads", str(owner_id), settings.uploads_per_minute)
        row = await assets.create(
            services.database,
            owner_id,
            UploadRequest(input.filename, input.content_type, input.size_bytes, input.sha256),
            max_bytes=settings.max_upload_bytes,
        )
        return CreateUploadPayload(
            asset=Asset.of(row),
            upload_url=links.upload(context, row, _UPLOAD_LINK_SECONDS),
            upload_headers=Json({"Content-Type": row.content_type}),
        )

    @mutation("Say that the bytes are sent. They are looked at, and never change again. Safe to repeat.")
    async def complete_upload(self, info: Info, id: AssetId) -> AssetPayload:
        services = info.context.services
        owner_id = (await info.context.viewer()).user.id
        await services.limits.check("looks at uploads", str(owner_id), services.settings.uploads_per_minute)
        row = await assets.complete(
            services.database,
            services.storage,
            services.looking,
            owner_id,
            ids.required(id, "Asset"),
        )
        return AssetPayload(asset=Asset.of(row))

    @mutation("Delete an asset and its file. A video that still waits and needs it will fail.")
    async def delete_asset(self, info: Info, id: AssetId) -> DeletePayload:
        services = info.context.services
        owner_id = (await info.context.viewer()).user.id
        asset_id = await assets.delete(
            services.database, services.storage, owner_id, ids.required(id, "Asset")
        )
        return DeletePayload(deleted_id=ids.encode("Asset", asset_id))

    @mutation("Make a presenter of a portrait, for the viewer alone. It takes some seconds.")
    async def create_photo_avatar(
        self,
        info: Info,
        input: Annotated[CreatePhotoAvatarInput, strawberry.argument(description="The presenter.")],
    ) -> AvatarPayload:
        services = info.context.services
        owner_id = await info.context.checked_creator()
        row = await assets.avatars.create(
            services.database,
            services.storage,
            services.portraits,
            owner_id,
            name=input.name,
            image_asset_id=ids.uuid_of(input.image_asset_id, "Asset"),
            consent=input.consent,
        )
        return AvatarPayload(avatar=Avatar.of_photo(row))

    @mutation(
        "Delete a photo avatar. Videos that are finished keep its name; one that waits for it will fail."
    )
    async def delete_avatar(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="The avatar.")]
    ) -> DeletePayload:
        services = info.context.services
        owner_id = (await info.context.viewer()).user.id
        found = ids.decode(id)
        avatar_id = found.key if found is not None and found.kind == "Avatar" else ""
        deleted = await assets.avatars.delete(services.database, services.storage, owner_id, avatar_id)
        return DeletePayload(deleted_id=ids.encode("Avatar", deleted))
