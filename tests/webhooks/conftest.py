from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from heygen_graphql.settings import Settings
from tests.webhooks.receiver import Receiver, receiving


class Configure(Protocol):
    def __call__(self, **settings: object) -> Settings: ...


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def configured(receiver: Receiver, tmp_path: Path) -> Configure:
    """Settings of a server that may call the receiver, and whose patience is short."""

    def configure(**settings: object) -> Settings:
        values: dict[str, object] = {
            "data_dir": tmp_path / "data",
            "webhook_allowed_hosts": (f"localhost:{receiver.port}",),
            "webhook_timeout_seconds": 1.0,
            "webhook_retry_seconds": (0.05, 0.1, 0.2),
        }
        return Settings(_env_file=None, **(values | settings))  # type: ignore[arg-type]

    return configure
