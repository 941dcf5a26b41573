"""The harm that is done, one function for each kind. Each leaves all in order that it took away itself."""

import asyncio
import json
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TypeVar
from uuid import UUID, uuid4

import dramatiq
import psutil
import redis

from heygen_graphql.jobs.broker import BrokerQueue, redis_broker, stub_broker
from tests.chaos.load import Load
from tests.chaos.plan import Fault, Kind
from tests.chaos.stage import GRACE_SECONDS, Member, Stage

T = TypeVar("T")

_VICTIM_SECONDS = 10.0
"""How long a fault waits for somebody whom it can hit at work."""
_PROMPT_SECONDS = GRACE_SECONDS * 6.0
"""How long a process that was told to stop may take, on a machine that is busy elsewhere."""
_DOUBLED = 20
_TIMES = 5


async def inflict(stage: Stage, load: Load, fault: Fault) -> None:
    """Do it, and undo what is to be undone; returns when that is over."""
    stage.say(fault.kind.value)
    await _FAULTS[fault.kind](stage, load, fault)


async def _kill_worker(stage: Stage, _load: Load, fault: Fault) -> None:
    member = await _busy_worker(stage, fault)
    async with member.harm:
        processes = member.processes()
        if not processes:
            return
        # The first is the one that a service manager knows; one below it is that one's to start again.
        victim = _one_of(processes, (fault.dice * len(stage.workers)) % 1)
        is_first = victim.pid == member.server.process.pid
        _signal(victim, signal.SIGKILL)
        stage.say(f"killed {member.name}, process {victim.pid}")
        if is_first:
            await _launch_again(member, fault)


async def _kill_render(stage: Stage, _load: Load, fault: Fault) -> None:
    member = await _busy_worker(stage, fault)
    if renders := member.renders():
        _signal(_one_of(renders, (fault.dice * len(stage.workers)) % 1), signal.SIGKILL)
        stage.say(f"killed a render process of {member.name}")


async def _kill_api(stage: Stage, _load: Load, fault: Fault) -> None:
    member = _one_of(stage.apis, fault.dice)
    async with member.harm:
        with suppress(psutil.NoSuchProcess):
            member.server.kill_alone()
        await _launch_again(member, fault)


async def _freeze_worker(stage: Stage, _load: Load, fault: Fault) -> None:
    member = await _busy_worker(stage, fault)
    async with member.harm:
        frozen = member.processes()
        if (fault.dice * len(stage.workers)) % 1 < 0.5:
            # The whole machine.
            frozen += member.renders()
        for process in frozen:
            _signal(process, signal.SIGSTOP)
        stage.say(f"froze {member.name} for {fault.lasts_seconds:.1f} s")
        await asyncio.sleep(fault.lasts_seconds)
        for process in frozen:
            _signal(process, signal.SIGCONT)


async def _stop_worker(stage: Stage, _load: Load, fault: Fault) -> None:
    await _stop(stage, _one_of(stage.workers, fault.dice), fault)


async def _stop_api(stage: Stage, _load: Load, fault: Fault) -> None:
    await _stop(stage, _one_of(stage.apis, fault.dice), fault)


async def _stop(stage: Stage, member: Member, fault: Fault) -> None:
    async with member.harm:
        if member.has_come_up and member.server.process.poll() is None:
            await stage.terminate(member, _PROMPT_SECONDS)
            await _launch_again(member, fault)


async def _kill_postgres(stage: Stage, _load: Load, fault: Fault) -> None:
    async with stage.outages[fault.kind]:
        stage.postgres.kill()
        try:
            await asyncio.sleep(fault.lasts_seconds)
        finally:
            stage.postgres.launch()


async def _kill_valkey(stage: Stage, _load: Load, fault: Fault) -> None:
    async with stage.outages[fault.kind]:
        stage.valkey.kill()
        try:
            await asyncio.sleep(fault.lasts_seconds)
        finally:
            stage.valkey.start()


async def _flush_valkey(stage: Stage, _load: Load, _fault: Fault) -> None:
    def flush() -> None:
        with redis.Redis.from_url(stage.valkey.url) as client:
            client.flushall()

    await _while_valkey_is_there(stage, flush)


