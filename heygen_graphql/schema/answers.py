"""Answers to queries that were asked before, given again while nothing that they tell of has changed.

A key holds all that an answer is made from: the viewer and the version of the viewer's data, the
operation, its variables, the address by which links reach the server, and the server's settings. The
version is read before the answer is made, so what is kept under a version is that version's state or a
later one's, and it is found by nobody who has seen a later version.

Fields say themselves what they read (`resolvers.Reads`); the answers to a document with one that says
nothing are not kept. Nor is what a superuser sees: that is other people's.
"""

import json
from collections.abc import AsyncIterator
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256

from graphql import ExecutionResult
from strawberry.extensions import SchemaExtension
from strawberry.types.graphql import OperationType

from heygen_graphql import __version__
from heygen_graphql.errors import Unauthenticated
from heygen_graphql.observability import GRAPHQL_ANSWERS
from heygen_graphql.rendering.speech import Voice
from heygen_graphql.schema.context import Context
from heygen_graphql.schema.resolvers import Reads
from heygen_graphql.settings import Settings

HEADER = "X-Cache"
MAX_SECONDS = 300
"""How long an answer is kept at most."""
LINK_LIFE_PARTS = 10
"""An answer with links is kept for this part of the shortest link's life: nine tenths are left when it is
given for the last time."""


class Outcome(StrEnum):
    """What the header says: given again; made, and kept if it can be; or neither looked for nor kept."""

    HIT = "HIT"
    MISS = "MISS"
    BYPASS = "BYPASS"


class KeepsAnswers(SchemaExtension):
    """The innermost extension: an answer that it gives again has been charged for and counted as any."""

    async def on_execute(self) -> AsyncIterator[None]:
        operation = self.execution_context
        context: Context | None = operation.context
        answers = None if context is None else context.services.answers
        reads = _reads(context, operation.operation_type)
        key = voices = None
        if context is not None and answers is not None and Reads.ANYTHING not in reads:
            voices = _voices_stamp(context) if Reads.VOICES in reads else None
            key = await _key(context, voices, operation.query, operation.operation_name, operation.variables)
        if context is None or answers is None or key is None:
            _say(context, Outcome.BYPASS)
            yield
            return
        kept = await answers.get(key)
        if kept is not None:
            _say(context, Outcome.HIT)
            operation.result = ExecutionResult(data=json.loads(kept))
            yield
            return
        _say(context, Outcome.MISS)
        yield
        made = operation.result
        if not isinstance(made, ExecutionResult) or made.errors or made.data is None:
            return
        if voices is not None and voices != _voices_stamp(context):
            # A voice came or went while the answer was being made.
            return
        seconds = _seconds(context.link_seconds)
        if seconds > 0:
            await answers.keep(key, json.dumps(made.data, separators=(",", ":")).encode(), seconds)


def _reads(context: Context | None, kind: OperationType) -> frozenset[Reads]:
    verdict = None if context is None else context.verdict
    if verdict is None or kind is not OperationType.QUERY:
        return frozenset({Reads.ANYTHING})
    return verdict.reads


def _seconds(link_seconds: int | None) -> int:
    return MAX_SECONDS if link_seconds is None else min(MAX_SECONDS, link_seconds // LINK_LIFE_PARTS)


async def _key(
    context: Context,
    voices: str | None,
    text: str | None,
    operation_name: str | None,
    variables: dict[str, object] | None,
) -> str | None:
    """None when the answer cannot be kept: nobody has signed in, or one who sees other people's data."""
    if not context.credentials.are_given:
        return None
    try:
        viewer = await context.viewer()
    except Unauthenticated:
        # The fields that need a viewer say so themselves.
        return None
    if viewer.user.is_superuser or viewer.data_version is None:
        return None
    parts = [
        _settings_stamp(context.services.settings),
        str(viewer.user.id),
        viewer.data_version,
        # What an API key may not see is told as an error, and a person's answer must not stand in for it.
        viewer.session_id is not None,
        context.base_url,
        voices,
        operation_name,
        variables,
        text,
    ]
    return sha256(json.dumps(parts, separators=(",", ":")).encode()).hexdigest()


@lru_cache(maxsize=8)
def _settings_stamp(settings: Settings) -> str:
    """Changes with whatever of the server's own its answers depend on; where it listens is not of it."""
    told = settings.model_dump_json(exclude={"host", "port"})
    key = sha256(settings.signing_key).hexdigest()
    return sha256(json.dumps([__version__, key, told]).encode()).hexdigest()


def _voices_stamp(context: Context) -> str:
    """Changes when a voice is dropped into the server's folder, or taken out of it."""
    return _stamp_of(context.services.voices.all())


@lru_cache(maxsize=8)
def _stamp_of(voices: tuple[Voice, ...]) -> str:
    return sha256(repr(voices).encode()).hexdigest()


def _say(context: Context | None, outcome: Outcome) -> None:
    GRAPHQL_ANSWERS.labels(outcome=outcome.lower()).inc()
    if context is not None and context.response is not None:
        context.response.headers[HEADER] = outcome
