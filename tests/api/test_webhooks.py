"""Webhooks as their owner sees them, and as a stranger's receiver does."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from standardwebhooks import WebhookVerificationError

from heygen_graphql.settings import Settings
from tests.api.serving import Api, changed, served
from tests.servers import wait_until
from tests.webhooks.receiver import Receiver, receiving

CREATE = """
mutation ($url: URL!, $events: [WebhookEvent!]!) {
  createWebhook(input: { url: $url, events: $events }) {
    webhook { id url events isActive createdAt previousSecretExpiresAt }
    secret
    userErrors { code field message }
  }
}
"""
UPDATE = """
mutation ($id: ID!, $input: UpdateWebhookInput!) {
  updateWebhook(id: $id, input: $input) { webhook { id url events isActive } userErrors { code field } }
}
"""
ROTATE = """
mutation ($id: ID!) {
  rotateWebhookSecret(id: $id) {
    webhook { id previousSecretExpiresAt } secret userErrors { code field }
  }
}
"""
DELETE = "mutation ($id: ID!) { deleteWebhook(id: $id) { deletedId userErrors { code field } } }"
DELIVERY = """
fragment Delivery on WebhookDelivery {
  id event status attempts responseStatus failure nextAttemptAt createdAt deliveredAt messageId payload
  webhook { id url }
}
"""
PING = f"""
mutation ($id: ID!) {{ pingWebhook(id: $id) {{ delivery {{ ...Delivery }} userErrors {{ code field }} }} }}
{DELIVERY}
"""
REPLAY = f"""
mutation ($id: ID!) {{
  replayWebhookDelivery(id: $id) {{ delivery {{ ...Delivery }} userErrors {{ code field }} }}
}}
{DELIVERY}
"""
NODE = f"""
query ($id: ID!) {{ node(id: $id) {{ id ... on Webhook {{ url isActive }} ...Delivery }} }}
{DELIVERY}
"""
LIST = "{ webhooks { id url events isActive } }"
LOG = """
query (
  $first: Int, $after: String, $last: Int, $before: String, $webhookId: ID, $status: WebhookDeliveryStatus
) {
  webhookDeliveries(
    first: $first, after: $after, last: $last, before: $before, webhookId: $webhookId, status: $status
  ) {
    edges { cursor node { id status } }
    pageInfo { hasNextPage hasPreviousPage endCursor }
    totalCount
  }
}
"""
CREATE_VIDEO = """
mutation {
  createVideo(input: { script: "Hello.", metadata: { order: 7 } }) { video { id } userErrors { code } }
}
"""


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def http(own_settings: Settings, receiver: Receiver) -> Iterator[httpx.Client]:
    """Of a server that may call the receiver."""
    settings = changed(
        own_settings,
        webhook_allowed_hosts=(f"localhost:{receiver.port}",),
        webhook_timeout_seconds=10,
        webhook_retry_seconds=(0.05, 0.05),
        max_webhooks_per_user=3,
    )
    with served(settings) as address, httpx.Client(base_url=address, timeout=30, trust_env=False) as http:
        yield http


@pytest.fixture
def ada(http: httpx.Client) -> Api:
    return Api(http).signed_in()


@pytest.fixture
def ben(http: httpx.Client) -> Api:
    return Api(http).signed_in()


def created(api: Api, url: str, *events: str) -> tuple[str, str]:
    """The webhook's id and secret."""
    payload = api(CREATE, url=url, events=events or ["VIDEO_COMPLETED"]).data["createWebhook"]
    assert payload["userErrors"] == []
    return payload["webhook"]["id"], payload["secret"]


def faults(payload: dict[str, Any]) -> list[tuple[str, list[str] | None]]:
    return [(error["code"], error["field"]) for error in payload["userErrors"]]


def pinged(api: Api, webhook_id: str) -> dict[str, Any]:
    payload = api(PING, id=webhook_id).data["pingWebhook"]
    assert payload["userErrors"] == []
    delivery: dict[str, Any] = payload["delivery"]
    return delivery


