"""Voices, as the engines' catalogue lists them."""

from typing import Self

import strawberry

from heygen_graphql.rendering import speech
from heygen_graphql.rendering.errors import UnknownVoice
from heygen_graphql.rendering.speech import endpoint_voices
from heygen_graphql.rendering.speech.engine import Gender
from heygen_graphql.schema import ids, links
from heygen_graphql.schema.context import Context, Info
from heygen_graphql.schema.nodes import Node
from heygen_graphql.schema.resolvers import Reads, field
from heygen_graphql.schema.scalars import Url
from heygen_graphql.web.samples import sample_key


@strawberry.type(description="Somebody's way of speaking.")
class Voice(Node):
    voice_id: str = strawberry.field(description="The short name that inputs take.")
    name: str = strawberry.field(description="The name to show to people.")
    language: str = strawberry.field(description="The language it speaks, as BCP 47 writes it.")
    gender: Gender = strawberry.field(description="How it sounds.")
    engine: str = strawberry.field(description="The speech engine that makes it.")

    @field(
        "A signed link to a few words of it, AAC in an MP4 file, made when first asked for. It expires. Null "
        "for a voice of a paid endpoint until the viewer has signed in.",
        reads=Reads.VOICES,
    )
    async def sample_url(self, info: Info) -> Url | None:
        if not self.engine:
            # It has left the catalogue.
            return None
        if self.engine == endpoint_voices.ENGINE:
            if not info.context.credentials.are_given:
                return None
            # A token that does not hold is told as such.
            await info.context.viewer()
        return links.signed(info.context, sample_key(self.voice_id), expires_in_seconds=None, is_stored=False)

    @classmethod
    def of(cls, voice: speech.Voice) -> Self:
        return cls(
            id=ids.encode("Voice", voice.voice_id),
            voice_id=voice.voice_id,
            name=voice.name,
            language=voice.language,
            gender=voice.gender,
            engine=voice.engine,
        )

    @classmethod
    def named(cls, context: Context, voice_id: str) -> Self:
        """A voice that a storyboard names; one that has left the catalogue keeps its name alone."""
        return cls._known(context, voice_id) or cls(
            id=ids.encode("Voice", voice_id),
            voice_id=voice_id,
            name=voice_id,
            language="und",
            gender=Gender.NEUTRAL,
            engine="",
        )

    @classmethod
    async def find(cls, context: Context, voice_id: str) -> Self | None:
        return cls._known(context, voice_id)

    @classmethod
    def _known(cls, context: Context, voice_id: str) -> Self | None:
        try:
            return cls.of(context.services.voices.get(voice_id))
        except UnknownVoice:
            return None


def place_of(voice: speech.Voice) -> str:
    """Where a voice stands in the list, whatever else does: the natural ones first, robots last."""
    ranks = {"hibari": 0, "piper": 1, endpoint_voices.ENGINE: 2}
    return f"{ranks.get(voice.engine, 3)} {voice.voice_id}"


@strawberry.input(description="Which voices to list; every condition that is given must hold.")
class VoiceFilter:
    language: str | None = strawberry.field(
        default=None, description="Speaks this language, a BCP 47 tag: `de` finds de-AT, too."
    )
    gender: Gender | None = strawberry.field(default=None, description="Sounds like this.")
    engine: str | None = strawberry.field(default=None, description="Is made by this engine.")

    def matches(self, voice: speech.Voice) -> bool:
        return (
            (self.language is None or speech.speaks(voice, self.language))
            and (self.gender is None or voice.gender is self.gender)
            and (self.engine is None or voice.engine == self.engine)
        )
