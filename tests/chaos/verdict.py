"""What was promised, looked up where it shows: the database, the storage, the processes, what users saw."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, TypeVar

from sqlalchemy import select
from sqlmodel import SQLModel

from heygen_graphql import globalids
from heygen_graphql.database import Database
from heygen_graphql.jobs.protocol import CONTENT_TYPES, VIDEO
from heygen_graphql.tables import Usage, User, Video, VideoEvent, VideoScene, VideoStatus
from tests.chaos.load import Load
from tests.chaos.places import Place
from tests.chaos.plan import Kind, Plan
from tests.chaos.stage import Stage
from tests.webhooks.receiver import Received

Row = TypeVar("Row", bound=SQLModel)

_FEW = 0.05
"""The part of the videos that may have FAILED, and one more: workers die a dozen times."""
_SHOWN = 8
_LINE = 200
_ERROR = re.compile(r"\[(error|critical) *\]")
_OF_LIBRARIES = re.compile(r"\[dramatiq\.|unexpected connection_lost\(\) call")
"""What the broker's says of garbage that it is given, and asyncpg's of a server that died when asked."""
_FITTING: dict[str, tuple[Kind, ...]] = {
    "RENDER_CRASHED": (Kind.KILL_RENDER,),
    "RENDER_POISON": (Kind.KILL_WORKER, Kind.FREEZE_WORKER, Kind.KILL_POSTGRES),
}
"""What a video may have FAILED of, and what must have been done for that, three times at least."""


@dataclass
class Verdict:
    facts: dict[str, object] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)

    def demand(self, what: str, broken: Sequence[object]) -> None:
        """That there are none of these."""
        if broken:
            shown = "; ".join(str(one) for one in broken[:_SHOWN])
            more = f" and {len(broken) - _SHOWN} more" if len(broken) > _SHOWN else ""
            self.violations.append(f"{what}: {shown}{more}")

    def __str__(self) -> str:
        facts = [f"  {name}: {value}" for name, value in self.facts.items()]
        return "\n".join((*facts, *(f"  VIOLATED  {one}" for one in self.violations)))


@dataclass(frozen=True, slots=True)
class Rows:
    """All that the database says."""

    videos: list[Video]
    events: list[VideoEvent]
    scenes: list[VideoScene]
    usage: list[Usage]
    users: list[User]


async def read(database: Database) -> Rows:
    async with database.reading() as session:

        async def every(table: type[Row]) -> list[Row]:
            return list(await session.scalars(select(table)))

        return Rows(
            videos=await every(Video),
            events=await every(VideoEvent),
            scenes=await every(VideoScene),
            usage=await every(Usage),
            users=await every(User),
        )


def judge_rows(verdict: Verdict, plan: Plan, rows: Rows) -> None:
    statuses = Counter(video.status.value for video in rows.videos)
    verdict.facts["videos"] = dict(statuses)
    verdict.facts["attempts"] = dict(sorted(Counter(video.attempt for video in rows.videos).items()))
    verdict.facts["losses"] = dict(sorted(Counter(video.losses for video in rows.videos).items()))
    verdict.demand(
        "each video that was ordered is there once",
        _differences(
            [str(number) for number in range(plan.size.videos)], [video.title for video in rows.videos]
        ),
    )
    verdict.demand(
        "every video has ended",
        [f"{_name(video)} is {video.status}" for video in rows.videos if not video.status.is_final],
    )
    final = Counter(event.video_id for event in rows.events if event.status.is_final)
    verdict.demand(
        "every video has one terminal event",
        [f"{_name(video)} has {final[video.id]}" for video in rows.videos if final[video.id] != 1],
    )
    versions = {video.id: video.version for video in rows.videos}
    verdict.demand(
        "no event is ahead of its video",
        [
            f"{event.version} of {event.video_id}"
            for event in rows.events
            if event.version > versions.get(event.video_id, 0)
        ],
    )
    verdict.demand(
        "no lease is left",
        [_name(video) for video in rows.videos if video.lease_expires_at is not None],
    )
    judge_scenes(verdict, rows)
    _judge_failures(verdict, plan, rows)
    _judge_usage(verdict, rows)


def judge_scenes(verdict: Verdict, rows: Rows) -> None:
    under_way = {video.id for video in rows.videos if not video.status.is_final}
    verdict.demand(
        "no scene is left of a video that has ended",
        [
            f"scene {scene.position} of {scene.video_id}"
            for scene in rows.scenes
            if scene.video_id not in under_way
        ],
    )


def _judge_failures(verdict: Verdict, plan: Plan, rows: Rows) -> None:
    failed = [video for video in rows.videos if video.status is VideoStatus.FAILED]
    verdict.facts["failed"] = dict(Counter(video.failure_code for video in failed))
    done = plan.size.faults
    verdict.demand(
        "what a video FAILED of was done to it",
        [
            f"{_name(video)} of {video.failure_code}: {video.failure_message}"
            for video in failed
            if sum(done.get(kind, 0) for kind in _FITTING.get(video.failure_code or "", ())) < 3
        ],
    )
    if len(failed) > 1 + _FEW * len(rows.videos):
        verdict.violations.append(f"few videos FAILED: {len(failed)} did")


def _judge_usage(verdict: Verdict, rows: Rows) -> None:
    for user in rows.users:
        films = [
            video
            for video in rows.videos
            if video.owner_id == user.id and video.status is VideoStatus.COMPLETED
        ]
        months = [usage for usage in rows.usage if usage.owner_id == user.id]
        counted = sum(month.videos_completed for month in months)
        seconds = sum(month.seconds_rendered for month in months)
        played = sum(video.duration_seconds or 0 for video in films)
        if counted != len(films) or abs(seconds - played) > 0.001:
            verdict.violations.append(
                f"{user.email} is charged for {counted} videos of {seconds:.2f} s in all, "
                f"and has {len(films)} of {played:.2f} s"
            )


async def judge_files(verdict: Verdict, place: Place, rows: Rows) -> None:
    """That nothing lies there but finished films, and segments of their scenes."""
    films = {
        f"{video.files_prefix}/{name}": video
        for video in rows.videos
        if video.status is VideoStatus.COMPLETED
        for name in CONTENT_TYPES
    }
    folders = {f"videos/{video.id}/segments": video for video in rows.videos}
    found = await place.keys()
    # A part of a file, which a process left that was killed when it stored it, has something after a hash.
    segments = [key for key in found if key.rpartition("/")[0] in folders and "#" not in key]
    kept = Counter(key.rpartition("/")[0] for key in segments)
    verdict.facts["files"] = f"{len(found)}, {len(segments)} of them segments"
    verdict.demand("every film is whole", sorted(films.keys() - set(found)))
    verdict.demand("no file is nobody's", sorted(set(found) - films.keys() - set(segments)))
    verdict.demand(
        "no video keeps more segments than it has scenes",
        [
            f"{_name(folders[folder])} keeps {count}"
            for folder, count in kept.items()
            if count > len(folders[folder].storyboard["scenes"])
        ],
    )


async def judge_films(verdict: Verdict, place: Place, rows: Rows) -> None:
    found = set(await place.keys())
    verdict.demand(
        "every film is the one that its row tells of",
        [
            _name(video)
            for video in rows.videos
            if (film := f"{video.files_prefix}/{VIDEO}") in found and await place.digest(film) != video.sha256
        ],
    )


async def is_tidy(place: Place, rows: Rows) -> bool:
    """Whether nothing is left that a sweep has to remove."""
    verdict = Verdict()
    await judge_files(verdict, place, rows)
    judge_scenes(verdict, rows)
    return not verdict.violations


def judge_watchers(verdict: Verdict, load: Load, rows: Rows) -> None:
    statuses = {globalids.encode("Video", video.id): video.status.value for video in rows.videos}
    verdict.facts["watchers"] = (
        f"{len(load.watchers)} on {sum(watcher.connections for watcher in load.watchers)} connections"
    )
    verdict.demand(
        "every watcher saw the end of each of their videos",
        [
            f"watcher {watcher.watch.number} of film {film}"
            for watcher in load.watchers
            for film in watcher.watch.films
            if film not in load.ids or watcher.ends.get(load.ids[film]) != statuses.get(load.ids[film])
        ],
    )
    verdict.demand(
        "watchers are told of nothing but what is new",
        [surprise for watcher in load.watchers for surprise in watcher.surprises],
    )


def judge_webhooks(verdict: Verdict, load: Load, rows: Rows) -> None:
    """Each end is told at least once, and by one id however often it is told."""
    message_ids: dict[tuple[str, str], set[str]] = {}
    received: list[Received] = [
        one for user in load.users for one in load.stage.receiver.at(user.webhook_path)
    ]
    for one in received:
        said: dict[str, Any] = json.loads(one.body)
        message_ids.setdefault((said["data"]["id"], said["data"]["status"]), set()).add(one.message_id)
    verdict.facts["webhook calls"] = len(received)
    ends = {(globalids.encode("Video", video.id), video.status.value): video for video in rows.videos}
    verdict.demand(
        "every end is told to its owner's webhook",
        [_name(video) for end, video in ends.items() if end not in message_ids],
    )
    verdict.demand("no other end is told", [end for end in message_ids if end not in ends])
    verdict.demand(
        "what is told again has the id that it had",
        [f"{end}: {ids}" for end, ids in message_ids.items() if len(ids) > 1],
    )


def told(load: Load, rows: Rows) -> bool:
    verdict = Verdict()
    judge_webhooks(verdict, load, rows)
    return not verdict.violations


def judge_processes(verdict: Verdict, stage: Stage) -> None:
    verdict.facts["ended by themselves"] = [str(one) for one in stage.ended if not one.had_come_up]
    verdict.demand(
        "no process ends that was not told to",
        [f"{one}: {one.last_words}" for one in stage.ended if one.had_come_up],
    )
    verdict.demand(
        "a process that is told to stop ends with 0",
        [f"{name} ended with {code}" for name, code in stage.codes if code],
    )
    verdict.demand(
        "no process meets what it did not expect",
        [
            f"{member.name}: {line[:_LINE]}"
            for member in stage.members
            for line, next_line in pairwise([*member.server.log.read_text(errors="replace").splitlines(), ""])
            if _ERROR.search(line) and not _OF_LIBRARIES.search(line + next_line)
        ],
    )


def _name(video: Video) -> str:
    return f"film {video.title} ({video.id}, attempt {video.attempt})"


def _differences(wanted: list[str], found: Sequence[str | None]) -> list[str]:
    there = Counter(found)
    return [f"film {one} is there {there[one]} times" for one in wanted if there[one] != 1]
