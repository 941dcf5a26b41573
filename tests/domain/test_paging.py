"""Pages of a list whose rows come, go and move while it is being read."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, update
from sqlmodel import col

from heygen_graphql import videos
from heygen_graphql.database import Database
from heygen_graphql.paging import Window, slice_page
from heygen_graphql.tables import User, Video
from heygen_graphql.videos import OrderField, VideoFilter, VideoOrder

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Row:
    """Few different values: most rows share theirs with others."""

    moment: int
    duration: float | None


@dataclass(frozen=True, slots=True)
class Change:
    """Between two pages: a row comes, or the one at this place goes or moves."""

    kind: str
    place: int
    row: Row


ROWS = st.builds(Row, st.integers(0, 3), st.sampled_from([None, 0.0, 0.1 + 0.2, 2.0]))
CHANGES = st.builds(Change, st.sampled_from(["come", "go", "move"]), st.integers(0, 30), ROWS)


@dataclass(slots=True)
class Listed:
    """One owner's videos."""

    database: Database
    owner_id: UUID

    async def come(self, *rows: Row) -> list[UUID]:
        ids = [uuid4() for _ in rows]
        values = [
            self._values(row) | {"id": video_id, "created_at": _at(row)}
            for row, video_id in zip(rows, ids, strict=True)
        ]
        if values:
            async with self.database.transaction() as session:
                await session.execute(insert(Video), values)
        return ids

    async def change(self, video_id: UUID, change: Change) -> None:
        one = col(Video.id) == video_id
        async with self.database.transaction() as session:
            if change.kind == "go":
                await session.execute(delete(Video).where(one))
            else:
                moved = {"updated_at": _at(change.row), "duration_seconds": change.row.duration}
                await session.execute(update(Video).where(one).values(moved))

    async def page(self, order: VideoOrder, window: Window) -> tuple[list[UUID], list[str], bool, bool]:
        page = await videos.page(self.database, self.owner_id, VideoFilter(), order, window)
        return [row.id for row in page.items], list(page.cursors), page.has_next, page.has_previous

    async def whole(self, order: VideoOrder) -> list[UUID]:
        return (await self.page(order, Window(100, is_backward=False)))[0]

    def _values(self, row: Row) -> dict[str, object]:
        texts = ("script", "voice_id", "avatar_id", "language", "quality", "aspect_ratio", "caption_style")
        return dict.fromkeys(texts, "-") | {
            "owner_id": self.owner_id,
            "request": {},
            "storyboard": {},
            "updated_at": _at(row),
            "duration_seconds": row.duration,
        }


def _at(row: Row) -> datetime:
    # Whole seconds and fractions: their texts differ in length.
    return EPOCH + timedelta(seconds=row.moment / 2)


def test_no_row_that_stays_is_shown_twice_or_skipped(database_url: str) -> None:
    with asyncio.Runner() as runner:
        database = Database(database_url)

        @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
        @given(
            rows=st.lists(ROWS, max_size=9),
            size=st.integers(1, 4),
            is_backward=st.booleans(),
            order=st.builds(VideoOrder, st.sampled_from(list(OrderField)), st.booleans()),
            changes=st.lists(st.lists(CHANGES, max_size=2), max_size=6),
        )
        def read_while_it_changes(
            rows: list[Row],
            size: int,
            is_backward: bool,
            order: VideoOrder,
            changes: list[list[Change]],
        ) -> None:
            runner.run(_read_to_the_end(database, rows, size, is_backward, order, changes))

        try:
            read_while_it_changes()
        finally:
            runner.run(database.close())


async def _read_to_the_end(
    database: Database,
    rows: list[Row],
    size: int,
    is_backward: bool,
    order: VideoOrder,
    changes: list[list[Change]],
) -> None:
    listed = await _new_owner(database)
    stayed = set(await listed.come(*rows))
    shown: list[UUID] = []
    cursor, has_more = None, True
    while has_more:
        window = Window(
            size,
            is_backward,
            after=None if is_backward else cursor,
            before=cursor if is_backward else None,
        )
        ids, cursors, has_next, has_previous = await listed.page(order, window)
        assert len(ids) <= size
        # On a first page nothing lies on the near side, and later what was shown before.
        near, has_more = (has_next, has_previous) if is_backward else (has_previous, has_next)
        assert near is (cursor is not None)
        shown = ids + shown if is_backward else shown + ids
        if cursors:
            cursor = cursors[0] if is_backward else cursors[-1]
        for change in changes.pop(0) if changes else ():
            here = await listed.whole(order)
            if change.kind == "come":
                await listed.come(change.row)
            elif here:
                video_id = here[change.place % len(here)]
                await listed.change(video_id, change)
                stayed.discard(video_id)
    seen = [video_id for video_id in shown if video_id in stayed]
    assert seen == [video_id for video_id in await listed.whole(order) if video_id in stayed]


async def test_between_two_cursors_either_end_can_be_read(database: Database) -> None:
    listed = await _new_owner(database)
    order = VideoOrder(OrderField.CREATED_AT, is_descending=False)
    await listed.come(*(Row(number, None) for number in range(6)))
    ids, cursors, *_ = await listed.page(order, Window(100, is_backward=False))
    between = {"after": cursors[0], "before": cursors[5]}

    assert await listed.page(order, Window(2, is_backward=False, **between)) == (
        ids[1:3],
        cursors[1:3],
        True,
        True,
    )
    assert await listed.page(order, Window(2, is_backward=True, **between)) == (
        ids[3:5],
        cursors[3:5],
        True,
        True,
    )
    nothing = await listed.page(order, Window(2, is_backward=False, after=cursors[3], before=cursors[3]))
    assert nothing[:2] == ([], [])


@given(
    keys=st.lists(st.text("ab1 ", max_size=3), unique=True).map(sorted),
    gone=st.sets(st.integers(0, 8)),
    size=st.integers(1, 3),
    is_backward=st.booleans(),
)
def test_a_list_in_memory_goes_on_behind_an_entry_that_is_gone(
    keys: list[str], gone: set[int], size: int, is_backward: bool
) -> None:
    shown: list[str] = []
    left = keys
    cursor, has_more = None, True
    while has_more:
        window = Window(
            size,
            is_backward,
            after=None if is_backward else cursor,
            before=cursor if is_backward else None,
        )
        page = slice_page(left, left, window)
        shown = [*page.items, *shown] if is_backward else [*shown, *page.items]
        has_more = page.has_previous if is_backward else page.has_next
        if page.cursors:
            cursor = page.cursors[0] if is_backward else page.cursors[-1]
        left = [key for index, key in enumerate(keys) if index not in gone]
    assert len(shown) == len(set(shown))
    assert [key for key in shown if key in left] == left


async def _new_owner(database: Database) -> Listed:
    name = uuid4().hex
    user = User(email=name, email_key=name, password_hash="-")
    async with database.transaction() as session:
        session.add(user)
    return Listed(database, user.id)
