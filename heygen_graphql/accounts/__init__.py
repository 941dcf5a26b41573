"""People: who they are, and how they prove it."""

from heygen_graphql.accounts import administration, api_keys, leaving
from heygen_graphql.accounts.administration import UserChanges, update_user
from heygen_graphql.accounts.leaving import delete_me
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
from heygen_graphql.accounts.throttling import hold_back
from heygen_graphql.accounts.tokens import Tokens
from heygen_graphql.accounts.viewers import Credentials, Viewer, authenticate, standing

__all__ = [
    "Credentials",
    "SignedIn",
    "Tokens",
    "UserChanges",
    "Viewer",
    "administration",
    "api_keys",
    "authenticate",
    "change_password",
    "create_user",
    "delete_me",
    "hold_back",
    "leaving",
    "log_in",
    "log_out",
    "refresh",
    "sign_up",
    "standing",
    "update_me",
    "update_user",
    "users_by_ids",
    "video_counts",
]
