"""The dashboard and the alerts of deploy/ speak of numbers that there are."""

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.parser import text_string_to_metric_families

from heygen_graphql.observability import metrics
from heygen_graphql.web.stock import Stock, exposition
from tests.node_programs import run_node

ROOT = Path(__file__).parent.parent
DOCUMENT = (ROOT / "docs/observability.md").read_text()
ALERTS = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())
PROMETHEUS = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
BOARD = json.loads((ROOT / "deploy/grafana/heygen_graphql.json").read_text())
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
# Prometheus's own, and of a process's memory and the like.
NOT_OURS = {"up", "process_resident_memory_bytes"}
# What Prometheus adds to all that it scrapes.
ADDED = {"job", "instance"}
STOCK = Stock(1, 2, 3, 4.0, 5, 6.0, 7, 8)


@dataclass(frozen=True, slots=True)
class Known:
    labels: frozenset[str]


def known() -> dict[str, Known]:
    """Every number by the name under which Prometheus has it."""
    found = {}
    for metric in vars(metrics).values():
        if isinstance(metric, MetricWrapperBase):
            labels = frozenset(metric._labelnames)
            (described,) = metric.describe()
            match described.type:
                case "counter":
                    found[f"{described.name}_total"] = Known(labels)
                case "histogram":
                    found |= {f"{described.name}_{part}": Known(labels) for part in ("sum", "count")}
                    found[f"{described.name}_bucket"] = Known(labels | {"le"})
                case _:
                    found[described.name] = Known(labels)
    for family in text_string_to_metric_families(exposition(STOCK).decode()):
        found[family.name] = Known(frozenset(family.samples[0].labels))
    return found


KNOWN = known()


def expressions() -> Iterator[str]:
    for rule in RULES:
        yield rule["expr"]
    for panel in PANELS:
        yield from (target["expr"] for target in panel["targets"])


@pytest.fixture(scope="module")
def parsed() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run_node("promql.mjs", json.dumps(list(expressions()))))
    return found


def test_every_expression_is_promql(parsed: list[dict[str, Any]]) -> None:
    for expression, found in zip(expressions(), parsed, strict=True):
        assert found["faults"] == [], expression
        assert found["selectors"], expression


def test_a_fault_in_an_expression_is_found() -> None:
    (found,) = json.loads(run_node("promql.mjs", json.dumps(["sum(rate(up[5m]) by (job"])))
    assert found["faults"]


def test_every_number_and_label_that_they_name_is_there(parsed: list[dict[str, Any]]) -> None:
    for expression, found in zip(expressions(), parsed, strict=True):
        labels = set(ADDED)
        for selector in found["selectors"]:
            name = selector["name"]
            assert name in KNOWN or name in NOT_OURS, expression
            own = KNOWN[name].labels if name in KNOWN else frozenset()
            labels |= own
            for matcher in selector["matchers"]:
                assert matcher["label"] in own | ADDED, expression
        assert set(found["groupings"]) <= labels, expression


def test_every_job_and_value_that_they_look_for_occurs(parsed: list[dict[str, Any]]) -> None:
    jobs = {one["job_name"] for one in PROMETHEUS["scrape_configs"]}
    told = {
        (name, label): {sample.labels[label] for sample in samples}
        for family in (*REGISTRY.collect(), *text_string_to_metric_families(exposition(STOCK).decode()))
        for name, group in itertools.groupby(family.samples, key=lambda sample: sample.name)
        for samples in [list(group)]
        for label in samples[0].labels
    }
    for matcher, name in (
        (matcher, selector["name"])
        for found in parsed
        for selector in found["selectors"]
        for matcher in selector["matchers"]
    ):
        if matcher["label"] == "job":
            assert matcher["value"] in jobs
        elif (name, matcher["label"]) in told and matcher["label"] not in ("le", "endpoint"):
            # Those that are told from the start, as 0.
            assert matcher["value"] in told[name, matcher["label"]] | {"ok", "failed", "5.."}


def test_what_the_database_counts_is_never_added_up(parsed: list[dict[str, Any]]) -> None:
    of_stock = {family.name for family in text_string_to_metric_families(exposition(STOCK).decode())}
    for expression, found in zip(expressions(), parsed, strict=True):
        for name in of_stock & {selector["name"] for selector in found["selectors"]}:
            assert re.search(rf"(max|min)( by \(state\))? ?\({name}", expression), expression
            assert not re.search(rf"sum[^)]*\({name}", expression), expression


def test_every_alert_says_what_is_wrong_and_where_to_read_on() -> None:
    headings = set(re.findall(r"^#+ (.+)$", DOCUMENT, re.MULTILINE))
    for rule in RULES:
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"].endswith((".", "}"))
        assert rule["annotations"]["runbook"] == f"docs/observability.md#{rule['alert'].lower()}"
        assert rule["alert"] in headings
    assert len({rule["alert"] for rule in RULES}) == len(RULES)


def test_every_number_is_documented_and_no_other() -> None:
    bases = {re.sub(r"_(sum|count|bucket)$", "", name) for name in KNOWN}
    documented = set(
        re.findall(r"^\| `([a-z_]+)`", DOCUMENT.split("## Traces")[0].split("## Metrics")[1], re.MULTILINE)
    )
    assert documented == bases


def test_every_line_that_the_document_has_one_look_for_is_logged() -> None:
    code = "".join(path.read_text() for path in (ROOT / "heygen_graphql").rglob("*.py"))
    logged = set(re.findall(r"log\.\w+\(\s*\"(\w+)\"", code))
    named = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", DOCUMENT.partition("## Alerts")[2]))
    assert {"storage_away", "work_failed"} <= named
    # Beside them fields of lines, and what PostgreSQL calls a setting.
    assert named - KNOWN.keys() - {"log_tail", "max_connections", "request_id"} <= logged


def test_every_number_is_on_the_dashboard_or_in_an_alert(parsed: list[dict[str, Any]]) -> None:
    shown = {selector["name"] for found in parsed for selector in found["selectors"]}
    bases = {re.sub(r"_(sum|count|bucket)$", "", name) for name in KNOWN}
    assert bases <= {re.sub(r"_(sum|count|bucket)$", "", name) for name in shown}


def test_the_dashboard_can_be_imported_anywhere() -> None:
    # Given a Grafana whose data source has whatever name
    (variable,) = BOARD["templating"]["list"]
    assert (variable["name"], variable["type"], variable["query"]) == (
        "datasource",
        "datasource",
        "prometheus",
    )
    # Then no panel or query names another
    for panel in PANELS:
        for part in (panel, *panel["targets"]):
            assert part["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel["description"]
        assert [target["refId"] for target in panel["targets"]] == sorted(
            {target["refId"] for target in panel["targets"]}
        )
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])
    # ... and none covers another.
    taken: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        at = panel["gridPos"]
        cells = set(itertools.product(range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])))
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        taken |= cells
