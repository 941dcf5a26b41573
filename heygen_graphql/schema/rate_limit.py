"""What the caller may still spend."""

from datetime import datetime

import strawberry

from heygen_graphql.schema.context import Info
from heygen_graphql.schema.resolvers import field


@strawberry.type(
    description="The caller's points. Every operation takes its cost from a bucket that fills steadily: a "
    "user's, or an address's when nobody is signed in."
)
class RateLimit:
    limit: int = strawberry.field(description="Points in a full bucket.")
    remaining: int = strawberry.field(description="Points left after this operation.")
    cost: int = strawberry.field(description="Points that this operation took.")
    reset_at: datetime = strawberry.field(description="When the bucket is full again if nothing is taken.")


@strawberry.type
class RateLimitQueries:
    @field("The caller's points, as this operation leaves them; `extensions.cost` tells the same.")
    def rate_limit(self, info: Info) -> RateLimit:
        charge = info.context.charged
        if charge is None:
            raise LookupError("the operation has not been charged")
        bucket = charge.bucket
        return RateLimit(
            limit=bucket.limit, remaining=bucket.remaining, cost=charge.cost, reset_at=bucket.reset_at
        )
