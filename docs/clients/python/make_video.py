"""Makes a video of a sentence and saves it: python make_video.py "Hello there." hello.mp4

HEYGEN_URL says where the server is (http://127.0.0.1:8000), HEYGEN_API_KEY who calls it.
"""

import asyncio
import os
import sys
from pathlib import Path

import httpx
from heygen_client import CreateVideoInput, HeygenClient, VideoQuality, VideoStatus

URL = os.environ.get("HEYGEN_URL", "http://127.0.0.1:8000")
API_KEY = os.environ["HEYGEN_API_KEY"]


async def make_video(script: str, out: Path) -> None:
    client = HeygenClient(
        url=f"{URL}/graphql",
        headers={"X-API-Key": API_KEY},
        ws_url=f"{URL.replace('http', 'ws', 1)}/graphql",
        ws_connection_init_payload={"apiKey": API_KEY},
    )
    async with client:
        request = CreateVideoInput(script=script, quality=VideoQuality.LOW)
        created = (await client.create_video(request)).create_video
        if created.video is None:
            faults = created.user_errors
            sys.exit("\n".join(f"{fault.code.value} {fault.field}: {fault.message}" for fault in faults))

        # The state of now comes at once, then every change; the last event is a final one.
        async for event in client.follow_video(created.video.id):
            video = event.video_status.video
            print(f"{video.status.value} {video.stage.value if video.stage else ''} {video.progress:.0%}")
    if video.status is not VideoStatus.COMPLETED or video.url is None:
        sys.exit(video.failure.message if video.failure else f"The video is {video.status.value}.")

    # The link is signed: no key goes along.
    with httpx.stream("GET", video.url) as film, out.open("wb") as file:
        film.raise_for_status()
        for chunk in film.iter_bytes():
            file.write(chunk)


if __name__ == "__main__":
    asyncio.run(make_video(sys.argv[1], Path(sys.argv[2])))
