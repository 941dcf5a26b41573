"""How the API answers while it renders: videos created all at once, `{ __typename }` asked all the while.

python -m benchmarks.load [--videos 20] [--workers 1] [--quality LOW]
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from pathlib import Path

import httpx

from tests.client import signed_up
from tests.servers import HeygenServer, clean_environment, free_port

SCRIPT = "This sentence is spoken while the server is asked how it is."
PING = b'{"query": "{ __typename }"}'
PAUSE_SECONDS = 0.01


async def measure(url: str, videos: int, quality: str) -> None:
    async with signed_up(url) as client:
        began = time.monotonic()
        requests = [{"script": f"{number}. {SCRIPT}", "quality": quality} for number in range(videos)]
        ids = await asyncio.gather(*(client.create_video(request) for request in requests))
        print(f"{videos} videos accepted in {time.monotonic() - began:.2f} s")
        latencies_ms: list[float] = []
        pinging = asyncio.create_task(ping_for_ever(url, latencies_ms))
        endings = await asyncio.gather(*(client.watch_to_end(video_id, seconds=1800) for video_id in ids))
        pinging.cancel()
        completed = sum(events[-1]["video"]["status"] == "COMPLETED" for events in endings)
        print(f"{completed} of {videos} completed in {time.monotonic() - began:.1f} s")
    cuts = statistics.quantiles(latencies_ms, n=1000)
    print(
        f"{{ __typename }} {len(latencies_ms)} times: p50 {cuts[499]:.1f} ms, p99 {cuts[989]:.1f} ms, "
        f"p99.9 {cuts[998]:.1f} ms, longest {max(latencies_ms):.1f} ms"
    )


async def ping_for_ever(url: str, latencies_ms: list[float]) -> None:
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
        while True:
            began = time.perf_counter()
            answer = await http.post("/graphql", content=PING, headers={"Content-Type": "application/json"})
            answer.raise_for_status()
            latencies_ms.append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(PAUSE_SECONDS)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--videos", type=int, default=20)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--quality", default="LOW")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, {options.workers} renders at a time, {options.quality}")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        environment = clean_environment(
            DATA_DIR=directory, WORKERS=str(options.workers), VIDEOS_PER_MINUTE=str(options.videos)
        )
        server = HeygenServer("serve", environment, Path(directory), free_port())
        try:
            asyncio.run(measure(server.url, options.videos, options.quality))
        finally:
            server.close()


if __name__ == "__main__":
    main()
