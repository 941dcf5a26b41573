import json
from collections import Counter
from pathlib import Path

from heygen_graphql.settings import Settings
from tests.api.serving import changed, served
from tests.node_programs import run_node


def test_the_audits_of_graphql_http_all_pass(api_settings: Settings, tmp_path: Path) -> None:
    """They introspect, which is open in debug alone."""
    settings = changed(api_settings, debug=True, data_dir=tmp_path / "data")
    with served(settings) as address:
        audits = json.loads(run_node("audits.mjs", f"{address}/graphql"))

    assert [audit for audit in audits if audit["status"] != "ok"] == []
    assert Counter(audit["name"].split()[0] for audit in audits) == {"MUST": 13, "SHOULD": 23, "MAY": 25}
