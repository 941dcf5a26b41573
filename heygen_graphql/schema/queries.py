"""The root of everything that can be read."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from typing import Annotated

import strawberry

from heygen_graphql.errors import BadRequest
from heygen_graphql.paging import Window, slice_page
from heygen_graphql.schema import ids, listing
from heygen_graphql.schema.api_keys import ApiKey, ApiKeyQueries
from heygen_graphql.schema.assets import Asset, assets_of_viewer
from heygen_graphql.schema.avatars import Avatar, avatars_for_viewer
from heygen_graphql.schema.connections import After, Before, Connection, First, Last
from heygen_graphql.schema.context import Context, Info
from heygen_graphql.schema.nodes import Node
from heygen_graphql.schema.rate_limit import RateLimitQueries
from heygen_graphql.schema.resolvers import Reads, field
from heygen_graphql.schema.server import ServerInfo, server_info
from heygen_graphql.schema.templates import Template, TemplateQueries
from heygen_graphql.schema.usage import UsageQueries
from heygen_graphql.schema.users import User, UserQueries
from heygen_graphql.schema.video_inputs import CreateVideoInput, video_request
from heygen_graphql.schema.videos import Video
from heygen_graphql.schema.voices import Voice, VoiceFilter, place_of
from heygen_graphql.schema.webhooks import Webhook, WebhookDelivery, WebhookQueries

MAX_NODES = 100


@strawberry.type(description="What a video would take.")
class VideoEstimate:
    duration_seconds: float = strawberry.field(description="How long it would play.")
    render_seconds: float = strawberry.field(description="How long its render would take, once begun.")
    wait_seconds: float = strawberry.field(description="How long it would wait for its turn, as things are.")


@strawberry.type(description="What can be read.")
class Query(UserQueries, ApiKeyQueries, RateLimitQueries, TemplateQueries, UsageQueries, WebhookQueries):
    @field(
        "Anything by its id; null when there is no such thing, or it is not the viewer's.", reads=Reads.VOICES
    )
    async def node(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="A global id.")]
    ) -> Node | None:
        return await _find(info.context, id)

    @field("Several things by their ids, in the ids' order; null stands for a miss.", reads=Reads.VOICES)
    async def nodes(
        self,
        info: Info,
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="Up to 100 global ids.")],
    ) -> list[Node | None]:
        if len(ids) > MAX_NODES:
            raise BadRequest(f"There are {len(ids)} ids; at most {MAX_NODES} are looked up at once.")
        return await asyncio.gather(*(_find(info.context, id) for id in ids))

    @field("A video of the viewer's.", reads=Reads.OWN_ROWS)
    async def video(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="The video's id.")]
    ) -> Video | None:
        await info.context.viewer()
        video_id = ids.uuid_of(id, "Video")
        return None if video_id is None else await Video.find(info.context, str(video_id))

    @field("The viewer's videos; the newest first unless `orderBy` says otherwise.", reads=Reads.OWN_ROWS)
    async def videos(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: listing.FilterArgument = None,
        order_by: listing.OrderArgument = None,
    ) -> Connection[Video]:
        viewer = await info.context.viewer()
        return await listing.videos_of(info, viewer.user.id, first, after, last, before, filter, order_by)

    @field(
        "What a video would take, learnt from what this host has rendered. An input that `createVideo` would "
        "refuse is an error, with the faults in `extensions.userErrors`."
    )
    async def estimate_video(
        self, info: Info, input: Annotated[CreateVideoInput, strawberry.argument(description="The video.")]
    ) -> VideoEstimate:
        viewer = await info.context.viewer()
        estimate = await info.context.services.experience.estimate(viewer.user.id, video_request(input))
        return VideoEstimate(**asdict(estimate))

    @field("Who can be heard.", reads=Reads.VOICES)
    def voices(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[
            VoiceFilter | None, strawberry.argument(description="Which voices; all of them when not given.")
        ] = None,
    ) -> Connection[Voice]:
        voices = info.context.services.voices
        matching = sorted(
            (voice for voice in voices.all() if filter is None or filter.matches(voice)), key=place_of
        )
        page = slice_page(
            matching, [place_of(voice) for voice in matching], Window.of(first, after, last, before)
        )
        return Connection[Voice].of(page, Voice.of, _length_of(matching))

    @field("Who can be seen: the built-in avatars, then the viewer's own.", reads=Reads.OWN_ROWS)
    async def avatars(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Avatar]:
        return await avatars_for_viewer(info.context, first, after, last, before)

    @field("The viewer's files that are complete, newest first.", reads=Reads.OWN_ROWS)
    async def assets(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Asset]:
        return await assets_of_viewer(info, first, after, last, before)

    @field("What this server can do.", reads=Reads.VOICES)
    def server(self, info: Info) -> ServerInfo:
        return server_info(info.context.services.voices)


def _length_of(items: Sequence[object]) -> Callable[[], Awaitable[int]]:
    async def length() -> int:
        return len(items)

    return length


async def _find(context: Context, text: str) -> Node | None:
    found = ids.decode(text)
    find = None if found is None else _FINDERS.get(found.kind)
    return None if found is None or find is None else await find(context, found.key)


# What `node` finds, by the kind that its id names. Each answers a miss for what is not the viewer's.
_FINDERS: dict[str, Callable[[Context, str], Awaitable[Node | None]]] = {
    "ApiKey": ApiKey.find,
    "Asset": Asset.find,
    "Avatar": Avatar.find,
    "Template": Template.find,
    "User": User.find,
    "Video": Video.find,
    "Voice": Voice.find,
    "Webhook": Webhook.find,
    "WebhookDelivery": WebhookDelivery.find,
}
