"""People: who they are, and how they prove it."""

from heygen_graphql.accounts import api_keys
from heygen_graphql.accounts.people import (
    change_password,
    create_user,
    update_me,
    users_by_ids,
    video_counts,
)
from heygen_graphql.accounts.sessions import (
    SignedIn,
    log_in,
    log_out,
    refresh,
    sign_up,
)
from heygen_graphql.accounts.tokens import Tokens
from heygen_graphql.accounts.viewers import Credentials, Viewer, authenticate

__all__ = [
    "Credentials",
    "SignedIn",
    "Tokens",
    "Viewer",
    "api_keys",
    "authenticate",
    "change_password",
    "create_user",
    "log_in",
    "log_out",
    "refresh",
    "sign_up",
    "update_me",
    "users_by_ids",
    "video_counts",
]
