"""Which Host headers are answered."""

from collections.abc import Sequence

from fastapi.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

# Balancers, probes and Prometheus ask by whatever address a process has. No link is made of the Host here.
_OPEN = frozenset(("/health", "/health/ready", "/metrics"))


class KnownHosts:
    """Refuses a request to a host that is none of `allowed_hosts`, but for what machines ask by address."""

    def __init__(self, app: ASGIApp, allowed_hosts: Sequence[str]) -> None:
        self._app = app
        self._judged = TrustedHostMiddleware(app, allowed_hosts=allowed_hosts, www_redirect=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_open = scope["type"] == "http" and scope["path"] in _OPEN
        await (self._app if is_open else self._judged)(scope, receive, send)