def ended(api: Api, delivery_id: str) -> dict[str, Any]:
    """The delivery, once it is delivered or given up."""
    wait_until(lambda: api(NODE, id=delivery_id).data["node"]["status"] != "PENDING", "delivering", 20)
    node: dict[str, Any] = api(NODE, id=delivery_id).data["node"]
    return node


def test_a_ping_arrives_signed_and_the_log_says_so(ada: Api, receiver: Receiver) -> None:
    webhook_id, secret = created(ada, receiver.url("/ping"), "VIDEO_COMPLETED", "VIDEO_FAILED")
    sent = pinged(ada, webhook_id)
    assert (sent["event"], sent["status"], sent["attempts"], sent["failure"]) == ("PING", "PENDING", 0, None)
    (received,) = receiver.wait_for("/ping")
    assert received.verified(secret) == sent["payload"]
    assert sent["payload"]["type"] == "ping"
    assert sent["payload"]["data"] == {"webhookId": webhook_id}
    assert received.message_id == sent["messageId"]
    with pytest.raises(WebhookVerificationError):
        received.verified("whsec_" + "A" * 43 + "=")
    done = ended(ada, sent["id"])
    assert (done["status"], done["attempts"], done["responseStatus"]) == ("DELIVERED", 1, 200)
    assert done["nextAttemptAt"] is None
    assert done["deliveredAt"] is not None
    assert done["webhook"] == {"id": webhook_id, "url": receiver.url("/ping")}


def test_a_deleted_videos_end_is_told(ada: Api, receiver: Receiver) -> None:
    _, secret = created(ada, receiver.url("/deleted"), "VIDEO_CANCELED")
    video_id = ada(CREATE_VIDEO).data["createVideo"]["video"]["id"]
    ada("mutation ($id: ID!) { deleteVideo(id: $id) { deletedId } }", id=video_id)
    (received,) = receiver.wait_for("/deleted")
    told = received.verified(secret)
    assert told["type"] == "video.canceled"
    assert (told["data"]["id"], told["data"]["metadata"]) == (video_id, {"order": 7})


def test_after_a_rotation_both_secrets_sign(ada: Api, receiver: Receiver) -> None:
    webhook_id, old = created(ada, receiver.url("/rotated"))
    rotated = ada(ROTATE, id=webhook_id).data["rotateWebhookSecret"]
    assert rotated["userErrors"] == []
    assert rotated["secret"] != old
    assert rotated["webhook"]["previousSecretExpiresAt"] is not None
    pinged(ada, webhook_id)
    (received,) = receiver.wait_for("/rotated")
    assert received.verified(old) == received.verified(rotated["secret"])


def test_a_failed_delivery_says_why_and_can_be_replayed(ada: Api, receiver: Receiver) -> None:
    webhook_id, _ = created(ada, receiver.url("/status/500/replayed"))
    failed = ended(ada, pinged(ada, webhook_id)["id"])
    assert (failed["status"], failed["attempts"], failed["responseStatus"]) == ("FAILED", 3, 500)
    assert "500" in failed["failure"]
    ada(UPDATE, id=webhook_id, input={"url": receiver.url("/replayed")})
    replayed = ada(REPLAY, id=failed["id"]).data["replayWebhookDelivery"]["delivery"]
    assert replayed["id"] != failed["id"]
    assert ended(ada, replayed["id"])["status"] == "DELIVERED"
    (received,) = receiver.wait_for("/replayed")
    assert received.message_id == failed["messageId"] == replayed["messageId"]
    assert received.body == receiver.at("/status/500/replayed")[0].body


