"""Which media type an answer takes (RFC 9110, section 12.5.1, and the GraphQL over HTTP specification)."""

from enum import StrEnum

from starlette.requests import Request


class MediaType(StrEnum):
    GRAPHQL_RESPONSE = "application/graphql-response+json"
    JSON = "application/json"
    EVENT_STREAM = "text/event-stream"


_UTF_8 = frozenset(("utf-8", "utf8"))
# Whoever takes anything gets what every client can read, and never a stream.
_RANKS = {
    "application/graphql-response+json": {MediaType.GRAPHQL_RESPONSE: 5},
    "application/json": {MediaType.JSON: 4},
    "text/event-stream": {MediaType.EVENT_STREAM: 3},
    "application/*": {MediaType.JSON: 2, MediaType.GRAPHQL_RESPONSE: 1},
    "*/*": {MediaType.JSON: 2, MediaType.GRAPHQL_RESPONSE: 1},
}


def chosen(accept: str | None) -> MediaType | None:
    """What an Accept header likes best; None when it takes nothing that is here."""
    if accept is None or not accept.strip():
        return MediaType.JSON
    weights: dict[MediaType, tuple[float, int]] = {}
    # The most specific range decides about a type, so the others come first.
    for media_range, quality in sorted(_ranges(accept), key=lambda one: -one[0].count("*")):
        for media_type, rank in _RANKS.get(media_range, {}).items():
            weights[media_type] = (quality, rank)
    best = max(weights, key=lambda media_type: weights[media_type], default=None)
    return best if best is not None and weights[best][0] > 0 else None


def chosen_for(request: Request) -> MediaType | None:
    """As `chosen`; a header that comes several times counts as one list."""
    return chosen(", ".join(request.headers.getlist("accept")) or None)


def _ranges(accept: str) -> list[tuple[str, float]]:
    ranges = []
    for part in accept.split(","):
        media_range, *parameters = (piece.strip().lower() for piece in part.split(";"))
        named = dict(parameter.partition("=")[::2] for parameter in parameters)
        if named.get("charset", "utf-8").strip('"') in _UTF_8:
            ranges.append((media_range, _quality(named.get("q", "1"))))
    return ranges


def _quality(text: str) -> float:
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return 0.0
