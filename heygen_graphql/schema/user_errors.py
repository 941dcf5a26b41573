"""The one place where the domain's `InvalidInput` becomes a payload's `userErrors`."""

from typing import Any

import strawberry
from strawberry.extensions.field_extension import AsyncExtensionResolver, FieldExtension

from heygen_graphql.errors import Fault, InvalidInput, UserErrorCode
from heygen_graphql.schema.enums import expose

expose(
    UserErrorCode,
    "What is wrong with an input, for programs.",
    {
        UserErrorCode.REQUIRED: "Something that is needed was not given.",
        UserErrorCode.TOO_SHORT: "Shorter, smaller or fewer than allowed.",
        UserErrorCode.TOO_LONG: "Longer, larger or more than allowed.",
        UserErrorCode.INVALID: "Not of the form that is expected here.",
        UserErrorCode.NOT_FOUND: "There is no such object, or it is not the viewer's.",
        UserErrorCode.TAKEN: "Somebody else has it already.",
        UserErrorCode.INVALID_CREDENTIALS: "The address, password or token is not right.",
        UserErrorCode.ACCOUNT_INACTIVE: "The account has been deactivated.",
        UserErrorCode.UNKNOWN_VOICE: "`voices` lists no voice of that name.",
        UserErrorCode.UNKNOWN_AVATAR: "`avatars` lists no avatar of that name.",
        UserErrorCode.UNSUPPORTED_LANGUAGE: "No voice, or not this voice, speaks the language.",
        UserErrorCode.VIDEO_NOT_EDITABLE: "The video cannot be changed in its present status.",
        UserErrorCode.VIDEO_ALREADY_FINISHED: "The video has reached a final status.",
        UserErrorCode.NOT_RETRYABLE: "The video has not failed, or would fail in the same way again.",
        UserErrorCode.IDEMPOTENCY_KEY_REUSED: "The key came before, with another input.",
        UserErrorCode.LIMIT_EXCEEDED: "A limit of the account is reached.",
        UserErrorCode.UNSUPPORTED_MEDIA: "The file is of no kind that is taken, or broken.",
        UserErrorCode.FILE_TOO_LARGE: "The file, or the picture in it, is larger than is taken.",
        UserErrorCode.NO_FACE_FOUND: "The picture shows no face that can be seen well enough.",
        UserErrorCode.SEVERAL_FACES_FOUND: "The picture shows more than one face.",
        UserErrorCode.CONSENT_REQUIRED: "Nobody has said that this person's likeness may be used.",
        UserErrorCode.UNSAFE_URL: "The address leads, or may lead, into the server's own network.",
    },
)


@strawberry.type(description="One thing in an input that the caller can mend.")
class UserError:
    code: UserErrorCode = strawberry.field(description="What is wrong, for programs.")
    field: list[str] | None = strawberry.field(
        description='The path inside the input, like `["scenes", "1", "script"]`; null when it is no one '
        "field's fault."
    )
    message: str = strawberry.field(description="What is wrong and what to do about it, for people.")


@strawberry.type
class Payload:
    """What every mutation's answer begins with; not a type of the schema itself."""

    user_errors: list[UserError] = strawberry.field(
        description="Every fault found in the input, all at once; empty when the mutation was carried out.",
        default_factory=list,
    )


class AnswersUserErrors(FieldExtension):
    """On every mutation. The payload must be buildable from `user_errors` alone."""

    async def resolve_async(
        self, next_: AsyncExtensionResolver, source: Any, info: strawberry.Info, **arguments: Any
    ) -> Any:
        # An operation may hold several mutations, one after another; none is shown what an earlier one read.
        info.context.renew_loaders()
        try:
            return await next_(source, info, **arguments)
        except InvalidInput as error:
            payload: Any = info.return_type
            return payload(user_errors=[told(fault) for fault in error.faults])


def told(fault: Fault) -> UserError:
    path = None if fault.field is None else list(fault.field)
    return UserError(code=fault.code, field=path, message=fault.message)
