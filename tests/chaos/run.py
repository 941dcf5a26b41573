"""One run: everything is set up, ordered, watched, harmed and left in peace; then it is judged."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

from sqlalchemy import update

from heygen_graphql.database import Database, is_passing_fault
from heygen_graphql.tables import Video, utc_now
from tests.chaos import verdict as judging
from tests.chaos.faults import inflict
from tests.chaos.load import Load
from tests.chaos.plan import Plan
from tests.chaos.stage import Say, Stage, set_up
from tests.chaos.verdict import Verdict
from tests.servers import alive, wait_until

_SETTLING_SECONDS = 90.0
"""What is known to the database is known to watchers and webhooks, and swept, long before this."""
_STOP_SECONDS = 60.0
_SWEEP_SECONDS = 30.0
_SWEEPS = 6
_HOURS = 2


def run(plan: Plan, directory: Path, say: Say, *, is_bucket: bool = False) -> Verdict:
    """`directory` is empty, and may be looked into afterwards; `is_bucket`: an S3 server keeps the files."""
    # Outside of any event loop: the processes die with the thread that starts them, and migrations run one.
    with set_up(directory, say, is_bucket=is_bucket) as stage:
        return asyncio.run(_run(stage, plan))


async def _run(stage: Stage, plan: Plan) -> Verdict:
    load = Load(stage, plan)
    await load.sign_up()
    database = Database(stage.database_url)
    try:
        return await _judged(stage, load, database)
    finally:
        await database.close()


async def _judged(stage: Stage, load: Load, database: Database) -> Verdict:
    verdict = Verdict()
    keeping = asyncio.create_task(stage.keep(), name="keeper")
    watching = asyncio.create_task(load.watch_all(), name="watchers")
    ordering = asyncio.create_task(load.order_all(), name="orders")
    try:
        await _do_harm(stage, load)
        began = time.monotonic()
        await asyncio.wait({ordering}, timeout=load.plan.size.patience_seconds)
        verdict.demand("every order is answered", [] if ordering.done() else ["some are not"])
        stage.say("left in peace")

        async def all_ended() -> bool:
            return all(video.status.is_final for video in (await judging.read(database)).videos)

        has_ended = await _until(all_ended, load.plan.size.patience_seconds)
        verdict.facts["seconds until all had ended, after the harm"] = round(time.monotonic() - began, 1)
        stage.say("all have ended" if has_ended else "some have not ended")
        await asyncio.wait({watching}, timeout=_SETTLING_SECONDS)

        async def all_told() -> bool:
            return judging.told(load, await judging.read(database))

        await _until(all_told, _SETTLING_SECONDS)
        verdict.demand("no process is an orphan", stage.orphans())
        listed = [one["title"] for user in load.users for one in await load.listed(user)]
        verdict.demand(
            "the API lists every video", sorted({str(number) for number in load.ids} ^ set(listed))
        )
    finally:
        for task in (keeping, watching, ordering):
            task.cancel()
        ended = await asyncio.gather(keeping, watching, ordering, return_exceptions=True)
    verdict.demand("nothing breaks in the test itself", [one for one in ended if isinstance(one, Exception)])
    await _stop_all(stage, verdict)
    await _sweep(stage, database)
    rows = await judging.read(database)
    verdict.facts["calls made again"] = load.repeated
    verdict.demand("no API says what it should not", load.surprises)
    judging.judge_rows(verdict, load.plan, rows)
    await judging.judge_files(verdict, stage.place, rows)
    await judging.judge_films(verdict, stage.place, rows)
    judging.judge_watchers(verdict, load, rows)
    judging.judge_webhooks(verdict, load, rows)
    judging.judge_processes(verdict, stage)
    verdict.demand("no work is left behind", stage.left_behind)
    return verdict


async def _do_harm(stage: Stage, load: Load) -> None:
    began = stage.began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for fault in load.plan.faults:
            await asyncio.sleep(began + fault.at_seconds - time.monotonic())
            group.create_task(inflict(stage, load, fault))


async def _until(is_so: Callable[[], Awaitable[bool]], seconds: float) -> bool:
    """Or until the time has passed: False then."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if await is_so():
                return True
        except Exception as error:
            # A database that was started a moment ago.
            if not is_passing_fault(error):
                raise
        await asyncio.sleep(0.5)
    return False


async def _stop_all(stage: Stage, verdict: Verdict) -> None:
    await asyncio.gather(*(stage.terminate(member, _STOP_SECONDS) for member in stage.members))
    left = stage.marked()
    wait_until(lambda: not alive(left), "the end of all", 15)
    verdict.demand("nothing outlives a stop", stage.marked())


async def _sweep(stage: Stage, database: Database) -> None:
    """Let hours pass, and each worker come up anew: what their sweeps do not remove, nobody will."""
    async with database.transaction() as session:
        hours_ago = utc_now() - timedelta(hours=_HOURS)
        await session.execute(update(Video).values(updated_at=hours_ago))

    async def is_swept() -> bool:
        return not stage.left_behind and await judging.is_tidy(stage.place, await judging.read(database))

    # A sweep looks at some of the videos, whichever chance has it.
    for _ in range(_SWEEPS):
        for member in stage.workers:
            member.launch()
        if await _until(is_swept, _SWEEP_SECONDS):
            return
        for member in stage.workers:
            member.server.close()
