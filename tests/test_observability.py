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


@pytest.mark.parametrize("is_json", [True, False])
def test_a_traceback_in_the_log_shows_no_local_variable(is_json: bool) -> None:
    program = _PROGRAM.format(is_json=is_json)

    logged = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stderr

    assert "ValueError" in logged
    assert "boom" in logged
    assert "hunter2secret" not in logged
