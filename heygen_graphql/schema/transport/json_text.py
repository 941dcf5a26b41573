"""JSON as RFC 8259 has it."""

import json
from typing import Any


def decode(data: str | bytes) -> object:
    """What `data` says. Python alone would let NaN and half surrogate pairs through.

    Raises:
        json.JSONDecodeError: `data` is no JSON, or none that this server would answer well.
    """
    text = data if isinstance(data, str) else data.decode(errors="replace")
    try:
        decoded: object = json.loads(text, parse_constant=_refuse_constant)
        if "\\ud" in text.lower():
            json.dumps(decoded, ensure_ascii=False).encode()
    except RecursionError:
        raise json.JSONDecodeError("nested too deep", text, 0) from None
    except UnicodeEncodeError:
        raise json.JSONDecodeError("half a surrogate pair", text, 0) from None
    except json.JSONDecodeError:
        raise
    except ValueError:
        # Python refuses integers of more than 4300 digits: reading them takes quadratic time.
        raise json.JSONDecodeError("a number too long", text, 0) from None
    return decoded


def decode_object(data: str | bytes) -> dict[str, Any]:
    """As `decode`, for what must be an object.

    Raises:
        json.JSONDecodeError: it is none.
    """
    decoded = decode(data)
    if not isinstance(decoded, dict):
        raise json.JSONDecodeError("not an object", "", 0)
    return decoded


def _refuse_constant(name: str) -> Any:
    raise json.JSONDecodeError(f"{name} is no JSON", name, 0)
