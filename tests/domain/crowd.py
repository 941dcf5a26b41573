"""A hundred thousand videos of a thousand users, made in seconds, and what queries read of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, event, text
from sqlalchemy.engine import Engine

USERS = 1_000
VIDEOS = 100_000
HERS = 2_000
"""The videos of one user among them, who has more than others."""
WAITING = 3_000
EVENTS = 50_000
DELIVERIES = 20_000
DUE = 2_000
SESSIONS = 10_000
KEYS = 10_000
ASSETS = 10_000

# A video's owner: hers are spread among the others', as they are made.
_OWNER = f"CASE WHEN i % {VIDEOS // HERS} = 0 THEN :her ELSE md5('user' || i % {USERS})::uuid END"
_AGO = "now() - i * interval '1 minute'"


def fill(connection: Connection, her: str, storyboard: str) -> None:
    """`her`: the account that asks. `storyboard`: of those that wait."""
    # Neither triggers nor foreign keys: the rows are right as they are made.
    connection.execute(text("SET LOCAL session_replication_role = replica"))
    for statement in _STATEMENTS:
        named = {"her": her, "storyboard": storyboard}
        used = {name: value for name, value in named.items() if f":{name}" in statement}
        connection.execute(text(statement), used)


_STATEMENTS = (
    f"""
    INSERT INTO users (id, email, email_key, full_name, password_hash, is_active, is_superuser, created_at,
                       updated_at)
    SELECT md5('user' || i)::uuid, i || '@example.com', i || '@example.com', 'User ' || i, '-', true, false,
           {_AGO}, {_AGO}
    FROM generate_series(0, {USERS - 1}) AS i
    """,
    "INSERT INTO viewer_versions SELECT id, 1 FROM users ON CONFLICT DO NOTHING",
    f"""
    INSERT INTO videos (id, owner_id, title, request, storyboard, script, search_text, voice_id, avatar_id,
                        language, quality, aspect_ratio, caption_style, status, stage, progress, version,
                        created_at, updated_at, queued_at, attempt, failures, fence, lease_expires_at,
                        files_prefix, completed_at, duration_seconds, file_size_bytes, failure_code,
                        estimated_seconds, deleted_at)
    SELECT md5('video' || i)::uuid, {_OWNER}, 'Video ' || i, '{{}}', cast(:storyboard AS json),
           'Hello number ' || i, 'video ' || i || ' hello number ' || i, 'heart', 'maya', 'en', 'LOW',
           'LANDSCAPE', 'NONE', status, CASE status WHEN 'PENDING' THEN 'QUEUED' END,
           CASE status WHEN 'COMPLETED' THEN 1 ELSE 0 END, 3, {_AGO}, {_AGO}, {_AGO}, 1, 0, 1,
           CASE status WHEN 'PROCESSING' THEN now() + interval '1 day' END,
           CASE status WHEN 'COMPLETED' THEN 'videos/' || i END,
           CASE status WHEN 'COMPLETED' THEN {_AGO} END,
           CASE status WHEN 'COMPLETED' THEN i % 600 END,
           CASE status WHEN 'COMPLETED' THEN 1000 END,
           CASE status WHEN 'FAILED' THEN 'RENDER_FAILED' END,
           i % 60,
           CASE WHEN i % 1000 = 999 THEN now() END
    FROM (
        SELECT i, CASE WHEN i % {VIDEOS // WAITING} = 7 THEN 'PENDING' WHEN i % 5000 = 13 THEN 'PROCESSING'
                       WHEN i / 50 % 20 = 3 THEN 'FAILED' WHEN i / 50 % 20 = 4 THEN 'CANCELED'
                       ELSE 'COMPLETED' END AS status
        FROM generate_series(1, {VIDEOS}) AS i
    ) AS made
    """,
    f"""
    INSERT INTO video_events (video_id, version, fence, status, created_at, fanned_out_at)
    SELECT md5('video' || 1 + i % {VIDEOS})::uuid, 1 + i / {VIDEOS}, 1, 'PROCESSING', {_AGO}, {_AGO}
    FROM generate_series(0, {EVENTS - 1}) AS i
    """,
    """
    INSERT INTO webhooks (id, owner_id, url, events, is_active, secret, created_at, updated_at)
    SELECT md5('webhook' || i)::uuid, CASE i WHEN 0 THEN :her ELSE md5('user' || i)::uuid END,
           'https://receiver.invalid/' || i, '["VIDEO_COMPLETED"]', true, 'whsec_AAAA', now(), now()
    FROM generate_series(0, 499) AS i
    """,
    f"""
    INSERT INTO webhook_deliveries (id, owner_id, webhook_id, message_id, event, video_event_id, payload,
                                    status, attempts, next_attempt_at, created_at)
    SELECT md5('delivery' || i)::uuid,
           CASE i % 500 WHEN 0 THEN :her ELSE md5('user' || i % 500)::uuid END,
           md5('webhook' || i % 500)::uuid, 'msg_' || i, 'VIDEO_COMPLETED', i, '{{}}',
           CASE WHEN i < {2 * DUE} THEN 'PENDING' ELSE 'DELIVERED' END, 1,
           CASE WHEN i < {DUE} THEN now() - interval '1 hour'
                WHEN i < {2 * DUE} THEN now() + interval '1 day' END,
           now() - i * interval '10 seconds'
    FROM generate_series(0, {DELIVERIES - 1}) AS i
    """,
    f"""
    INSERT INTO sessions (id, user_id, token_hash, created_at, refreshed_at, expires_at)
    SELECT md5('session' || i)::uuid, md5('user' || i % {USERS})::uuid, md5('token' || i), now(), now(),
           now() + interval '10 days'
    FROM generate_series(0, {SESSIONS - 1}) AS i
    """,
    f"""
    INSERT INTO idempotency_keys (owner_id, key, request_hash, video_id, created_at)
    SELECT md5('user' || i % {USERS})::uuid, 'key ' || i, md5('body' || i), md5('video' || i + 1)::uuid, now()
    FROM generate_series(0, {KEYS - 1}) AS i
    """,
    f"""
    INSERT INTO assets (id, owner_id, filename, content_type, size_bytes, sha256, storage_key, state,
                        created_at)
    SELECT md5('asset' || i)::uuid, CASE WHEN i % 100 = 0 THEN :her ELSE md5('user' || i % {USERS})::uuid END,
           'a.png', 'image/png', 1000, md5('sum' || i), 'assets/' || i, 'COMPLETE', {_AGO}
    FROM generate_series(0, {ASSETS - 1}) AS i
    """,
    f"""
    INSERT INTO api_keys (id, owner_id, name, prefix, key_hash, created_at)
    SELECT md5('key' || i)::uuid, md5('user' || i % {USERS})::uuid, 'CI', 'hgk_', md5('hash' || i), now()
    FROM generate_series(0, {USERS * 5 - 1}) AS i
    """,
    f"""
    INSERT INTO templates (id, owner_id, name, request, storyboard, created_at, updated_at)
    SELECT md5('template' || i)::uuid, md5('user' || i % {USERS})::uuid, 'Greeting', '{{}}', '{{}}',
           now(), now()
    FROM generate_series(0, {USERS * 5 - 1}) AS i
    """,
)


@dataclass(slots=True)
class Asked:
    """What was sent to PostgreSQL, with one example of its values each, and for which call."""

    statements: dict[str, tuple[Any, str]] = field(default_factory=dict)
    call: str = ""


@contextmanager
def listening() -> Iterator[Asked]:
    """To every engine of this process."""
    asked = Asked()

    def note(_c: object, cursor: Any, statement: str, parameters: Any, _x: object, is_many: bool) -> None:
        verb = statement.split(None, 1)[0].upper()
        if not is_many and verb in {"SELECT", "UPDATE", "DELETE", "WITH"} and " FROM pg_" not in statement:
            asked.statements.setdefault(statement, (parameters, asked.call))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one statement read, as EXPLAIN ANALYZE counts it (PostgreSQL, "Using EXPLAIN")."""

    call: str
    statement: str
    rows: int
    """Looked at, whether they were returned or not."""
    scanned: frozenset[str]
    """Tables that were read from their first row to the last."""


def readings(connection: Connection, asked: Asked) -> Iterator[Reading]:
    """Runs every statement anew; nothing it changes stays."""
    for statement, (parameters, call) in asked.statements.items():
        with connection.begin_nested() as nested:
            told = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
            plan = told.scalar_one()[0]["Plan"]
            nested.rollback()
        nodes = list(_nodes(plan))
        yield Reading(
            call,
            statement,
            sum(_rows(node) for node in nodes if "Relation Name" in node),
            frozenset(node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"),
        )


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


def _rows(node: dict[str, Any]) -> int:
    told = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
    rows: float = sum(node.get(name, 0) for name in told) * node["Actual Loops"]
    return round(rows)
