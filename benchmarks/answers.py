"""What keeping answers gains: the same queries asked again and again, with the cache and without.

python -m benchmarks.answers [--times 200] [--rounds 3]
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

import httpx

from heygen_graphql.database import migrate
from heygen_graphql.settings import Settings
from tests.api.serving import Api, served
from tests.servers import Postgres, Valkey

CREATE = "mutation ($i: [CreateVideoInput!]!) { createVideos(inputs: $i) { userErrors { code } } }"
QUERIES = {
    "a list of fifty": """
    { videos(first: 50) { totalCount edges { cursor node {
        id title status progress version createdAt updatedAt durationSeconds thumbnailUrl
        owner { id email } avatar { name } scenes { index script } } } } }""",
    "oneself and one video": "{ me { id email } videos(first: 1) { edges { node { id title status } } } }",
}
CACHE_BYTES = 32 * 1024**2


def medians_ms(settings: Settings, times: int) -> dict[str, float]:
    """From the request to its answer, by one client on this machine."""
    with (
        served(settings) as address,
        httpx.Client(base_url=address, timeout=60, trust_env=False) as http,
    ):
        ada = Api(http).signed_in()
        for _ in range(5):
            ada(CREATE, i=[{"script": "Hello there."}] * 10)
        return {name: median_ms(ada, query, times) for name, query in QUERIES.items()}


def median_ms(api: Api, query: str, times: int) -> float:
    taken_ms = []
    for _ in range(times):
        began = time.perf_counter()
        answer = api(query)
        taken_ms.append((time.perf_counter() - began) * 1000)
        assert answer.data
    return statistics.median(taken_ms)


def compare(settings: Settings, times: int, rounds: int) -> None:
    """The two sides in turn, so that both meet what else the machine does."""
    sides: dict[int, list[dict[str, float]]] = {0: [], CACHE_BYTES: []}
    for _ in range(rounds):
        for size, found in sides.items():
            changed = settings.model_dump() | {"answer_cache_bytes": size}
            found.append(medians_ms(Settings(_env_file=None, **changed), times))
    for name in QUERIES:
        without, kept = (statistics.median(one[name] for one in found) for found in sides.values())
        print(f"  {name}: {without:.1f} ms without, {kept:.1f} ms with: {without / kept:.1f} times faster")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores; medians, client and server in one process")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        valkey, postgres = Valkey(Path(directory)), Postgres()
        sqlite_url = f"sqlite+aiosqlite:///{directory}/heygen.db"
        migrate(sqlite_url)
        try:
            for url in (sqlite_url, postgres.new_database()):
                settings = Settings(
                    _env_file=None,
                    secret_key="-" * 40,
                    database_url=url,
                    redis_url=valkey.url,
                    data_dir=Path(directory),
                    points_bucket=10_000_000,
                )
                print(f"{url.partition('+')[0]} and Valkey")
                compare(settings, options.times, options.rounds)
        finally:
            postgres.close()
            valkey.kill()


if __name__ == "__main__":
    main()
