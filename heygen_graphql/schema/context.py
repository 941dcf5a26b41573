"""What resolvers work with: the server's parts, and who calls.

A context serves one operation. Over HTTP that is a request; a websocket carries many, and each gets
its own from `Context.for_operation`.
"""

import asyncio
from dataclasses import dataclass, field
from uuid import UUID

import strawberry
from starlette.responses import Response

from heygen_graphql import accounts
from heygen_graphql.accounts import Tokens, Viewer
from heygen_graphql.database import Database
from heygen_graphql.errors import Unauthenticated
from heygen_graphql.events import Hub, VideoChanged
from heygen_graphql.jobs.broker import Queue
from heygen_graphql.processes import Processes
from heygen_graphql.ratelimits import RateLimits
from heygen_graphql.rendering.speech import Voices
from heygen_graphql.schema.loaders import Loaders
from heygen_graphql.settings import Settings
from heygen_graphql.storage import Links, Storage
from heygen_graphql.tables import Video
from heygen_graphql.videos import Experience


@dataclass(frozen=True, slots=True)
class Services:
    """The server's parts, opened once and shared by every operation."""

    settings: Settings
    database: Database
    hub: Hub
    queue: Queue
    storage: Storage
    voices: Voices
    experience: Experience
    links: Links
    looking: Processes
    """What looks at files that strangers sent, and draws avatars' pictures ..."""
    portraits: Processes
    """... what makes presenters of them ..."""
    speaking: Processes
    """... and what speaks without a film."""
    limits: RateLimits
    tokens: Tokens

    async def announce(self, video: Video) -> None:
        """Tell watchers of a committed change."""
        await self.hub.publish(VideoChanged(video.id, video.owner_id, video.version))


@dataclass(slots=True)
class Context:
    services: Services
    base_url: str
    """Scheme and host by which links reach this server, with no slash at the end."""
    client_address: str
    request_id: str
    access_token: str | None
    response: Response | None = None
    """What the operation's answer is made from, for headers; None on a websocket."""
    is_websocket: bool = False
    connection_params: dict[str, object] | None = None
    """The payload of connection_init; Strawberry sets it."""
    loaders: Loaders = field(init=False)
    _viewer: Viewer | None = field(default=None, init=False)
    _authenticating: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    def __post_init__(self) -> None:
        self.renew_loaders()

    def for_operation(self) -> "Context":
        return Context(
            services=self.services,
            base_url=self.base_url,
            client_address=self.client_address,
            request_id=self.request_id,
            access_token=self.access_token,
            is_websocket=self.is_websocket,
        )

    def renew_loaders(self) -> None:
        """Forget every row read so far: an event of a subscription shows what is true when it is sent."""
        self.loaders = Loaders(self.services.database)

    async def checked_creator(self) -> UUID:
        """Who calls, for a call that leads to a render or to work like one.

        Raises:
            RateLimited: too many of them within the last minute.
        """
        owner_id = (await self.viewer()).user.id
        limit = self.services.settings.videos_per_minute
        await self.services.limits.check("videos", str(owner_id), limit)
        return owner_id

    async def check_sign_ins(self) -> None:
        """
        Raises:
            RateLimited: too many proofs of identity from the caller's address within the last minute.
        """
        limit = self.services.settings.sign_ins_per_minute
        await self.services.limits.check("sign-ins", self.client_address, limit)

    async def viewer(self) -> Viewer:
        """Who calls; looked up once.

        Raises:
            Unauthenticated: nobody has signed in, or the token does not hold any more.
        """
        async with self._authenticating:
            if self._viewer is None:
                self._viewer = await self.authenticate()
            return self._viewer

    def sign_in(self, access_token: str) -> None:
        """What is left of the operation is done as whoever the token belongs to."""
        self.access_token = access_token
        self._viewer = None

    async def authenticate(self) -> Viewer:
        """As `viewer`, but looked up anew."""
        if self.access_token is None:
            raise Unauthenticated(
                "Sign in first: send an access token of logIn as `Authorization: Bearer <token>`."
            )
        return await accounts.authenticate(self.services.database, self.services.tokens, self.access_token)


Info = strawberry.Info[Context, None]


def bearer_token(header: str | None) -> str | None:
    """The token of an `Authorization: Bearer` header (RFC 6750, section 2.1); None for anything else."""
    scheme, _, token = (header or "").strip().partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