async def _refuse_storage(stage: Stage, _load: Load, fault: Fault) -> None:
    async with stage.outages[fault.kind]:
        with stage.place.refusing(fault.dice):
            await asyncio.sleep(fault.lasts_seconds)


async def _double_hints(stage: Stage, load: Load, fault: Fault) -> None:
    known = sorted(load.video_ids)
    doubled = [_one_of(known, (fault.dice * prime) % 1) for prime in range(1, _DOUBLED)] if known else []
    messages = [message for one in doubled for message in await _hints(one) * _TIMES]
    await _while_valkey_is_there(stage, lambda: _push(stage, messages))


async def _send_garbage(stage: Stage, _load: Load, _fault: Fault) -> None:
    (hint,) = await _hints(uuid4())
    queue = hint.queue_name
    wrong = [
        hint,
        hint.copy(args=("no id",)),
        hint.copy(args=()),
        hint.copy(args=("one", "two", 3)),
        hint.copy(args=(None,)),
        hint.copy(kwargs={"fence": 7}),
        hint.copy(actor_name="render_everything"),
        hint.copy(options={"eta": "tomorrow"}),
    ]

    def push() -> None:
        _push(stage, wrong)
        with redis.Redis.from_url(stage.valkey.url) as client:
            (key,) = {key.decode().removesuffix(".msgs") for key in client.keys(f"*:{queue}.msgs")} or {""}
            for body in (b"\xff\x00 no JSON", b"[]", json.dumps({"queue_name": queue}).encode()):
                # As the broker's own scripts keep a message: its id in a list, its body in a hash.
                if key:
                    message_id = uuid4().hex
                    client.hset(f"{key}.msgs", message_id, body)
                    client.rpush(key, message_id)

    await _while_valkey_is_there(stage, push)


async def _cut_watchers(stage: Stage, load: Load, fault: Fault) -> None:
    stage.say(f"cut off {load.cut_watchers(fault.dice)} watchers")
    await asyncio.sleep(0)


_FAULTS: dict[Kind, Callable[[Stage, Load, Fault], Awaitable[None]]] = {
    Kind.KILL_WORKER: _kill_worker,
    Kind.KILL_RENDER: _kill_render,
    Kind.KILL_API: _kill_api,
    Kind.FREEZE_WORKER: _freeze_worker,
    Kind.STOP_WORKER: _stop_worker,
    Kind.STOP_API: _stop_api,
    Kind.KILL_POSTGRES: _kill_postgres,
    Kind.KILL_VALKEY: _kill_valkey,
    Kind.FLUSH_VALKEY: _flush_valkey,
    Kind.REFUSE_STORAGE: _refuse_storage,
    Kind.DOUBLE_HINTS: _double_hints,
    Kind.SEND_GARBAGE: _send_garbage,
    Kind.CUT_WATCHERS: _cut_watchers,
}


async def _busy_worker(stage: Stage, fault: Fault) -> Member:
    """One that has something to lose, if there is one soon."""
    deadline = time.monotonic() + _VICTIM_SECONDS
    while time.monotonic() < deadline:
        busy = [member for member in stage.workers if member.is_busy and not member.harm.locked()]
        if busy:
            return _one_of(busy, fault.dice)
        await asyncio.sleep(0.05)
    return _one_of(stage.workers, fault.dice)


def _one_of(choices: Sequence[T], dice: float) -> T:
    return choices[int(dice * len(choices))]


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)


async def _launch_again(member: Member, fault: Fault) -> None:
    await asyncio.sleep(fault.lasts_seconds)
    member.server.process.wait(timeout=10)
    member.launch()


async def _hints(video_id: UUID) -> list[dramatiq.Message[None]]:
    """As the server itself writes them."""
    broker = stub_broker()
    await BrokerQueue(broker).hint(video_id)
    return [dramatiq.Message.decode(queue.get_nowait()) for queue in broker.queues.values() if queue.qsize()]


def _push(stage: Stage, messages: Sequence[dramatiq.Message[None]]) -> None:
    broker = redis_broker(stage.broker)
    try:
        for message in messages:
            broker.enqueue(message)
    finally:
        broker.client.close()


async def _while_valkey_is_there(stage: Stage, work: Callable[[], None]) -> None:
    async with stage.outages[Kind.KILL_VALKEY]:
        await asyncio.to_thread(work)
