"""Servers and databases that die while a delivery is on its way."""

import httpx

from tests.api.serving import Api
from tests.conftest import StartServer
from tests.servers import wait_until
from tests.webhooks.receiver import Receiver

CREATE = """
mutation ($url: URL!) {
  createWebhook(input: { url: $url, events: [PING] }) { webhook { id } userErrors { message } }
}
"""
PING = "mutation ($id: ID!) { pingWebhook(id: $id) { delivery { id } userErrors { message } } }"
DELIVERY = "query ($id: ID!) { node(id: $id) { ... on WebhookDelivery { status attempts messageId } } }"


def test_a_server_killed_while_it_sends_loses_no_delivery(server: StartServer, receiver: Receiver) -> None:
    # Given a delivery that was claimed, and a receiver that has not answered yet
    one = server(
        "serve",
        WEBHOOK_ALLOWED_HOSTS=f"localhost:{receiver.port}",
        WEBHOOK_TIMEOUT_SECONDS="1",
    )
    with httpx.Client(base_url=one.url, timeout=30, trust_env=False) as http:
        ada = Api(http).signed_in()
        webhook = ada(CREATE, url=receiver.url("/silent-once")).data["createWebhook"]["webhook"]
        delivery_id = ada(PING, id=webhook["id"]).data["pingWebhook"]["delivery"]["id"]
        receiver.wait_for("/silent-once")
        # When the server is killed, and started again
        one.kill_alone()
        one.start()
        # Then the message comes again, once its lease has run out, and is told to be the same
        first, second = receiver.wait_for("/silent-once", 2, seconds=30)
        assert first.message_id == second.message_id
        assert first.body == second.body

        def row() -> dict[str, object]:
            node: dict[str, object] = ada(DELIVERY, id=delivery_id).data["node"]
            return node

        wait_until(lambda: row()["status"] == "DELIVERED", "recording the delivery", 20)
        assert row() == {"status": "DELIVERED", "attempts": 2, "messageId": first.message_id}
