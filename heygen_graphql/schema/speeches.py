"""Hearing a script before a film is made of it."""

from typing import Annotated

import strawberry

from heygen_graphql.schema import links
from heygen_graphql.schema.context import Info
from heygen_graphql.schema.resolvers import mutation
from heygen_graphql.schema.scalars import Url
from heygen_graphql.schema.user_errors import Payload
from heygen_graphql.schema.videos import TranscriptWord
from heygen_graphql.storage import PREVIEWS_LAST
from heygen_graphql.videos import VideoRequest, speeches


@strawberry.input(description="A script to be heard.")
class PreviewSpeechInput:
    script: str = strawberry.field(description="What is said: 1 to 1000 characters after trimming.")
    voice_id: str | None = strawberry.field(
        default=None,
        description="Who is heard, a `voiceId`; the server's first voice for the language when not given.",
    )
    language: str | None = strawberry.field(
        default=None, description='What is spoken, a BCP 47 tag; the voice\'s, or "en", when not given.'
    )
    speed: float | None = strawberry.field(
        default=None, description="The voice's pace: 0.5 to 2, 1 when not given."
    )
    pitch: float | None = strawberry.field(
        default=None, description="Semitones above the voice's own pitch: -12 to 12, 0 when not given."
    )


@strawberry.type(description="A script that was spoken, or what was wrong.")
class SpeechPayload(Payload):
    audio_url: Url | None = strawberry.field(
        default=None,
        description="A signed link to the sound, AAC in an MP4 file. It expires; the file stays for a day.",
    )
    duration_seconds: float | None = strawberry.field(default=None, description="How long it plays.")
    words: list[TranscriptWord] | None = strawberry.field(
        default=None, description="Every word and when it is heard; `sceneIndex` is 0."
    )


@strawberry.type
class SpeechMutations:
    @mutation("Speak a script without making a film. It takes some seconds.")
    async def preview_speech(
        self,
        info: Info,
        input: Annotated[PreviewSpeechInput, strawberry.argument(description="The script.")],
    ) -> SpeechPayload:
        context, services = info.context, info.context.services
        owner_id = await context.checked_creator()
        request = VideoRequest(
            script=input.script,
            voice_id=input.voice_id,
            language=input.language,
            speed=input.speed,
            pitch=input.pitch,
        )
        preview = await speeches.preview(
            services.database, services.storage, services.speaking, services.voices, owner_id, request
        )
        expires_in_seconds = min(services.settings.link_expire_seconds, int(PREVIEWS_LAST.total_seconds()))
        return SpeechPayload(
            audio_url=links.signed(context, preview.key, expires_in_seconds=expires_in_seconds),
            duration_seconds=preview.spoken.duration_seconds,
            words=[
                TranscriptWord(
                    text=word.text,
                    start_seconds=word.start_seconds,
                    end_seconds=word.end_seconds,
                    scene_index=0,
                )
                for word in preview.spoken.words
            ],
        )
