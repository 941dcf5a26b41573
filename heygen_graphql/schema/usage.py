"""What a person's videos have come to."""

from dataclasses import asdict

import strawberry

from heygen_graphql.schema.context import Info
from heygen_graphql.schema.resolvers import field
from heygen_graphql.schema.scalars import BigInt
from heygen_graphql.videos import Quotas
from heygen_graphql.videos.usage import consumption


@strawberry.type(
    description="What the viewer's videos have come to, and the limits of the account. A deleted video takes "
    "nothing back but its bytes."
)
class Usage:
    videos_completed: int = strawberry.field(description="Renders that were finished, ever.")
    seconds_rendered: float = strawberry.field(description="Seconds of finished video, ever.")
    storage_bytes: BigInt = strawberry.field(description="What films and uploaded files take now.")
    concurrent_limit: int = strawberry.field(
        description="Videos that may be rendered at once; the others wait while other people's go first."
    )
    concurrent_now: int = strawberry.field(description="Videos that are being rendered.")
    monthly_seconds_limit: int | None = strawberry.field(
        description="Seconds of finished video that may be made in a calendar month, in UTC; null: no limit."
    )
    monthly_seconds_used: float = strawberry.field(
        description="Seconds of video that were finished this month. What is not finished yet counts as it "
        "is estimated when another video is asked for, and not here."
    )


@strawberry.type
class UsageQueries:
    @field("What the viewer's videos have come to.")
    async def usage(self, info: Info) -> Usage:
        viewer = await info.context.viewer()
        services = info.context.services
        found = await consumption(services.database, viewer.user.id, Quotas.of(services.settings))
        return Usage(**(asdict(found) | {"storage_bytes": BigInt(found.storage_bytes)}))
