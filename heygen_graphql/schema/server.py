"""What this server can do."""

import strawberry

from heygen_graphql import __version__, videos
from heygen_graphql.rendering.speech import Voices
from heygen_graphql.rendering.storyboard import Quality


@strawberry.type(description="What this server can do.")
class ServerInfo:
    version: str = strawberry.field(description="The software's version.")
    max_script_length: int = strawberry.field(
        description="The most characters that one scene's script may have."
    )
    max_scenes: int = strawberry.field(description="The most scenes that one video may have.")
    qualities: list[Quality] = strawberry.field(description="The resolutions it renders.")
    languages: list[str] = strawberry.field(description="The languages it speaks, as BCP 47 writes them.")


def server_info(voices: Voices) -> ServerInfo:
    return ServerInfo(
        version=__version__,
        max_script_length=videos.MAX_SCRIPT_LENGTH,
        max_scenes=videos.MAX_SCENES,
        qualities=list(Quality),
        languages=list(voices.languages()),
    )
