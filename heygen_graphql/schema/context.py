"""What resolvers work with: the server's parts, and who calls.

A context serves one operation: each of an array's gets its own, as each on a websocket does
(`Context.for_operation`).
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

import strawberry
import structlog
from aiodataloader import DataLoader
from starlette.responses import Response

from heygen_graphql import accounts
from heygen_graphql.accounts import Credentials, Tokens, Viewer
from heygen_graphql.answers import Answers
from heygen_graphql.database import Database
from heygen_graphql.errors import Forbidden, Unauthenticated
from heygen_graphql.events import Hub, VideoChanged
from heygen_graphql.globalids import parse_uuid
from heygen_graphql.jobs.broker import Queue
from heygen_graphql.processes import Processes
from heygen_graphql.ratelimits import LocalRateLimits, RateLimits, address_key
from heygen_graphql.rendering.speech import Voices
from heygen_graphql.schema.cost import Charge
from heygen_graphql.schema.documents import Verdict
from heygen_graphql.schema.loaders import Loaders, Owned
from heygen_graphql.schema.watching import Watch
from heygen_graphql.settings import Settings
from heygen_graphql.storage import Links, Storage
from heygen_graphql.tables import User, Video
from heygen_graphql.videos import Experience, Quotas
from heygen_graphql.webhooks import Targets

if TYPE_CHECKING:
    from heygen_graphql.schema.following import Following

Row = TypeVar("Row")


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
    targets: Targets
    """Where webhooks may lead."""
    wake_webhooks: Callable[[], None]
    """Say that there is something to deliver; without a word it is found soon after."""
    watch: Watch
    answers: Answers | None = None
    """None when no answers are to be kept."""
    watching: RateLimits = field(default_factory=LocalRateLimits)
    """What each user's subscriptions have taken of this process."""

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
    credentials: Credentials
    response: Response | None = None
    """What the operation's answer is made from, for headers; None on a stream."""
    is_streamed: bool = False
    """Results go out one after the other, as a subscription needs it."""
    link_seconds: int | None = field(default=None, init=False)
    """The shortest life of a signed link that the operation has handed out."""
    verdict: Verdict | None = field(default=None, init=False)
    """On the operation's document; None until it has been parsed."""
    charged: Charge | None = field(default=None, init=False)
    """What the operation cost; None until it has been charged."""
    is_cut_off: bool = field(default=False, init=False)
    """Whether the database dropped out while the result that is being made was made."""
    following: "Following | None" = field(default=None, init=False)
    """What a subscription goes on with after the events that its resolver yields."""
    ending: ExitStack = field(default_factory=ExitStack, init=False)
    """Closed when the operation has told all it will."""
    _loaders: Loaders | None = field(default=None, init=False)
    _viewer: Viewer | None = field(default=None, init=False)
    _authenticating: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    def for_operation(self) -> "Context":
        """Another that knows nothing yet of any operation."""
        return replace(self)

    def for_event(self) -> "Context":
        """Another that has read nothing yet, of whom the operation is known to be."""
        event = replace(self)
        event._viewer = self._viewer
        return event

    @property
    def loaders(self) -> Loaders:
        if self._loaders is None:
            self._loaders = Loaders(self.services.database, Quotas.of(self.services.settings))
        return self._loaders

    def renew_loaders(self) -> None:
        """Forget every row read so far: an event of a subscription shows what is true when it is sent."""
        self._loaders = None

    async def checked_creator(self) -> UUID:
        """Who calls, for a call that leads to a render or to work like one.

        Raises:
            RateLimited: too many of them within the last minute.
        """
        owner_id = (await self.viewer()).user.id
        limit = self.services.settings.videos_per_minute
        await self.services.limits.check("creating calls", str(owner_id), limit)
        return owner_id

    async def check_sign_ins(self) -> None:
        """
        Raises:
            RateLimited: too many proofs of identity from the caller's address within the last minute.
        """
        limit = self.services.settings.sign_ins_per_minute
        await self.services.limits.check("sign-ins", address_key(self.client_address), limit)

    async def check_log_in(self, email: str) -> None:
        """Before a password is looked at; may take some seconds.

        Raises:
            RateLimited: as `check_sign_ins`, or too many of them for this account.
        """
        await self.check_sign_ins()
        await accounts.hold_back(
            self.services.database,
            self.services.limits,
            self.services.tokens,
            email=email,
            address=address_key(self.client_address),
            per_minute=self.services.settings.sign_ins_per_account_per_minute,
        )

    async def check_password_proofs(self, session_id: UUID) -> None:
        """Whoever took over a session must not find out its password.

        Raises:
            RateLimited: as `check_sign_ins`, or too many of them in this session.
        """
        await self.check_sign_ins()
        limit = self.services.settings.sign_ins_per_account_per_minute
        await self.services.limits.check("passwords", str(session_id), limit)

    async def viewer(self) -> Viewer:
        """Who calls; looked up once.

        Raises:
            Unauthenticated: nobody has signed in, or what was sent does not hold any more.
        """
        async with self._authenticating:
            if self._viewer is None:
                self._viewer = await self.authenticate()
            return self._viewer

    async def person(self) -> tuple[User, UUID]:
        """The viewer and their session, for what no program may do in their name.

        Raises:
            Unauthenticated: as `viewer`.
            Forbidden: an API key signs in; whoever finds one must not be able to keep the account.
        """
        viewer = await self.viewer()
        if viewer.session_id is None:
            raise Forbidden("An API key may not do this. Sign in with logIn and send its access token.")
        return viewer.user, viewer.session_id

    def sign_in(self, access_token: str) -> None:
        """What is left of the operation is done as whoever the token belongs to."""
        self.credentials = Credentials(access_token=access_token)
        self._viewer = None

    async def own(self, loader: DataLoader[Owned[UUID], Row | None], key: str) -> Row | None:
        """The viewer's row of a global id's key; None for what is somebody else's, or no key.

        Raises:
            Unauthenticated: as `viewer`.
        """
        owner_id = (await self.viewer()).user.id
        row_id = parse_uuid(key)
        return None if row_id is None else await loader.load(Owned(owner_id, row_id))

    async def authenticate(self) -> Viewer:
        """As `viewer`, but looked up anew; what is logged from now on says whose it is."""
        viewer = await accounts.authenticate(self.services.database, self.services.tokens, self.credentials)
        structlog.contextvars.bind_contextvars(user_id=str(viewer.user.id))
        return viewer


