"""A process that renders: inside the server (`embedded`) or on its own (`run_worker`)."""

import asyncio
import concurrent.futures
import signal
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import dramatiq
import structlog

from heygen_graphql.database import Bounds, Database
from heygen_graphql.errors import BadSettings
from heygen_graphql.events import Hub, open_hub
from heygen_graphql.jobs import claiming
from heygen_graphql.jobs.attempt import Workplace
from heygen_graphql.jobs.broker import BrokerQueue, Queue, redis_broker, stub_broker
from heygen_graphql.jobs.child import RENDER_CHILD
from heygen_graphql.jobs.directories import held_data_directory, remove_leftovers
from heygen_graphql.jobs.pool import RenderPool
from heygen_graphql.jobs.protocol import Equipment
from heygen_graphql.jobs.work import working
from heygen_graphql.observability import tracing
from heygen_graphql.presence import present
from heygen_graphql.settings import Settings
from heygen_graphql.storage import Storage, ready_storage
from heygen_graphql.webhooks import Targets, Waking, driving

_WORK_NAME = "work"

_log = structlog.get_logger(__name__)


@asynccontextmanager
async def embedded(
    settings: Settings,
    database: Database,
    hub: Hub,
    storage: Storage,
    *,
    child_command: tuple[str, ...] = RENDER_CHILD,
) -> AsyncIterator[Queue]:
    """Render in this process, whose data directory is its own until the block ends.

    What a predecessor was rendering when it died begins anew at once. At the end what runs is given
    back, and its processes are killed.

    Raises:
        BadSettings: another server uses the data directory.
    """
    with held_data_directory(settings.data_dir):
        broker = stub_broker()
        # A thread and an event loop of its own: the server's loop is for requests. The render processes
        # are children of this thread, and live no longer than it does.
        thread = _LoopThread(settings, database.url, hub, storage, broker, child_command)
        await thread.start()
        try:
            yield BrokerQueue(broker)
        finally:
            await thread.stop()


class _LoopThread:
    def __init__(
        self,
        settings: Settings,
        database_url: str,
        hub: Hub,
        storage: Storage,
        broker: dramatiq.Broker,
        child_command: tuple[str, ...],
    ) -> None:
        self._settings = settings
        self._database_url = database_url
        self._hub = hub
        self._storage = storage
        self._broker = broker
        self._child_command = child_command
        self._ready: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        # A daemon: a server that dies without ceremony should not wait for it.
        self._thread = threading.Thread(target=self._run, name="renders", daemon=True)

    async def start(self) -> None:
        self._thread.start()
        await asyncio.wrap_future(self._ready)

    async def stop(self) -> None:
        assert self._loop is not None
        # A loop that ended by itself, which its thread has logged, needs no telling.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._stop.set)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        # Not uvloop, whatever the server uses: child processes off the main thread are asyncio's business.
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            try:
                runner.run(self._work())
            except Exception as error:
                if self._ready.done():
                    _log.exception("renders_stopped")
                else:
                    self._ready.set_exception(error)

    async def _work(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with _workplace(
            self._settings, self._database_url, self._hub, self._storage, self._child_command
        ) as place:
            # Nobody else renders, and the queue is empty as yet: what the rows say otherwise is history.
            max_losses = self._settings.render_max_losses
            for change in await claiming.give_back_all(place.database, max_losses=max_losses):
                await self._hub.publish(change)
            async with working(place, self._broker):
                self._ready.set_result(None)
                await self._stop.wait()


def run_worker(
    settings: Settings,
    *,
    child_command: tuple[str, ...] = RENDER_CHILD,
    on_ready: Callable[[], None] = lambda: None,
) -> None:
    """Render what any process of the server asks for, until SIGTERM or SIGINT.

    What runs then may end within WORKER_GRACE_SECONDS, which a second signal cuts short. The rest is given
    back, and another worker takes it up at once. `on_ready` is called when work may begin.

    Raises:
        BadSettings: this process could not share its work with the others.
    """
    if settings.database_url is None:
        raise BadSettings("DATABASE_URL is not set; a worker renders what another process's database says")
    with tracing.exporting(
        settings.otel_exporter_otlp_endpoint, service=settings.otel_service_name, role="worker"
    ):
        broker = redis_broker(settings)
        asyncio.run(_run_worker(settings, broker, settings.database_url, child_command, on_ready))


async def _run_worker(
    settings: Settings,
    broker: dramatiq.Broker,
    database_url: str,
    child_command: tuple[str, ...],
    on_ready: Callable[[], None],
) -> None:
    stop, hurry = asyncio.Event(), asyncio.Event()

    def heed_signal() -> None:
        (hurry if stop.is_set() else stop).set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, heed_signal)
    storage = await ready_storage(settings)
    async with (
        driving(settings, database_url, Targets(settings.webhook_allowed_hosts)) as driver,
        open_hub(settings.redis_url) as hub,
        _workplace(settings, database_url, Waking(hub, driver.wake), storage, child_command) as place,
        working(place, broker, grace_seconds=settings.worker_grace_seconds, hurry=hurry),
    ):
        on_ready()
        _log.info("worker_ready", renders_at_once=settings.workers)
        await stop.wait()
        _log.info("worker_stopping")


@asynccontextmanager
async def _workplace(
    settings: Settings, database_url: str, hub: Hub, storage: Storage, child_command: tuple[str, ...]
) -> AsyncIterator[Workplace]:
    work = settings.data_dir / _WORK_NAME
    try:
        work.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadSettings(
            f"DATA_DIR {settings.data_dir} cannot be used: {error.strerror}; "
            "let this user write there, or name another folder"
        ) from error
    remove_leftovers(work)
    # A render shows its progress while it asks whether it may store a scene; the sweep and presence go round.
    database = Database(database_url, Bounds.of(settings, pool_size=2 * settings.workers + 2))
    pool = RenderPool(child_command, _equipment(settings), work)
    try:
        async with present(database, renders_at_once=settings.workers):
            yield Workplace(settings, database, hub, storage, work, pool)
    finally:
        await pool.close()
        await database.close()


def _equipment(settings: Settings) -> Equipment:
    key = settings.openai_api_key
    return Equipment(
        voices_dir=None if settings.voices_dir is None else str(settings.voices_dir.absolute()),
        fonts_dir=None if settings.fonts_dir is None else str(settings.fonts_dir.absolute()),
        openai_api_key=None if key is None else key.get_secret_value(),
        openai_base_url=settings.openai_base_url,
        openai_speech_model=settings.openai_speech_model,
        processes=settings.scenes_at_once,
        cores=settings.cores_per_video,
    )
