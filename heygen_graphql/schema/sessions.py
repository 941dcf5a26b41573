"""Signing up, in and out."""

from datetime import datetime
from typing import Annotated, Self

import strawberry

from heygen_graphql import accounts
from heygen_graphql.accounts import SignedIn
from heygen_graphql.ratelimits import address_key
from heygen_graphql.schema.context import Context, Info
from heygen_graphql.schema.resolvers import mutation
from heygen_graphql.schema.user_errors import Payload
from heygen_graphql.schema.users import User


@strawberry.type(description="A sign-in, and the tokens that prove it.")
class Session:
    access_token: str = strawberry.field(
        description="Send it with each request as `Authorization: Bearer <token>`."
    )
    access_token_expires_at: datetime = strawberry.field(description="When the access token stops working.")
    refresh_token: str = strawberry.field(
        description="Buys the next pair of tokens from `refreshSession`, once. Keep it secret."
    )
    user: User = strawberry.field(description="Who signed in.")

    @classmethod
    def of(cls, signed_in: SignedIn) -> Self:
        return cls(
            access_token=signed_in.access_token,
            access_token_expires_at=signed_in.access_token_expires_at,
            refresh_token=signed_in.refresh_token,
            user=User.of(signed_in.user),
        )


@strawberry.input(description="A new account.")
class SignUpInput:
    email: str = strawberry.field(description="The address to sign in with.")
    password: str = strawberry.field(description="At least 8 characters, at most 72 bytes.")
    full_name: str | None = strawberry.field(default=None, description="What to call the person.")


@strawberry.input(description="What proves an account to be one's own.")
class LogInInput:
    email: str = strawberry.field(description="The account's address, in capitals or not.")
    password: str = strawberry.field(description="The account's password.")


@strawberry.type(description="A session, or what was wrong.")
class SessionPayload(Payload):
    session: Session | None = strawberry.field(
        default=None, description="The session; null when there is none."
    )


@strawberry.type(description="What was wrong, if anything.")
class LogOutPayload(Payload):
    """Nothing but faults: an ended session has nothing to show."""


RefreshToken = Annotated[str, strawberry.argument(description="The session's latest refresh token.")]


@strawberry.type
class SessionMutations:
    @mutation("Make an account and sign in.")
    async def sign_up(
        self, info: Info, input: Annotated[SignUpInput, strawberry.argument(description="The account.")]
    ) -> SessionPayload:
        context = info.context
        await context.check_sign_ins()
        signed_in = await accounts.sign_up(
            context.services.database,
            context.services.tokens,
            email=input.email,
            password=input.password,
            full_name=input.full_name,
            address=address_key(context.client_address),
        )
        return _begun(context, signed_in)

    @mutation(
        "Sign in. Many attempts for one account are answered later, and too many not at all for a while."
    )
    async def log_in(
        self, info: Info, input: Annotated[LogInInput, strawberry.argument(description="Who signs in.")]
    ) -> SessionPayload:
        context = info.context
        await context.check_log_in(input.email)
        signed_in = await accounts.log_in(
            context.services.database,
            context.services.tokens,
            email=input.email,
            password=input.password,
            address=address_key(context.client_address),
        )
        return _begun(context, signed_in)

    @mutation(
        "Get new tokens for a refresh token, which is spent by that. One that was spent before "
        "ends the session: somebody else has it."
    )
    async def refresh_session(self, info: Info, refresh_token: RefreshToken) -> SessionPayload:
        context = info.context
        signed_in = await accounts.refresh(context.services.database, context.services.tokens, refresh_token)
        return _begun(context, signed_in)

    @mutation("End a session: its tokens stop working at once.")
    async def log_out(self, info: Info, refresh_token: RefreshToken) -> LogOutPayload:
        services = info.context.services
        await accounts.log_out(services.database, services.tokens, refresh_token)
        return LogOutPayload()


def _begun(context: Context, signed_in: SignedIn) -> SessionPayload:
    context.sign_in(signed_in.access_token)
    return SessionPayload(session=Session.of(signed_in))
