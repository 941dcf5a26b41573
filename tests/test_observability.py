import subprocess
import sys

import pytest

_PROGRAM = """
import structlog
from heygen_graphql.observability import configure_logging

def sign_up(password):
    raise ValueError("boom")

configure_logging(is_json={is_json})
given = "hunter2" + "secret"
try:
    sign_up(given)
except ValueError:
    structlog.stdlib.get_logger().exception("failed")
"""

_ASKING = """
import httpx, structlog
from heygen_graphql.observability import configure_logging

configure_logging(is_json=True)
with httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(204))) as http:
    http.post("https://hooks.example.com/hunter2secret")
structlog.stdlib.get_logger().info("asked")
"""


@pytest.mark.parametrize("is_json", [True, False])
def test_a_traceback_in_the_log_shows_no_local_variable(is_json: bool) -> None:
    logged = logged_by(_PROGRAM.format(is_json=is_json))

    assert "ValueError" in logged
    assert "boom" in logged
    assert "hunter2secret" not in logged


def test_the_address_of_a_webhook_is_not_logged_when_it_is_asked() -> None:
    logged = logged_by(_ASKING)
    assert "asked" in logged
    assert "hunter2secret" not in logged


def logged_by(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stderr