def test_what_is_switched_off_is_sent_nothing_until_it_is_back(ada: Api, receiver: Receiver) -> None:
    webhook_id, _ = created(ada, receiver.url("/status/410/gone"))
    gone = ended(ada, pinged(ada, webhook_id)["id"])
    assert (gone["status"], gone["attempts"], gone["responseStatus"]) == ("FAILED", 1, 410)
    assert ada(NODE, id=webhook_id).data["node"]["isActive"] is False
    assert faults(ada(PING, id=webhook_id).data["pingWebhook"]) == [("INVALID", ["id"])]
    assert faults(ada(REPLAY, id=gone["id"]).data["replayWebhookDelivery"]) == [("INVALID", ["id"])]
    ada(UPDATE, id=webhook_id, input={"isActive": True, "url": receiver.url("/back")})
    assert ended(ada, pinged(ada, webhook_id)["id"])["status"] == "DELIVERED"


@pytest.mark.parametrize(
    ("url", "events", "expected"),
    [
        ("https://example.com/", [], [("TOO_SHORT", ["events"])]),
        ("https://example.com/", ["PING", "PING"], [("INVALID", ["events", "1"])]),
        ("http://example.com/", ["PING"], [("INVALID", ["url"])]),
        ("https://a:b@example.com/", [], [("INVALID", ["url"]), ("TOO_SHORT", ["events"])]),
        ("https://169.254.169.254/", ["PING"], [("UNSAFE_URL", ["url"])]),
        ("https://localhost/", ["PING"], [("UNSAFE_URL", ["url"])]),
        ("https://0x7f.1/", ["PING"], [("UNSAFE_URL", ["url"])]),
        ("https://[::ffff:10.0.0.1]/", ["PING"], [("UNSAFE_URL", ["url"])]),
    ],
)
def test_what_cannot_be_is_refused_at_creation_and_at_a_change(
    ada: Api, receiver: Receiver, url: str, events: list[str], expected: list[tuple[str, list[str]]]
) -> None:
    assert faults(ada(CREATE, url=url, events=events).data["createWebhook"]) == expected
    webhook_id, _ = created(ada, receiver.url("/ok"))
    payload = ada(UPDATE, id=webhook_id, input={"url": url, "events": events}).data["updateWebhook"]
    assert faults(payload) == expected
    assert ada(LIST).data["webhooks"] == [
        {"id": webhook_id, "url": receiver.url("/ok"), "events": ["VIDEO_COMPLETED"], "isActive": True}
    ]


def test_a_change_keeps_what_it_does_not_name_and_removes_nothing(ada: Api, receiver: Receiver) -> None:
    webhook_id, _ = created(ada, receiver.url("/ok"))
    for name in ("url", "events", "isActive"):
        payload = ada(UPDATE, id=webhook_id, input={name: None}).data["updateWebhook"]
        assert faults(payload) == [("REQUIRED", [name])]
    changed_ = ada(UPDATE, id=webhook_id, input={"events": ["VIDEO_FAILED"]}).data["updateWebhook"]
    assert changed_["webhook"] == {
        "id": webhook_id,
        "url": receiver.url("/ok"),
        "events": ["VIDEO_FAILED"],
        "isActive": True,
    }


def test_secrets_are_shown_at_creation_and_rotation_alone(ada: Api, receiver: Receiver) -> None:
    webhook_id, secret = created(ada, receiver.url("/ok"))
    assert secret.startswith("whsec_")
    seen = [ada(LIST), ada(NODE, id=webhook_id), ada(UPDATE, id=webhook_id, input={"isActive": False})]
    assert not any(secret in answer.response.text for answer in seen)


def test_a_user_has_so_many_webhooks_and_no_more(ada: Api, receiver: Receiver) -> None:
    ids = [created(ada, receiver.url("/ok"))[0] for _ in range(3)]
    one_more = ada(CREATE, url=receiver.url("/ok"), events=["PING"]).data["createWebhook"]
    assert faults(one_more) == [("LIMIT_EXCEEDED", None)]
    assert [webhook["id"] for webhook in ada(LIST).data["webhooks"]] == ids
    assert ada(DELETE, id=ids[0]).data["deleteWebhook"] == {"deletedId": ids[0], "userErrors": []}
    created(ada, receiver.url("/ok"))


