"""The domain's errors.

HeygenError
├── BadSettings           the server cannot start as it is configured
├── UploadRefused         bytes that are not taken; carries `reason`
├── InvalidInput          what the caller can mend; carries every fault at once (`userErrors`)
└── Refused               the caller may not do this at all (a top-level error with `code`)
    ├── Unauthenticated
    ├── Forbidden
    ├── RateLimited       carries `retry_after_seconds`
    │   ├── OutOfPoints   the operation costs more than is left
    │   └── TooManyDocuments  its document is long, and too many new ones were read
    ├── QueryTooComplex   it costs more than any operation may
    ├── DocumentTooLong
    ├── Unavailable       not now, through no fault of the caller; carries `retry_after_seconds`
    │   └── StorageAway   files can be neither read nor written just now
    └── BadRequest        a malformed argument outside an input object (`first: 0`)

A miss is no error: it is None.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar


class UserErrorCode(StrEnum):
    REQUIRED = "REQUIRED"
    TOO_SHORT = "TOO_SHORT"
    TOO_LONG = "TOO_LONG"
    INVALID = "INVALID"
    NOT_FOUND = "NOT_FOUND"
    TAKEN = "TAKEN"
    INVALID_CREDENTIALS = "INVALID_CREDENTIALS"
    ACCOUNT_INACTIVE = "ACCOUNT_INACTIVE"
    UNKNOWN_VOICE = "UNKNOWN_VOICE"
    UNKNOWN_AVATAR = "UNKNOWN_AVATAR"
    UNSUPPORTED_LANGUAGE = "UNSUPPORTED_LANGUAGE"
    VIDEO_NOT_EDITABLE = "VIDEO_NOT_EDITABLE"
    VIDEO_ALREADY_FINISHED = "VIDEO_ALREADY_FINISHED"
    NOT_RETRYABLE = "NOT_RETRYABLE"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    UNSUPPORTED_MEDIA = "UNSUPPORTED_MEDIA"
    FILE_TOO_LARGE = "FILE_TOO_LARGE"
    NO_FACE_FOUND = "NO_FACE_FOUND"
    SEVERAL_FACES_FOUND = "SEVERAL_FACES_FOUND"
    CONSENT_REQUIRED = "CONSENT_REQUIRED"
    UNSAFE_URL = "UNSAFE_URL"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing the caller can mend."""

    code: UserErrorCode
    message: str
    field: tuple[str, ...] | None = None
    """The path inside the input, like ("scenes", "1", "script"); None when no single field is at fault."""


class HeygenError(Exception):
    """Raised on purpose: its text is meant to be read by a person."""


class BadSettings(HeygenError):
    """Names the setting, what is wrong with its value, and the remedy."""


class UploadFault(StrEnum):
    GONE = "GONE"
    COMPLETE_ALREADY = "COMPLETE_ALREADY"
    OTHER_TYPE = "OTHER_TYPE"
    TOO_LONG = "TOO_LONG"
    TOO_SHORT = "TOO_SHORT"
    OTHER_CONTENT = "OTHER_CONTENT"


class UploadRefused(HeygenError):
    def __init__(self, reason: UploadFault, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class InvalidInput(HeygenError):
    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = tuple(faults)

    @classmethod
    def one(cls, code: UserErrorCode, message: str, *field: str) -> "InvalidInput":
        return cls([Fault(code, message, field or None)])


class Refused(HeygenError):
    code: ClassVar[str]


class Unauthenticated(Refused):
    code = "UNAUTHENTICATED"


class Forbidden(Refused):
    code = "FORBIDDEN"


class BadRequest(Refused):
    code = "BAD_USER_INPUT"


class RateLimited(Refused):
    code = "RATE_LIMITED"

    def __init__(self, what: str, limit: int, retry_after_seconds: int) -> None:
        super().__init__(
            f"More than {limit} {what} in a minute. Try again in {retry_after_seconds} second"
            f"{'' if retry_after_seconds == 1 else 's'}."
        )
        self.limit = limit
        self.retry_after_seconds = retry_after_seconds


class OutOfPoints(RateLimited):
    def __init__(self, cost: int, remaining: int, retry_after_seconds: int) -> None:
        HeygenError.__init__(
            self,
            f"This operation costs {cost:,} points and {remaining:,} are left. Try again in "
            f"{retry_after_seconds} second{'' if retry_after_seconds == 1 else 's'}, or ask for less.",
        )
        self.retry_after_seconds = retry_after_seconds


class TooManyDocuments(RateLimited):
    def __init__(self, length: int, remaining: int, retry_after_seconds: int) -> None:
        HeygenError.__init__(
            self,
            f"This document has {length:,} characters, and {remaining:,} of new ones are left. Try again in "
            f"{retry_after_seconds} second{'' if retry_after_seconds == 1 else 's'}; and put what changes "
            "into variables: a document that was sent before is not read again.",
        )
        self.retry_after_seconds = retry_after_seconds


class QueryTooComplex(Refused):
    code = "QUERY_TOO_COMPLEX"

    def __init__(self, cost: int, maximum: int) -> None:
        super().__init__(
            f"This operation costs {cost:,} points; at most {maximum:,} are answered. "
            "Ask for smaller pages, or in several operations."
        )


class DocumentTooLong(Refused):
    code = "QUERY_TOO_COMPLEX"

    def __init__(self, length: int, maximum: int) -> None:
        super().__init__(
            f"The document has {length:,} characters; at most {maximum:,} are read. Send values as variables."
        )


class Unavailable(Refused):
    code = "UNAVAILABLE"

    def __init__(self, message: str, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class StorageAway(Unavailable):
    """Work that meets it has not failed: it waits, or is given back."""

    def __init__(self, reason: str) -> None:
        """`reason`: for the log, in words that carry no address and no credential."""
        super().__init__("The files cannot be reached just now. Try again in some seconds.", 5)
        self.reason = reason
