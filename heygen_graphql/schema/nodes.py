"""The interface of everything that has a global id."""

import strawberry


@strawberry.interface(description="Anything with an id that is unique across all types.")
class Node:
    id: strawberry.ID = strawberry.field(description="Opaque, and unique across all types; `node` takes it.")
