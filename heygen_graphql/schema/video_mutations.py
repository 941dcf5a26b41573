"""What an owner does with a video."""

from collections.abc import Sequence
from typing import Annotated

import strawberry

from heygen_graphql import tables, videos
from heygen_graphql.errors import InvalidInput, UserErrorCode
from heygen_graphql.events import VideoChanged
from heygen_graphql.schema import ids
from heygen_graphql.schema.context import Context, Info
from heygen_graphql.schema.payloads import DeletePayload
from heygen_graphql.schema.resolvers import mutation
from heygen_graphql.schema.user_errors import Payload, told
from heygen_graphql.schema.video_inputs import (
    CreateVideoInput,
    UpdateVideoInput,
    video_changes,
    video_request,
)
from heygen_graphql.schema.videos import Video
from heygen_graphql.videos import MAX_VIDEOS_AT_ONCE, NewVideo, Outcome, Quotas


@strawberry.type(description="A video, or what was wrong.")
class VideoPayload(Payload):
    video: Video | None = strawberry.field(default=None, description="The video; null when nothing was done.")


@strawberry.type(description="A hundred videos at most, or why nothing was looked at.")
class VideosPayload(Payload):
    results: list[VideoPayload] = strawberry.field(
        default_factory=list,
        description="What became of each input, in the inputs' order. Each stands or falls alone: its own "
        "`userErrors` say what was wrong with it, with paths inside that input.",
    )


VideoId = Annotated[strawberry.ID, strawberry.argument(description="The video.")]


@strawberry.type
class VideoMutations:
    @mutation("Ask for a video. It is rendered in the background: follow it with `videoStatus`.")
    async def create_video(
        self, info: Info, input: Annotated[CreateVideoInput, strawberry.argument(description="The video.")]
    ) -> VideoPayload:
        context = info.context
        owner_id = await context.checked_creator()
        row = await videos.create(
            context.services.database,
            owner_id,
            video_request(input),
            idempotency_key=input.idempotency_key,
            voices=context.services.voices,
            quotas=Quotas.of(context.services.settings),
        )
        return await queued(context, row)

    @mutation(
        "Ask for up to 100 videos. Each stands or falls alone, and all count as one call: a key that comes "
        "twice is one video here, too."
    )
    async def create_videos(
        self,
        info: Info,
        inputs: Annotated[
            list[CreateVideoInput], strawberry.argument(description="1 to 100 videos, in their order.")
        ],
    ) -> VideosPayload:
        context = info.context
        owner_id = await context.checked_creator()
        check_number(len(inputs))
        outcomes = await videos.create_each(
            context.services.database,
            owner_id,
            [NewVideo(video_request(input), input.idempotency_key) for input in inputs],
            voices=context.services.voices,
            quotas=Quotas.of(context.services.settings),
        )
        return await all_queued(context, outcomes)

    @mutation(
        "Change a video. When picture or sound change it is rendered anew, unless it is being "
        "rendered just now: then it cannot be changed."
    )
    async def update_video(
        self,
        info: Info,
        id: VideoId,
        input: Annotated[UpdateVideoInput, strawberry.argument(description="What to change.")],
    ) -> VideoPayload:
        context = info.context
        changes = video_changes(input)
        if changes.is_of_labels:
            owner_id = (await context.viewer()).user.id
        else:
            owner_id = await context.checked_creator()
        edited = await videos.update(
            context.services.database,
            owner_id,
            ids.required(id, "Video"),
            changes,
            voices=context.services.voices,
            quotas=Quotas.of(context.services.settings),
        )
        if edited.is_rendered_anew:
            return await queued(context, edited.video)
        return await _announced(context, edited.video)

    @mutation("Stop a video that waits or is being rendered.")
    async def cancel_video(self, info: Info, id: VideoId) -> VideoPayload:
        context = info.context
        viewer = await context.viewer()
        row = await videos.cancel(context.services.database, viewer.user.id, ids.required(id, "Video"))
        # Whoever is free removes what is stored of it.
        return await queued(context, row)

    @mutation("Render a FAILED or CANCELED video again, from its beginning.")
    async def retry_video(self, info: Info, id: VideoId) -> VideoPayload:
        context = info.context
        owner_id = await context.checked_creator()
        quotas = Quotas.of(context.services.settings)
        row = await videos.retry(
            context.services.database, owner_id, ids.required(id, "Video"), quotas=quotas
        )
        return await queued(context, row)

    @mutation("Delete a video and its files; one that is being rendered is stopped first.")
    async def delete_video(self, info: Info, id: VideoId) -> DeletePayload:
        context = info.context
        viewer = await context.viewer()
        services = context.services
        video_id = await videos.delete(services.database, viewer.user.id, ids.required(id, "Video"))
        # No version: whoever watches finds the video gone.
        await services.hub.publish(VideoChanged(video_id, viewer.user.id, version=0))
        await services.queue.hint(video_id)
        return DeletePayload(deleted_id=ids.encode("Video", video_id))


async def queued(context: Context, row: tables.Video) -> VideoPayload:
    payload = await _announced(context, row)
    await context.services.queue.hint(row.id)
    return payload


async def all_queued(context: Context, outcomes: Sequence[Outcome]) -> VideosPayload:
    """The answer to a batch, once the queue and the watchers have been told, one after another: whoever
    comes first in the batch is to be rendered first."""
    return VideosPayload(
        results=[
            VideoPayload(user_errors=[told(fault) for fault in outcome.faults])
            if isinstance(outcome, InvalidInput)
            else await queued(context, outcome)
            for outcome in outcomes
        ]
    )


def check_number(count: int) -> None:
    """
    Raises:
        InvalidInput: a batch has 1 to 100 inputs.
    """
    if count == 0:
        message = f"`inputs` is empty; give 1 to {MAX_VIDEOS_AT_ONCE}."
        raise InvalidInput.one(UserErrorCode.TOO_SHORT, message, "inputs")
    if count > MAX_VIDEOS_AT_ONCE:
        message = f"There are {count} inputs; at most {MAX_VIDEOS_AT_ONCE} are taken in one call."
        raise InvalidInput.one(UserErrorCode.TOO_LONG, message, "inputs")


async def _announced(context: Context, row: tables.Video) -> VideoPayload:
    await context.services.announce(row)
    return VideoPayload(video=Video.of(row))