def test_the_log_is_paged_and_narrowed(ada: Api, receiver: Receiver) -> None:
    good, _ = created(ada, receiver.url("/ok"))
    bad, _ = created(ada, receiver.url("/status/500/log"))
    sent = [pinged(ada, webhook_id)["id"] for webhook_id in (good, bad, good)]
    for delivery_id in sent:
        ended(ada, delivery_id)

    def listed(**arguments: Any) -> list[str]:
        return [edge["node"]["id"] for edge in ada(LOG, **arguments).data["webhookDeliveries"]["edges"]]

    page = ada(LOG, first=2).data["webhookDeliveries"]
    assert [edge["node"]["id"] for edge in page["edges"]] == sent[:0:-1]
    assert (page["totalCount"], page["pageInfo"]["hasNextPage"]) == (3, True)
    assert listed(first=2, after=page["pageInfo"]["endCursor"]) == sent[:1]
    assert listed(last=1) == sent[:1]
    assert listed(webhookId=good) == [sent[2], sent[0]]
    assert listed(status="FAILED") == [sent[1]]
    assert listed(webhookId=good, status="FAILED") == listed(webhookId="nothing") == []
    assert ada(LOG, after="x").code == "BAD_USER_INPUT"


def test_another_users_webhook_and_deliveries_are_misses_everywhere(
    ada: Api, ben: Api, receiver: Receiver
) -> None:
    webhook_id, _ = created(ada, receiver.url("/ok"))
    delivery_id = ended(ada, pinged(ada, webhook_id)["id"])["id"]
    for one in (webhook_id, delivery_id, webhook_id[:-8] + "AAAAAAA="):
        assert ben(NODE, id=one).data["node"] is None
        for query, name in (
            (UPDATE, "updateWebhook"),
            (ROTATE, "rotateWebhookSecret"),
            (DELETE, "deleteWebhook"),
            (PING, "pingWebhook"),
            (REPLAY, "replayWebhookDelivery"),
        ):
            arguments = {"input": {"isActive": False}} if query is UPDATE else {}
            assert faults(ben(query, id=one, **arguments).data[name]) == [("NOT_FOUND", ["id"])]
    assert ben(LIST).data["webhooks"] == []
    assert ben(LOG, webhookId=webhook_id).data["webhookDeliveries"]["edges"] == []
    assert ada(NODE, id=webhook_id).data["node"]["isActive"] is True
    assert ended(ada, delivery_id)["status"] == "DELIVERED"


def test_who_has_not_signed_in_sees_and_does_nothing(http: httpx.Client) -> None:
    anyone = Api(http)
    assert anyone(LIST).code == "UNAUTHENTICATED"
    assert anyone(LOG).code == "UNAUTHENTICATED"
    assert anyone(CREATE, url="https://example.com/", events=["PING"]).code == "UNAUTHENTICATED"


def test_pings_and_changes_are_bounded_by_the_minute(api_settings: Settings, receiver: Receiver) -> None:
    settings = changed(
        api_settings, webhook_calls_per_minute=2, webhook_allowed_hosts=(f"localhost:{receiver.port}",)
    )
    with served(settings) as address, httpx.Client(base_url=address, timeout=30, trust_env=False) as http:
        ada = Api(http).signed_in()
        webhook_id, _ = created(ada, receiver.url("/ok"))
        created(ada, receiver.url("/ok"))
        assert ada(CREATE, url=receiver.url("/ok"), events=["PING"]).code == "RATE_LIMITED"
        delivery_id = pinged(ada, webhook_id)["id"]
        pinged(ada, webhook_id)
        assert ada(PING, id=webhook_id).code == "RATE_LIMITED"
        assert ada(REPLAY, id=delivery_id).code == "RATE_LIMITED"
        metrics = http.get("/metrics").text
        assert "webhook_deliveries_total" in metrics
        assert "webhook_deliveries_waiting" in metrics
