"""Signatures as Standard Webhooks has them (https://www.standardwebhooks.com, "Signature scheme")."""

import base64
import secrets
from collections.abc import Sequence
from datetime import datetime

from standardwebhooks import Webhook

_SECRET_BYTES = 32


def new_secret() -> str:
    """256 random bits, written as the specification says: `whsec_` and base64."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"


def headers(message_id: str, sent_at: datetime, body: str, signing_secrets: Sequence[str]) -> dict[str, str]:
    """A receiver takes the message if any one of the signatures is right: one for each secret."""
    signatures = [Webhook(secret).sign(message_id, sent_at, body) for secret in signing_secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(sent_at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
