"""The presenters there are: a catalogue that costs nothing to read, and a picture of each."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from heygen_graphql.rendering.errors import UnknownAvatar
from heygen_graphql.rendering.presenters.amara import AMARA
from heygen_graphql.rendering.presenters.ingrid import INGRID
from heygen_graphql.rendering.presenters.kenji import KENJI
from heygen_graphql.rendering.presenters.leila import LEILA
from heygen_graphql.rendering.presenters.maya import MAYA
from heygen_graphql.rendering.presenters.oliver import OLIVER
from heygen_graphql.rendering.presenters.omar import OMAR
from heygen_graphql.rendering.presenters.presenter import DrawnPresenter
from heygen_graphql.rendering.speech.engine import Gender

__all__ = ["Avatar", "avatar", "avatars", "default_avatar", "drawn_presenter", "preview_png"]

_DRAWN = {presenter.avatar_id: presenter for presenter in (MAYA, OLIVER, AMARA, KENJI, INGRID, OMAR, LEILA)}


@dataclass(frozen=True, slots=True)
class Avatar:
    avatar_id: str
    """The short name that inputs take."""
    name: str
    kind: Literal["DRAWN", "PHOTO"]
    gender: Gender
    """Of the voices that suit them."""


def avatars() -> tuple[Avatar, ...]:
    return tuple(map(avatar, _DRAWN))


def avatar(avatar_id: str) -> Avatar:
    """
    Raises:
        UnknownAvatar: no presenter has that name.
    """
    presenter = drawn_presenter(avatar_id)
    return Avatar(presenter.avatar_id, presenter.name, "DRAWN", Gender(presenter.gender))


def default_avatar() -> Avatar:
    return avatars()[0]


def drawn_presenter(avatar_id: str) -> DrawnPresenter:
    """
    Raises:
        UnknownAvatar: no presenter has that name.
    """
    try:
        return _DRAWN[avatar_id]
    except KeyError:
        raise UnknownAvatar(avatar_id) from None


@lru_cache(maxsize=32)
def preview_png(avatar_id: str, width: int = 480, height: int = 480) -> bytes:
    """The presenter at rest before a quiet backdrop; the same bytes for the same arguments.

    Raises:
        UnknownAvatar: no presenter has that name.
    """
    presenter = drawn_presenter(avatar_id)
    # OpenCV and the rasteriser are loaded only here: the API lists avatars without them.
    from heygen_graphql.rendering.presenters.preview import portrait_png

    return portrait_png(presenter, width, height)
