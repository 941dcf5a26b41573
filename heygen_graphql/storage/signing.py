"""Links that an S3 server honours: AWS Signature Version 4, in a query.

Source: Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)".
obstore would sign the method and the path alone; the name for a browser and the size of an upload are to be
signed as well.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote, urlsplit

MAX_SECONDS = 7 * 24 * 3600
_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Keys:
    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


def presigned(
    method: str,
    url: str,
    keys: Keys,
    region: str,
    *,
    now: datetime,
    seconds: int,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> str:
    """The URL, which has no query, with one that lets whoever holds it make this request until then.

    `headers`: what the request must carry besides, just so; their names in small letters.
    """
    parts = urlsplit(url)
    signed_headers = {"host": parts.netloc, **(headers or {})}
    names = ";".join(sorted(signed_headers))
    at = f"{now:%Y%m%dT%H%M%SZ}"
    scope = f"{at[:8]}/{region}/s3/aws4_request"
    asked = {
        **(query or {}),
        "X-Amz-Algorithm": _ALGORITHM,
        "X-Amz-Credential": f"{keys.access_key_id}/{scope}",
        "X-Amz-Date": at,
        "X-Amz-Expires": str(seconds),
        "X-Amz-SignedHeaders": names,
    }
    if keys.session_token is not None:
        asked["X-Amz-Security-Token"] = keys.session_token
    canonical_query = "&".join(
        sorted(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in asked.items())
    )
    canonical_request = "\n".join(
        (
            method,
            parts.path,
            canonical_query,
            *(f"{name}:{signed_headers[name]}" for name in sorted(signed_headers)),
            "",
            names,
            "UNSIGNED-PAYLOAD",
        )
    )
    digest = hashlib.sha256(canonical_request.encode()).hexdigest()
    key = f"AWS4{keys.secret_access_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.new(key, "\n".join((_ALGORITHM, at, scope, digest)).encode(), "sha256").hexdigest()
    return f"{url}?{canonical_query}&X-Amz-Signature={signature}"
