"""Everything the environment may say, read here and nowhere else."""

import os
import re
import secrets
from functools import cached_property
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, AliasChoices, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from heygen_graphql.errors import BadSettings
from heygen_graphql.machine import usable_cores

MIN_SECRET_BYTES = 32
_MIN_KEY_BYTES = {"HS256": MIN_SECRET_BYTES, "HS384": 48, "HS512": 64}
"""As long as the hash, at least (RFC 7518, section 3.2)."""
DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100
_RENDER_BYTES = 2 * 1024**3
"""Nearly twice what a scene in the highest quality takes."""


def _comma_separated(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _async_driver(url: str | None) -> str | None:
    if url is None or url.startswith(("sqlite+aiosqlite://", "postgresql+asyncpg://")):
        return url
    raise ValueError(
        f"{url.split(':', 1)[0]!r} is no database this server speaks; "
        "write postgresql+asyncpg://user:password@host/name or sqlite+aiosqlite:///path"
    )


def _redis_scheme(url: str | None) -> str | None:
    if url is None or url.startswith(("redis://", "rediss://", "unix://")):
        return url
    raise ValueError("not the address of a Redis; write redis://host:6379/0, rediss://... or unix:///path")


def _origins(origins: tuple[str, ...]) -> tuple[str, ...]:
    for origin in origins:
        if origin != "*" and not re.fullmatch(r"https?://[^/?#\s]+", origin):
            raise ValueError(f"{origin!r} is no web origin; write https://example.com, with no path, or *")
    return origins


def _hosts(hosts: tuple[str, ...]) -> tuple[str, ...]:
    for host in hosts:
        if not re.fullmatch(r"\*|(\*\.)?[^*:/\[\]\s]+|\[[0-9A-Fa-f:.]+\]", host):
            raise ValueError(
                f"{host!r} is no host; write videos.example.com, *.example.com or [::1], with no port, or *"
            )
    return hosts


def _web_address(url: str | None) -> str | None:
    if url is None or re.match(r"https?://[^/?#\s]", url):
        return url
    raise ValueError("not the address of a web server; write https://videos.example.com")


def _endpoint(url: str) -> str:
    if re.match(r"https?://[^/?#\s]", url):
        return url.rstrip("/")
    raise ValueError("not the address of a web server; write https://api.openai.com/v1")


class Settings(BaseSettings):
    """One server's configuration. Environment names are the fields' names in capitals.

    With no DATABASE_URL, REDIS_URL and STORAGE_URL the server is *embedded*: one process with SQLite,
    an in-process queue and a folder. With REDIS_URL it is one of many: `api` and `worker` processes.
    """

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True)

    project_name: str = "heygen_graphql"
    debug: bool = False
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    """How many videos one process renders at once, each in a child process of its own."""
    worker_processes: Annotated[int, Field(ge=1, le=64)] = 1
    """How many processes `worker` starts, each of which renders WORKERS videos at once."""
    worker_grace_seconds: Annotated[float, Field(ge=0, le=3600)] = 20
    """How long a worker that is told to stop lets its renders go on; what has not ended then is handed
    back. Whoever stops the process must wait some 10 s longer before killing it."""
    drain_seconds: Annotated[float, Field(ge=0, le=600)] = 0
    """How long an API that is told to stop serves on, while /health/ready says so: as long as its load
    balancer needs to find out."""
    log_json: bool = False
    metrics_host: str = "127.0.0.1"
    metrics_port: Annotated[int | None, Field(ge=0, le=65535)] = None
    """Where `worker` serves /metrics, for all of its processes; None: nowhere. An API has it at its port."""
    otel_exporter_otlp_endpoint: Annotated[str | None, AfterValidator(_web_address)] = None
    """A collector that takes OTLP over HTTP, like http://localhost:4318; None: no spans are made."""
    otel_service_name: str = "heygen_graphql"

    secret_key: SecretStr | None = None
    secret_key_previous: SecretStr | None = None
    """A key whose signatures are believed as well, while SECRET_KEY is being changed; nothing is signed
    with it."""
    algorithm: Annotated[str, Field(pattern="^HS(256|384|512)$")] = "HS256"
    access_token_expire_minutes: Annotated[int, Field(ge=1, le=24 * 60)] = 30
    refresh_token_expire_days: Annotated[int, Field(ge=1, le=365)] = 30

    database_url: Annotated[str | None, AfterValidator(_async_driver)] = None
    database_pool_size: Annotated[int, Field(ge=1, le=1000)] = 10
    """Connections to the database that an `api` process keeps ..."""
    database_pool_overflow: Annotated[int, Field(ge=0, le=1000)] = 10
    """... and that it opens beside them when all are taken; to PostgreSQL alone."""
    database_pool_wait_seconds: Annotated[float, Field(gt=0, le=60)] = 5
    """How long a call waits for one of them before it is told to come again."""
    database_statement_timeout_seconds: Annotated[float, Field(ge=0, le=3600)] = 10
    """How long PostgreSQL may take for one statement; 0: without end. Migrations take as long as they do."""
    database_lock_timeout_seconds: Annotated[float, Field(ge=0, le=3600)] = 5
    """How long a statement may wait for a row or a table that others hold; 0: without end."""
    database_transaction_pooling: bool = False
    """DATABASE_URL leads to a pooler that gives each transaction another connection, like PgBouncer with
    pool_mode = transaction: nothing is prepared, and the bounds above are told with each transaction."""
    redis_url: Annotated[str | None, AfterValidator(_redis_scheme)] = None
    storage_url: str | None = None
    """A folder, `file:///path`, which many machines may share; or `s3://bucket` or `s3://bucket/prefix`."""
    aws_access_key_id: SecretStr | None = None
    aws_secret_access_key: SecretStr | None = None
    aws_session_token: SecretStr | None = None
    """Of keys that hold for a time only."""
    aws_region: Annotated[
        str, Field(pattern=r"^[a-z0-9-]+$", validation_alias=AliasChoices("aws_region", "aws_default_region"))
    ] = "us-east-1"
    aws_endpoint_url: Annotated[
        str | None,
        AfterValidator(_web_address),
        Field(validation_alias=AliasChoices("aws_endpoint_url_s3", "aws_endpoint_url")),
    ] = None
    """An S3-compatible server; Amazon's when not set."""
    storage_public_url: Annotated[str | None, AfterValidator(_web_address)] = None
    """Where clients reach that S3 server, when it is not at AWS_ENDPOINT_URL for them."""
    data_dir: Path = Path("data")
    public_url: Annotated[str | None, AfterValidator(_web_address)] = None
    """Where clients reach the server, for links that leave it; the request's own address when not set."""

    allowed_hosts: Annotated[tuple[str, ...], NoDecode, AfterValidator(_hosts)] = (
        "localhost",
        "127.0.0.1",
        "[::1]",
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode, AfterValidator(_origins)] = ()
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()
    """Addresses or networks whose X-Forwarded-For and X-Forwarded-Proto are believed; nobody else's are."""

    max_body_bytes: Annotated[int, Field(ge=1024, le=1024**3)] = 1024**2
    """Of a request, but for an upload's, and of a message on a websocket."""
    max_batch_operations: Annotated[int, Field(ge=0, le=1000)] = 10
    """How many operations one request may carry in an array; 0 refuses arrays."""
    persisted_documents: Path | None = None
    """A manifest: a JSON file of documents by their SHA-256. With it, no other documents run."""

    max_connections_per_user: Annotated[int, Field(ge=1)] = 100
    """Websockets and event streams that one user may hold open at each `api` process."""
    max_anonymous_connections_per_address: Annotated[int, Field(ge=1)] = 100
    """The same for one client address, of callers who have not signed in (yet)."""
    max_subscriptions_per_connection: Annotated[int, Field(ge=1)] = 100
    """Operations that may run at once on one websocket."""
    connection_init_seconds: Annotated[float, Field(gt=0, le=3600)] = 10
    """How long a websocket may take to send connection_init."""
    keep_alive_seconds: Annotated[float, Field(gt=0, le=3600)] = 15
    """Silent websockets are pinged, and event streams sent a comment, this often; one that leaves a ping
    unanswered for as long is closed."""

    max_query_depth: Annotated[int, Field(ge=1, le=50)] = 10
    """Fields inside each other."""
    max_query_aliases: Annotated[int, Field(ge=0)] = 30
    max_query_fields: Annotated[int, Field(ge=1)] = 400
    """Fields of one operation once its fragments are spread in. Validation's time grows with the square."""
    max_query_directives: Annotated[int, Field(ge=0)] = 50
    max_query_tokens: Annotated[int, Field(ge=1)] = 1500
    document_characters_bucket: Annotated[int, Field(ge=1000)] = 100_000
    """Characters of documents, none of which the process remembers, that a user (or an address where nobody
    is signed in) may have read at once; a longer document is refused ..."""
    document_characters_per_second: Annotated[float, Field(gt=0)] = 1_000
    """... and as many more each second. Reading one takes up to 20 microseconds a character."""
    max_page_size: Annotated[int, Field(ge=DEFAULT_PAGE_SIZE, le=MAX_PAGE_SIZE)] = MAX_PAGE_SIZE
    """The largest `first` or `last`."""
    max_operation_cost: Annotated[int, Field(ge=1)] = 1_000
    """Points that one operation may cost."""
    points_bucket: Annotated[int, Field(ge=1)] = 10_000
    """Points that a user, or an address where nobody is signed in, can have; at least MAX_OPERATION_COST."""
    points_per_second: Annotated[float, Field(gt=0)] = 100
    """How fast a bucket fills."""

    videos_per_minute: Annotated[int, Field(ge=1)] = 10
    """Calls of one user in a minute that may lead to a render or to work like one: createVideo, createVideos
    and their like from templates, retryVideo, updateVideo of more than title and metadata, createPhotoAvatar,
    previewSpeech."""
    videos_at_once_per_user: Annotated[int, Field(ge=1)] = 5
    """Videos of one user that are rendered at once; the others wait while other people's go first."""
    max_waiting_videos_per_user: Annotated[int, Field(ge=1)] = 1000
    """Videos of one user that may wait to be rendered."""
    max_waiting_videos: Annotated[int, Field(ge=1)] = 100_000
    """Videos of all users together that may wait; while so many do, no more are taken in."""
    monthly_seconds_per_user: Annotated[int | None, Field(ge=1)] = None
    """Seconds of finished video that one user may have made in a calendar month (UTC); None: no limit."""
    max_templates_per_user: Annotated[int, Field(ge=1)] = 100
    uploads_per_minute: Annotated[int, Field(ge=1)] = 60
    """createUpload calls that one user may make in a minute, and as many completeUpload calls."""
    max_upload_bytes: Annotated[int, Field(ge=1024, le=1024**3)] = 20 * 1024**2
    sign_ins_per_minute: Annotated[int, Field(ge=1)] = 20
    """signUp, logIn, changePassword and deleteMe calls that one client address may make in a minute ..."""
    sign_ins_per_account_per_minute: Annotated[int, Field(ge=1)] = 10
    """... and logIn calls of it for one account, or tries of a password in one session."""
    link_expire_seconds: Annotated[int, Field(ge=60, le=7 * 24 * 3600)] = 3600
    answer_cache_bytes: Annotated[int, Field(ge=0)] = 32 * 1024**2
    """Answers to queries that are kept while nothing of the viewer's changes: in memory up to this size
    or, with REDIS_URL, in Redis as long as it lets them; 0 keeps none."""

    max_webhooks_per_user: Annotated[int, Field(ge=1, le=1000)] = 20
    webhook_calls_per_minute: Annotated[int, Field(ge=1)] = 30
    """createWebhook and updateWebhook calls that one user may make in a minute, and as many pingWebhook and
    replayWebhookDelivery calls."""
    webhook_allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    """Hosts, as `name` or `name:port`, that webhooks may lead to although they are private, and by http://."""
    webhook_ca_file: Path | None = None
    """Certificates in PEM form of authorities that are trusted by webhooks beside the well-known ones."""
    webhook_timeout_seconds: Annotated[float, Field(gt=0, le=120)] = 15
    """How long one attempt may take, from the look-up of the name to the answer."""
    webhook_retry_seconds: Annotated[tuple[Annotated[float, Field(ge=0)], ...], NoDecode] = (
        *(10, 60, 10 * 60),
        *(3600, 3 * 3600, 7 * 3600, 13 * 3600),
    )
    """The gaps between the attempts of one delivery, each give or take a fifth; there is one attempt more."""
    webhook_delivery_days: Annotated[int, Field(ge=2, le=3650)] = 30
    """How long the log of deliveries goes back."""

    voices_dir: Path | None = None
    """A folder with Piper voices, `<name>.onnx` with `<name>.onnx.json` beside it."""
    fonts_dir: Path | None = None
    """A folder with typefaces that captions are drawn in before those that come along."""
    openai_api_key: SecretStr | None = None
    """With it, the voices of an OpenAI-compatible speech endpoint are there, too."""
    openai_base_url: Annotated[str, AfterValidator(_endpoint)] = "https://api.openai.com/v1"
    openai_speech_model: str = "gpt-4o-mini-tts"

    render_processes: Annotated[int, Field(ge=0, le=64)] = 0
    """Scenes of one video rendered at once; 0 divides the cores among the WORKERS of all WORKER_PROCESSES."""
    render_soft_limit_seconds: Annotated[float, Field(gt=0)] = 25 * 60
    """After this long a render is told to stop (SIGTERM) ..."""
    render_hard_limit_seconds: Annotated[float, Field(gt=0)] = 30 * 60
    """... and after this long it is killed."""
    render_max_memory_bytes: Annotated[int | None, Field(ge=256 * 1024**2)] = None
    """What the processes that render one video may hold together before they are killed and the video is
    FAILED; None: 2 GiB for each scene that is rendered at once, and as much for what joins them."""
    render_max_failures: Annotated[int, Field(ge=1)] = 3
    """Renders that may fail for a passing reason before the video is FAILED."""
    render_max_attempts: Annotated[int, Field(ge=1)] = 25
    """Claims of one video, crashes of the whole server included, before it is FAILED."""
    render_max_losses: Annotated[int, Field(ge=1)] = 3
    """Workers that may break down or fall silent over one video before it is FAILED."""
    lease_seconds: Annotated[float, Field(ge=1)] = 15
    """How long a silent worker keeps a video before another may take it over."""
    sweep_seconds: Annotated[float, Field(gt=0)] = 5

    @model_validator(mode="before")
    @classmethod
    def _split_lists(cls, values: dict[str, object]) -> dict[str, object]:
        for name in (
            "allowed_hosts",
            "cors_origins",
            "trusted_proxies",
            "webhook_allowed_hosts",
            "webhook_retry_seconds",
        ):
            if name in values:
                values[name] = _comma_separated(values[name])
        return values

    @model_validator(mode="after")
    def _limits_in_order(self) -> Self:
        if self.render_hard_limit_seconds < self.render_soft_limit_seconds:
            raise ValueError("RENDER_HARD_LIMIT_SECONDS must not be less than RENDER_SOFT_LIMIT_SECONDS")
        return self

    @model_validator(mode="after")
    def _dearest_operation_fits(self) -> Self:
        if self.points_bucket < self.max_operation_cost:
            raise ValueError(
                "POINTS_BUCKET must not be less than MAX_OPERATION_COST: nobody could pay for it"
            )
        return self

    @property
    def is_embedded(self) -> bool:
        """One process is the whole server: nothing of it is shared with another machine."""
        return self.redis_url is None

    @property
    def cores_per_video(self) -> int:
        """How many cores are kept busy with one video here, at least 1."""
        processes = 1 if self.is_embedded else self.worker_processes
        return max(1, usable_cores() // (self.workers * processes))

    @property
    def scenes_at_once(self) -> int:
        """How many processes render one video."""
        return self.render_processes or self.cores_per_video

    @property
    def render_memory_bytes(self) -> int:
        return self.render_max_memory_bytes or _RENDER_BYTES * (self.scenes_at_once + 1)

    @cached_property
    def resolved_database_url(self) -> str:
        return self.database_url or f"sqlite+aiosqlite:///{(self.data_dir / 'heygen.db').absolute()}"

    @cached_property
    def resolved_storage_url(self) -> str:
        return self.storage_url or (self.data_dir / "files").absolute().as_uri()

    @cached_property
    def signing_key(self) -> bytes:
        """The secret that signs tokens and links.

        The embedded server makes one at its first start and keeps it in the data directory, readable by
        its owner alone.

        Raises:
            BadSettings: the secret is too short, or missing where several processes must share one.
        """
        if self.secret_key is not None:
            return self._long_enough("SECRET_KEY", self.secret_key)
        if not self.is_embedded:
            raise BadSettings(
                "SECRET_KEY is not set; every process needs the same one. " + _HOW_TO_MAKE_A_KEY
            )
        return _kept_key(self.data_dir / "secret_key")

    @cached_property
    def previous_key(self) -> bytes | None:
        """
        Raises:
            BadSettings: it is too short.
        """
        if self.secret_key_previous is None:
            return None
        return self._long_enough("SECRET_KEY_PREVIOUS", self.secret_key_previous)

    def _long_enough(self, name: str, secret: SecretStr) -> bytes:
        key, least = secret.get_secret_value().encode(), _MIN_KEY_BYTES[self.algorithm]
        if len(key) < least:
            raise BadSettings(
                f"{name} has {len(key)} bytes; {self.algorithm} needs at least {least}. " + _HOW_TO_MAKE_A_KEY
            )
        return key

    def make_data_directory(self) -> None:
        """For the database that lies in it, when no other is named.

        Raises:
            BadSettings: it cannot be made.
        """
        if self.database_url is None:
            try:
                self.data_dir.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise _unusable(self.data_dir, error) from error

    def require_secret(self) -> None:
        """Tell a missing or bad secret before anything is opened.

        Raises:
            BadSettings: as `signing_key` and `previous_key`.
        """
        _ = self.signing_key, self.previous_key


_HOW_TO_MAKE_A_KEY = 'Make one with: python -c "import secrets; print(secrets.token_urlsafe(48))"'


def _kept_key(path: Path) -> bytes:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _key_at(path)
    except OSError as error:
        raise _unusable(path.parent, error) from error


def _unusable(data_dir: Path, error: OSError) -> BadSettings:
    return BadSettings(
        f"DATA_DIR {data_dir} cannot be used: {error.strerror}; "
        "let this user write there, or name another folder"
    )


def _key_at(path: Path) -> bytes:
    try:
        # O_EXCL with the mode in the same call: the key is at no moment readable by others, and of two
        # processes that start together one wins.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        key = path.read_bytes().strip()
        if len(key) < MIN_SECRET_BYTES:
            raise BadSettings(
                f"{path} is damaged; remove it to have a new key made (everyone signs in anew)"
            ) from None
        return key
    key = secrets.token_urlsafe(48).encode()
    with os.fdopen(descriptor, "wb") as file:
        file.write(key + b"\n")
    return key
