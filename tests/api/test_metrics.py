"""Which operations run, and how they end, as an operator sees it on /metrics."""

import asyncio
import re
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from heygen_graphql import __version__
from heygen_graphql.settings import Settings
from tests.api.operations import SCHEMA
from tests.api.serving import Api, changed, served
from tests.servers import wait_until

UPDATES = "subscription { videoUpdates { version } }"


def counted(api: Api, operation: str, kind: str, outcome: str) -> float:
    labels = f'kind="{kind}",operation="{operation}",outcome="{outcome}"'
    return api.metric(f"graphql_operations_total{{{labels}}}")


@pytest.mark.parametrize(
    ("document", "operation", "kind", "outcome"),
    [
        ("query Mine { me { id } }", "me", "query", "ok"),
        ("{ a: me { id } b: me { email } }", "me", "query", "ok"),
        ("{ ...mine } fragment mine on Query { ... { me { id } } }", "me", "query", "ok"),
        ("{ me { id } usage { storageBytes } }", "several", "query", "ok"),
        ('mutation { cancelVideo(id: "none") { userErrors { code } } }', "cancelVideo", "mutation", "ok"),
        ("{ videos(first: -1) { totalCount } }", "videos", "query", "refused"),
        ("{ madeUp }", "invalid", "invalid", "refused"),
        ("{", "invalid", "invalid", "refused"),
        ("query A { me { id } } query B { me { id } }", "invalid", "invalid", "refused"),
    ],
)
def test_operations_are_counted_by_what_they_ask_for_and_how_they_end(
    ada: Api, document: str, operation: str, kind: str, outcome: str
) -> None:
    before = counted(ada, operation, kind, outcome)
    ada(document)
    assert counted(ada, operation, kind, outcome) == before + 1


def test_what_may_not_run_by_the_requests_method_is_counted_as_refused(ada: Api) -> None:
    before = counted(ada, "logIn", "mutation", "refused")
    mutation = 'mutation { logIn(input: { email: "a@b.example", password: "x" }) { userErrors { code } } }'
    assert ada.http.get("/graphql", params={"query": mutation}).status_code == 405
    assert counted(ada, "logIn", "mutation", "refused") == before + 1


def test_names_that_clients_invent_are_none_of_the_numbers(ada: Api) -> None:
    ada("query Invented { invented: me { id } }")
    assert "nvented" not in ada.http.get("/metrics").text


async def test_a_subscription_is_counted_once_when_its_watcher_leaves(ada: Api) -> None:
    before = counted(ada, "videoUpdates", "subscription", "ok")
    async with ada.subscribed(UPDATES) as watcher:
        await asyncio.to_thread(wait_until, lambda: ada.metric("graphql_subscriptions_active") >= 1, "it")
        await watcher.send({"id": "1", "type": "complete"})
        await asyncio.to_thread(
            wait_until, lambda: counted(ada, "videoUpdates", "subscription", "ok") == before + 1, "its count"
        )


# What a caller can choose: each of these must not become a label.
ODD: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("GET", "/odd-path", {}),
    ("ODDMETHOD", "/graphql", {}),
    ("GET", "/media/odd-path/video.mp4?signature=odd-signature", {}),
    ("PUT", "/media/uploads/odd-path?odd=1", {}),
    ("GET", "/%6fdd-path/..%2f", {}),
    ("POST", "/graphql", {"query": "query OddName { oddAlias: me { id } oddField }"}),
    ("POST", "/graphql", {"query": "mutation OddName { oddAlias: logOut { __typename } }"}),
    ("POST", "/graphql", {"query": "{ me { id } }", "operationName": "OddName"}),
    ("POST", "/graphql", {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "odd" * 20}}}),
    ("OPTIONS", "/graphql", {}),
)
ENDPOINTS = {
    *("/graphql", "/health", "/health/ready", "/health/detailed", "/metrics"),
    *("/media/{key:path}", "/media/uploads/{asset_id}", "unmatched"),
}
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "OTHER"}


def test_no_label_holds_what_a_caller_invents(ada: Api) -> None:
    # When somebody sends all that they can think of
    for method, path, body in ODD:
        for headers in ({}, {"User-Agent": "odd", "X-Request-ID": "odd", "X-Forwarded-For": "odd"}):
            ada.http.request(method, path, json=body or None, headers={"Host": "localhost", **headers})
    # Then every label of every number is of a closed list
    roots = (SCHEMA.query_type, SCHEMA.mutation_type, SCHEMA.subscription_type)
    operations = {
        *(name for root in roots if root is not None for name in root.fields),
        *("several", "invalid", "__typename", "__schema", "__type"),
    }
    lists: dict[str, set[str]] = {
        "method": METHODS,
        "endpoint": ENDPOINTS,
        "operation": operations,
        "kind": {"query", "mutation", "subscription", "invalid"},
        "state": {"ready", "held_back", "put_off"},
        "of": {"video", "scene"},
        "version": {__version__},
    }
    outcomes = {
        "graphql_operations": {"ok", "refused", "failed"},
        "graphql_answers": {"hit", "miss", "bypass"},
        "render_attempts": {"completed", "retried", "failed", "fell", "given_back"},
        "webhook_deliveries": {"delivered", "retried", "failed"},
    }
    statuses = {"videos_ended": {"COMPLETED", "FAILED"}}
    seen = set()
    for family in text_string_to_metric_families(ada.http.get("/metrics").text):
        for sample in family.samples:
            for label, value in sample.labels.items():
                seen.add((family.name, label))
                assert "odd" not in value.lower()
                if family.name.startswith("python_") or label == "le":
                    continue
                if label == "outcome":
                    assert value in outcomes[family.name]
                elif label == "status":
                    assert value in statuses.get(family.name, ()) or re.fullmatch("[1-5][0-9][0-9]", value)
                else:
                    assert value in lists[label], (family.name, label)
    # ... and this has looked at those that requests can touch.
    assert seen >= {("http_requests", "endpoint"), ("graphql_operations", "operation")}


def test_what_waits_is_counted_by_why_it_waits(own_settings: Settings) -> None:
    # Given an API without a worker, where one user may have one video under way
    settings = changed(own_settings, videos_at_once_per_user=1)
    create = 'mutation { createVideo(input: { script: "Hello." }) { video { id } userErrors { code } } }'
    with served(settings) as address, httpx.Client(base_url=address, timeout=30, trust_env=False) as http:
        ada, ben = Api(http).signed_in(), Api(http).signed_in()
        # When one asks for three and another for one
        for person, count in ((ada, 3), (ben, 1)):
            for _ in range(count):
                assert person(create).data["createVideo"]["userErrors"] == []
        # Then one of each may begin.
        assert waiting(http).items() >= {"ready": 2.0, "held_back": 2.0, "put_off": 0.0}.items()
        wait_until(lambda: Api(http).metric("render_queue_oldest_seconds") > 0, "growing older", 10)
        assert Api(http).metric("workers_seen") == 0
        assert Api(http).metric("database_reachable") == 1
        assert Api(http).metric("webhook_deliveries_waiting") == 0
        in_use = Api(http).metric("database_connections_in_use")
        assert 0 <= in_use <= Api(http).metric("database_connections_max")


def waiting(http: httpx.Client) -> dict[str, float]:
    """How many videos wait, by why."""
    states = ("ready", "held_back", "put_off")
    return {state: Api(http).metric(f'render_queue_depth{{state="{state}"}}') for state in states}
