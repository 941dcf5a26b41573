"""JSON as RFC 8259 has it."""

import json
from typing import Any


def decode(text: str) -> object:
    """What it says. Python alone would let NaN and half surrogate pairs through.

    Raises:
        json.JSONDecodeError: it is no JSON, or none that this server would answer well.
    """
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


def _refuse_constant(name: str) -> Any:
    raise json.JSONDecodeError(f"{name} is no JSON", name, 0)
