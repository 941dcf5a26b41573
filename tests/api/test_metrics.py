"""Which operations run, and how they end, as an operator sees it on /metrics."""

import asyncio

import pytest

from tests.api.serving import Api
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
