"""Everything the environment may say, read here and nowhere else."""

import os
import re
import secrets
from functools import cached_property
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from heygen_graphql.errors import BadSettings

MIN_SECRET_BYTES = 32


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
    log_json: bool = False

    secret_key: SecretStr | None = None
    algorithm: Annotated[str, Field(pattern="^HS(256|384|512)$")] = "HS256"
    access_token_expire_minutes: Annotated[int, Field(ge=1, le=24 * 60)] = 30
    refresh_token_expire_days: Annotated[int, Field(ge=1, le=365)] = 30

    database_url: Annotated[str | None, AfterValidator(_async_driver)] = None
    redis_url: Annotated[str | None, AfterValidator(_redis_scheme)] = None
    storage_url: str | None = None
    data_dir: Path = Path("data")
    public_url: Annotated[str | None, AfterValidator(_web_address)] = None
    """Where clients reach the server, for links that leave it; the request's own address when not set."""

    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ("localhost", "127.0.0.1", "[::1]")
    cors_origins: Annotated[tuple[str, ...], NoDecode, AfterValidator(_origins)] = ()
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()
    """Addresses or networks whose X-Forwarded-For and X-Forwarded-Proto are believed; nobody else's are."""

    max_body_bytes: Annotated[int, Field(ge=1024, le=1024**3)] = 1024**2
    """Of a request, but for an upload's, and of a message on a websocket."""
    max_batch_operations: Annotated[int, Field(ge=0, le=1000)] = 10
    """How many operations one request may carry in an array; 0 refuses arrays."""
    persisted_documents: Path | None = None
    """A manifest: a JSON file of documents by their SHA-256. With it, no other documents run."""

    videos_per_minute: Annotated[int, Field(ge=1)] = 10
    """createVideo, retryVideo, re-rendering updateVideo, createPhotoAvatar and previewSpeech calls that one
    user may make in a minute."""
    uploads_per_minute: Annotated[int, Field(ge=1)] = 60
    """createUpload calls that one user may make in a minute, and as many completeUpload calls."""
    max_upload_bytes: Annotated[int, Field(ge=1024, le=1024**3)] = 20 * 1024**2
    sign_ins_per_minute: Annotated[int, Field(ge=1)] = 20
    """signUp, logIn and changePassword calls that one client address may make in a minute."""
    link_expire_seconds: Annotated[int, Field(ge=60, le=7 * 24 * 3600)] = 3600
    answer_cache_bytes: Annotated[int, Field(ge=0)] = 32 * 1024**2
    """Answers to queries that are kept while nothing of the viewer's changes: in memory up to this size
    or, with REDIS_URL, in Redis as long as it lets them; 0 keeps none."""

    voices_dir: Path | None = None
    """A folder with Piper voices, `<name>.onnx` with `<name>.onnx.json` beside it."""
    fonts_dir: Path | None = None
    """A folder with typefaces that captions are drawn in before those that come along."""
    openai_api_key: SecretStr | None = None
    """With it, the voices of an OpenAI-compatible speech endpoint are there, too."""
    openai_base_url: Annotated[str, AfterValidator(_endpoint)] = "https://api.openai.com/v1"
    openai_speech_model: str = "gpt-4o-mini-tts"

    render_processes: Annotated[int, Field(ge=0, le=64)] = 0
    """Scenes of one video rendered at once; 0 divides the machine's cores among WORKERS."""
    render_soft_limit_seconds: Annotated[float, Field(gt=0)] = 25 * 60
    """After this long a render is told to stop (SIGTERM) ..."""
    render_hard_limit_seconds: Annotated[float, Field(gt=0)] = 30 * 60
    """... and after this long it is killed."""
    render_max_failures: Annotated[int, Field(ge=1)] = 3
    """Renders that may fail for a passing reason before the video is FAILED."""
    render_max_attempts: Annotated[int, Field(ge=1)] = 25
    """Claims of one video, crashes of the whole server included, before it is FAILED."""
    lease_seconds: Annotated[float, Field(ge=1)] = 15
    """How long a silent worker keeps a video before another may take it over."""
    sweep_seconds: Annotated[float, Field(gt=0)] = 5

    @model_validator(mode="before")
    @classmethod
    def _split_lists(cls, values: dict[str, object]) -> dict[str, object]:
        for name in ("allowed_hosts", "cors_origins", "trusted_proxies"):
            if name in values:
                values[name] = _comma_separated(values[name])
        return values

    @model_validator(mode="after")
    def _limits_in_order(self) -> Self:
        if self.render_hard_limit_seconds < self.render_soft_limit_seconds:
            raise ValueError("RENDER_HARD_LIMIT_SECONDS must not be less than RENDER_SOFT_LIMIT_SECONDS")
        return self

    @property
    def is_embedded(self) -> bool:
        """One process is the whole server: nothing of it is shared with another machine."""
        return self.redis_url is None

    @property
    def scenes_at_once(self) -> int:
        """How many processes render one video."""
        return self.render_processes or max(1, (os.cpu_count() or 1) // self.workers)

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
            key = self.secret_key.get_secret_value().encode()
            if len(key) < MIN_SECRET_BYTES:
                raise BadSettings(
                    f"SECRET_KEY has {len(key)} bytes; it needs at least {MIN_SECRET_BYTES}. "
                    + _HOW_TO_MAKE_A_KEY
                )
            return key
        if not self.is_embedded:
            raise BadSettings(
                "SECRET_KEY is not set; every process needs the same one. " + _HOW_TO_MAKE_A_KEY
            )
        return _kept_key(self.data_dir / "secret_key")

    def require_secret(self) -> None:
        """Tell a missing or bad secret before anything is opened.

        Raises:
            BadSettings: as `signing_key`.
        """
        _ = self.signing_key


_HOW_TO_MAKE_A_KEY = 'Make one with: python -c "import secrets; print(secrets.token_urlsafe(48))"'


def _kept_key(path: Path) -> bytes:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _key_at(path)
    except OSError as error:
        raise BadSettings(
            f"DATA_DIR {path.parent} cannot be used: {error.strerror}; "
            "let this user write there, or name another folder"
        ) from error


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
