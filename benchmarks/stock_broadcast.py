"""Strawberry's own websocket handler telling everybody the same: what our fan-out is compared with.

No database, no sign-in, no limits: what remains is a queue for each watcher, the operation executed for each
of them, and the frames. `POST /broadcast?seconds=5` begins another event as soon as all have been taken.
"""

import asyncio
import time
from collections.abc import AsyncGenerator

import strawberry
from fastapi import FastAPI
from strawberry.fastapi import GraphQLRouter

_queues: set[asyncio.Queue["VideoStatusEvent"]] = set()


@strawberry.type
class VideoFailure:
    code: str
    message: str


@strawberry.type
class Video:
    id: strawberry.ID
    status: str
    stage: str | None
    progress: float
    seconds_left: float | None
    failure: VideoFailure | None


@strawberry.type
class VideoStatusEvent:
    version: int
    video: Video


@strawberry.type
class Query:
    version: str = "stock"


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def video_status(self, id: strawberry.ID) -> AsyncGenerator[VideoStatusEvent, None]:
        queue: asyncio.Queue[VideoStatusEvent] = asyncio.Queue()
        yield _event(0)
        _queues.add(queue)
        try:
            while True:
                yield await queue.get()
                queue.task_done()
        finally:
            _queues.discard(queue)


app = FastAPI()
app.include_router(GraphQLRouter(strawberry.Schema(Query, subscription=Subscription)), prefix="/graphql")


@app.post("/broadcast")
async def broadcast(seconds: float) -> dict[str, int]:
    end, version = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        version += 1
        for queue in _queues:
            queue.put_nowait(_event(version))
        for queue in _queues:
            await queue.join()
    return {"events": version, "watchers": len(_queues)}


def _event(version: int) -> VideoStatusEvent:
    return VideoStatusEvent(
        version=version,
        video=Video(
            id=strawberry.ID("VmlkZW86YzQxYjM0NWItMzA1Zi00NTY4LTk3ZTUtODM0ZjE1MzI0YzFl"),
            status="PROCESSING",
            stage="DRAWING",
            progress=version % 1000 / 1000,
            seconds_left=12.5,
            failure=None,
        ),
    )
