"""Going on while a Redis that can be done without is away."""

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from redis.exceptions import RedisError

ASK_AGAIN_SECONDS = 1.0
"""How long a Redis that did not answer is left alone."""

Answer = TypeVar("Answer")

log = structlog.stdlib.get_logger(__name__)


class Outages:
    """Of one Redis, as one part of the server sees them. Each is logged once, when it begins and when it is
    over, under the names given here."""

    def __init__(self, *, begun: str, over: str) -> None:
        self._begun = begun
        self._over = over
        self._is_away = False
        self._ask_again_at = 0.0

    async def asked(self, question: Callable[[], Awaitable[Answer]]) -> Answer | None:
        """Redis's answer; None while it is away."""
        if self._is_away and time.monotonic() < self._ask_again_at:
            return None
        # One caller finds out whether it is back; the others do not wait for it meanwhile.
        self._ask_again_at = time.monotonic() + ASK_AGAIN_SECONDS
        try:
            answer = await question()
        except (RedisError, OSError) as error:
            if not self._is_away:
                log.warning(self._begun, error=str(error))
            self._is_away = True
            return None
        if self._is_away:
            log.info(self._over)
        self._is_away = False
        return answer
