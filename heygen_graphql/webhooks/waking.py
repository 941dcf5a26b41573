"""A hub that lets the driver of its process know, too."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from uuid import UUID

from heygen_graphql.events import Hub, Subscription, VideoChanged


class Waking:
    """What this process publishes it need not wait to find in the database."""

    def __init__(self, hub: Hub, wake: Callable[[], None]) -> None:
        self._hub = hub
        self._wake = wake

    async def publish(self, change: VideoChanged) -> None:
        self._wake()
        await self._hub.publish(change)

    def subscribe(
        self, *, video_id: UUID | None = None, owner_id: UUID | None = None
    ) -> AbstractAsyncContextManager[Subscription]:
        return self._hub.subscribe(video_id=video_id, owner_id=owner_id)
