"""Whether the container's process answers: an API at its port, a worker at the port of its metrics.

Of the two only one listens in a container.
"""

import http.client
import os
import sys
from contextlib import closing, suppress

_PLACES = (("PORT", "/health"), ("METRICS_PORT", "/metrics"))
_SECONDS = 2


def answers(port: int, path: str) -> bool:
    with (
        suppress(OSError, http.client.HTTPException),
        closing(http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)) as connection,
    ):
        connection.request("GET", path)
        return connection.getresponse().status < 500
    return False


sys.exit(not any(answers(int(os.environ[name]), path) for name, path in _PLACES if os.environ.get(name)))