Info = strawberry.Info[Context, None]


def credentials_of(headers: Mapping[str, str]) -> Credentials:
    """Those of a request's headers, or of a websocket's handshake; names in lower case."""
    return Credentials(
        access_token=_bearer_token(headers.get("authorization", "")),
        api_key=headers.get("x-api-key", "").strip() or None,
    )


def credentials_of_connection(payload: Mapping[str, object] | None, handshake: Credentials) -> Credentials:
    """Those of connection_init's payload (`authorization` or `apiKey`, or the headers' own names, in capitals
    or not) or, when it has none, of the websocket's handshake.

    Raises:
        Unauthenticated: the payload has them in a form that cannot be.
    """
    given = {name.lower(): value for name, value in (payload or {}).items() if value not in (None, "")}
    authorization = given.get("authorization")
    api_key = given.get("apikey", given.get("x-api-key"))
    if authorization is None and api_key is None:
        return handshake
    token = None
    if isinstance(authorization, str):
        # Some clients write the bare token, for there is no other scheme here.
        token = _bearer_token(authorization) if " " in authorization.strip() else authorization.strip()
    if authorization is not None and not token:
        raise Unauthenticated("`authorization` in connection_init must be `Bearer <token>`.")
    if not isinstance(api_key, str | None):
        raise Unauthenticated("`apiKey` in connection_init must be a string.")
    return Credentials(access_token=token, api_key=api_key)


def _bearer_token(header: str) -> str | None:
    """The token of an `Authorization: Bearer` header (RFC 6750, section 2.1); None for anything else."""
    scheme, _, token = header.strip().partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
