"""The processes of a server of many machines, under a keeper that starts again what has ended."""

import asyncio
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import psutil

from heygen_graphql.settings import Settings
from tests.chaos.places import Bucket, Folder, Place
from tests.chaos.plan import APIS, LEASE_SECONDS, WORKERS, Kind
from tests.servers import S3, HeygenServer, Postgres, Valkey, alive, clean_environment, free_port
from tests.webhooks.receiver import Receiver, receiving

Say = Callable[[str], None]

GRACE_SECONDS = 5
_MARK = "HEYGEN_CHAOS_RUN"
"""In the environment of every process of a run, by which those are found that nobody looks after."""
_LOOK_SECONDS = 0.5
_AGAIN_SECONDS = 1.0
STARTING_SECONDS = 20.0
"""A process that ends within this time has not come up; while a database is away that is as it should be."""


@dataclass
class Member:
    """A process that is always to run, with all that it starts."""

    name: str
    server: HeygenServer
    harm: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by a fault that has ended the process and will start it again."""
    launched_at: float = field(default_factory=time.monotonic)

    def launch(self) -> None:
        self.server.launch()
        self.launched_at = time.monotonic()

    @property
    def has_come_up(self) -> bool:
        """As far as its age tells: it may have been waiting for a database all the time."""
        return time.monotonic() - self.launched_at > STARTING_SECONDS

    @property
    def is_busy(self) -> bool:
        """Whether an attempt has its directory there, or a killed one had."""
        return any(Path(self.server.environment["DATA_DIR"], "work").glob("*"))

    def processes(self) -> list[psutil.Process]:
        """Those that serve or take work."""
        return [process for process, is_render in self._family() if not is_render]

    def renders(self) -> list[psutil.Process]:
        """Those that draw, and what they have started."""
        return [process for process, is_render in self._family() if is_render]

    def _family(self) -> list[tuple[psutil.Process, bool]]:
        found: list[tuple[psutil.Process, bool]] = []

        def add(process: psutil.Process, *, is_render: bool) -> None:
            with suppress(psutil.NoSuchProcess):
                is_render = is_render or any("render_child" in word for word in process.cmdline())
                found.append((process, is_render))
                for child in process.children():
                    add(child, is_render=is_render)

        with suppress(psutil.NoSuchProcess):
            add(psutil.Process(self.server.process.pid), is_render=False)
        running = alive([process for process, _ in found])
        return [(process, is_render) for process, is_render in found if process in running]


@dataclass(frozen=True, slots=True)
class Ended:
    """A process that ended though nobody had told it to."""

    name: str
    code: int
    lived_seconds: float
    last_words: str

    @property
    def had_come_up(self) -> bool:
        return self.lived_seconds > STARTING_SECONDS

    def __str__(self) -> str:
        return f"{self.name} ended by itself with {self.code} after {self.lived_seconds:.0f} s"


class Stage:
    def __init__(
        self,
        directory: Path,
        postgres: Postgres,
        valkey: Valkey,
        place: Place,
        receiver: Receiver,
        say: Say,
    ) -> None:
        self.postgres = postgres
        self.valkey = valkey
        self.receiver = receiver
        self.database_url = postgres.new_database()
        self.place = place
        self.ended: list[Ended] = []
        self.codes: list[tuple[str, int | None]] = []
        """With which each process ended that was told to by SIGTERM; None for one that had to be killed."""
        self.outages = {
            kind: asyncio.Lock() for kind in (Kind.KILL_POSTGRES, Kind.KILL_VALKEY, Kind.REFUSE_STORAGE)
        }
        self._mark = uuid4().hex
        self._directory = directory
        self._say = say
        self.began = time.monotonic()
        self.apis = [self._member("api", number) for number in range(APIS)]
        self.workers = [self._member("worker", number) for number in range(WORKERS)]

    @property
    def members(self) -> list[Member]:
        return [*self.apis, *self.workers]

    @property
    def broker(self) -> Settings:
        """What leads to the queue that the processes share."""
        return Settings(_env_file=None, redis_url=self.valkey.url)

    @property
    def left_behind(self) -> list[Path]:
        """What attempts have in their working directories."""
        return list(self._directory.glob("data-*/work/*"))

    def say(self, what: str) -> None:
        self._say(f"{time.monotonic() - self.began:6.1f} s  {what}")

    def _member(self, command: str, number: int) -> Member:
        environment = clean_environment(
            DATABASE_URL=self.database_url,
            REDIS_URL=self.valkey.url,
            # A machine of its own: nothing but the storage is shared.
            DATA_DIR=str(self._directory / f"data-{command}-{number}"),
            SECRET_KEY="a secret that all of the processes share",
            LEASE_SECONDS=str(LEASE_SECONDS),
            SWEEP_SECONDS="1",
            WORKER_GRACE_SECONDS=str(GRACE_SECONDS),
            RENDER_PROCESSES="1",
            # One machine has two processes that render.
            WORKER_PROCESSES="2" if number == 0 else "1",
            VIDEOS_PER_MINUTE="100000",
            VIDEOS_AT_ONCE_PER_USER="2",
            SIGN_INS_PER_MINUTE="1000",
            POINTS_BUCKET="10000000",
            POINTS_PER_SECOND="1000000",
            WEBHOOK_ALLOWED_HOSTS=f"localhost:{self.receiver.port}",
            WEBHOOK_TIMEOUT_SECONDS="3",
            WEBHOOK_RETRY_SECONDS="0.5,1,2,4,8,8,8,8,8,8",
            **self.place.environment,
            **{_MARK: self._mark},
        )
        server = HeygenServer(command, environment, self._directory, free_port())
        return Member(f"{command} {number}", server)

    def marked(self) -> list[psutil.Process]:
        """Every process of this run that is alive, whoever its parent is by now."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                if process.environ().get(_MARK) == self._mark:
                    found.append(process)
        return alive(found)

    def orphans(self) -> list[psutil.Process]:
        """Those that no member started, nor what a member started."""
        looked_after = {process.pid for member in self.members for process, _ in member._family()}
        return [process for process in self.marked() if process.pid not in looked_after]

    async def keep(self) -> None:
        """Start again what has ended by itself, as a service manager does; for ever."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            for member in self.members:
                code = member.server.process.poll()
                if code is None or member.harm.locked():
                    continue
                words = member.server.log.read_text(errors="replace")[-1500:]
                self.ended.append(Ended(member.name, code, time.monotonic() - member.launched_at, words))
                self.say(str(self.ended[-1]))
                await asyncio.sleep(_AGAIN_SECONDS)
                member.launch()

    async def terminate(self, member: Member, seconds: float) -> None:
        """SIGTERM to its first process, as a service manager sends it; its code is kept."""
        process, has_come_up = member.server.process, member.has_come_up
        process.terminate()
        try:
            code: int | None = await asyncio.to_thread(process.wait, seconds)
        except subprocess.TimeoutExpired:
            code = None
            member.server.close()
        # One that is just starting knows of no signals yet.
        if has_come_up or code != -signal.SIGTERM:
            self.codes.append((member.name, code))

    def close(self) -> None:
        for process in self.marked():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        for member in self.members:
            member.server.process.wait(timeout=10)


@contextmanager
def set_up(directory: Path, say: Say, *, is_bucket: bool) -> Iterator[Stage]:
    """Everything running; all of it is gone when the block ends, however it ends."""
    with ExitStack() as stack:
        postgres = Postgres()
        stack.callback(postgres.close)
        valkey = Valkey(directory)
        stack.callback(lambda: valkey.kill())
        receiver = stack.enter_context(receiving())
        place: Place = Folder(directory / "files")
        if is_bucket:
            server = S3(directory)
            stack.callback(server.close)
            place = Bucket(server)
        stage = Stage(directory, postgres, valkey, place, receiver, say)
        stack.callback(stage.close)
        yield stage
