"""How the API answers while it renders: videos created all at once, `{ __typename }` asked all the while.

python -m benchmarks.load [--videos 20] [--workers 1] [--quality LOW]
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time

import httpx

from tests.client import Client, signed_up
from tests.servers import clean_environment, free_port

SCRIPT = "This sentence is spoken while the server is asked how it is."
PING = b'{"query": "{ __typename }"}'


async def measure(client: Client, videos: int, quality: str) -> None:
    began = time.monotonic()
    ids = await asyncio.gather(
        *(
            client.create_video({"script": f"{number}. {SCRIPT}", "quality": quality})
            for number in range(videos)
        )
    )
    print(f"{videos} videos accepted in {time.monotonic() - began:.2f} s")
    async with asyncio.TaskGroup() as group:
        pinging = group.create_task(ping_for_ever(client.url))
        endings = await asyncio.gather(*(client.watch_to_end(video_id, seconds=1800) for video_id in ids))
        pinging.cancel()
    seconds = time.monotonic() - began
    completed = sum(events[-1]["video"]["status"] == "COMPLETED" for events in endings)
    print(f"{completed} of {videos} completed in {seconds:.1f} s")
    cuts = statistics.quantiles(LATENCIES_MS, n=1000)
    print(
        f"{{ __typename }}, {len(LATENCIES_MS)} times: p50 {cuts[499]:.1f} ms, p99 {cuts[989]:.1f} ms, "
        f"p99.9 {cuts[998]:.1f} ms, max {max(LATENCIES_MS):.1f} ms"
    )


LATENCIES_MS: list[float] = []


async def ping_for_ever(url: str) -> None:
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
        while True:
            began = time.perf_counter()
            answer = await http.post("/graphql", content=PING, headers={"Content-Type": "application/json"})
            answer.raise_for_status()
            LATENCIES_MS.append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(0.01)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--videos", type=int, default=20)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--quality", default="LOW")
    options = parser.parse_args()
    port = free_port()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        server = subprocess.Popen(
            [sys.executable, "-m", "heygen_graphql.cli", "serve", "--port", str(port)],
            env=clean_environment(
                DATA_DIR=directory, WORKERS=str(options.workers), VIDEOS_PER_MINUTE=str(options.videos + 1)
            ),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            await until_healthy(url)
            async with signed_up(url) as client:
                await measure(client, options.videos, options.quality)
        finally:
            server.terminate()
            server.wait(20)


async def until_healthy(url: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        for _ in range(600):
            try:
                if (await http.get(f"{url}/health")).is_success:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.1)
    raise TimeoutError(f"{url} did not answer in a minute")


if __name__ == "__main__":
    print(f"{os.cpu_count()} cores")
    asyncio.run(main())
