"""Templates: videos to be made again and again, with {{names}} where their scripts differ."""

import asyncio
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, func, select

from heygen_graphql.database import Database
from heygen_graphql.errors import Fault, InvalidInput, UserErrorCode
from heygen_graphql.paging import Page, Window, newest_first
from heygen_graphql.rendering.speech import Voices
from heygen_graphql.rendering.storyboard import Storyboard
from heygen_graphql.tables import Template
from heygen_graphql.videos import filling
from heygen_graphql.videos.catalogue import catalogue_for
from heygen_graphql.videos.drafts import checked_line, storyboard_of
from heygen_graphql.videos.making import NewVideo, Outcome, create_each
from heygen_graphql.videos.quotas import STANDARD, Quotas, hold
from heygen_graphql.videos.requests import VideoRequest

MAX_NAME_LENGTH = 100
_NEWEST_FIRST = newest_first("templates", Template)


@dataclass(frozen=True, slots=True)
class Filling:
    """What one video made of a template has of its own; None leaves the template's title or metadata."""

    variables: Any
    title: str | None = None
    metadata: Any = None
    idempotency_key: str | None = None


async def create(
    database: Database,
    owner_id: UUID,
    name: str,
    request: VideoRequest,
    *,
    voices: Voices,
    idempotency_key: str | None = None,
    quotas: Quotas = STANDARD,
) -> Template:
    """
    Raises:
        InvalidInput: carries every fault, those of the video below `video`, where a key is one;
            LIMIT_EXCEEDED.
    """
    columns = await _columns(database, owner_id, name, request, idempotency_key, voices)
    async with database.transaction() as session:
        now = await database.now(session)
        await hold(session, owner_id)
        kept = (
            await session.execute(select(func.count()).where(col(Template.owner_id) == owner_id))
        ).scalar_one()
        if kept >= quotas.templates:
            message = f"You have {kept} templates, as many as may be kept. Delete one that you need no more."
            raise InvalidInput.one(UserErrorCode.LIMIT_EXCEEDED, message)
        template = Template(owner_id=owner_id, created_at=now, updated_at=now, **columns)
        session.add(template)
    return template


async def update(
    database: Database,
    owner_id: UUID,
    template_id: UUID,
    name: str,
    request: VideoRequest,
    *,
    voices: Voices,
    idempotency_key: str | None = None,
) -> Template:
    """Put another in its place; videos that were made of it stay as they are.

    Raises:
        InvalidInput: NOT_FOUND; carries every fault, those of the video below `video`, where a key is one.
    """
    columns = await _columns(database, owner_id, name, request, idempotency_key, voices)
    async with database.transaction() as session:
        template = await _locked(session, owner_id, template_id)
        template.sqlmodel_update(columns | {"updated_at": await database.now(session)})
        session.add(template)
    return template


async def delete(database: Database, owner_id: UUID, template_id: UUID) -> UUID:
    """Videos that were made of it stay.

    Raises:
        InvalidInput: NOT_FOUND.
    """
    async with database.transaction() as session:
        await session.delete(await _locked(session, owner_id, template_id))
    return template_id


async def create_videos(
    database: Database,
    owner_id: UUID,
    template_id: UUID,
    fillings: Sequence[Filling],
    *,
    voices: Voices,
    quotas: Quotas = STANDARD,
) -> list[Outcome]:
    """A video for each filling, in their order; what is wrong with one is no other's concern.

    Raises:
        InvalidInput: NOT_FOUND, there is no such template.
    """
    template = (await by_ids(database, owner_id, [template_id])).get(template_id)
    if template is None:
        raise _not_found()
    request = VideoRequest.from_dict(template.request)
    # As making them is: a hundred videos take longer than the event loop may stand still.
    wanted = await asyncio.to_thread(_wanted, template, request, fillings)
    outcomes = await create_each(database, owner_id, wanted, voices=voices, quotas=quotas)
    return [_retold(one, request) if isinstance(one, InvalidInput) else one for one in outcomes]


def _not_found() -> InvalidInput:
    return InvalidInput.one(UserErrorCode.NOT_FOUND, "You have no template of this id.", "id")


def variables_of(template: Template) -> tuple[str, ...]:
    return filling.variables_in(VideoRequest.from_dict(template.request))


async def by_ids(database: Database, owner_id: UUID, ids: Iterable[UUID]) -> dict[UUID, Template]:
    async with database.reading() as session:
        rows = await session.execute(
            select(Template).where(Template.owner_id == owner_id, col(Template.id).in_(list(ids)))
        )
        return {template.id: template for template in rows.scalars()}


async def page(database: Database, owner_id: UUID, window: Window) -> Page[Template]:
    """Newest first.

    Raises:
        BadRequest: the cursor is of another list.
    """
    owned = select(Template).where(Template.owner_id == owner_id)
    async with database.reading() as session:
        rows = (await session.scalars(_NEWEST_FIRST.within(owned, window))).all()
    return _NEWEST_FIRST.page(rows, window)


async def count(database: Database, owner_id: UUID) -> int:
    async with database.reading() as session:
        counted = select(func.count()).where(col(Template.owner_id) == owner_id)
        return (await session.execute(counted)).scalar_one()


async def _columns(
    database: Database,
    owner_id: UUID,
    name: str,
    request: VideoRequest,
    idempotency_key: str | None,
    voices: Voices,
) -> dict[str, Any]:
    """What a template's row says, when all is well with it as far as that can be told without values."""
    faults: list[Fault] = []
    kept_name = checked_line(name, MAX_NAME_LENGTH, ("name",), faults)
    if not name.strip():
        faults.append(Fault(UserErrorCode.TOO_SHORT, "A template needs a name.", ("name",)))
    async with database.reading() as session:
        catalogue = await catalogue_for(session, owner_id, [request], voices)
    of_video = filling.faults_of(request)
    storyboard: Storyboard | None = None
    try:
        storyboard = storyboard_of(filling.tried(request), catalogue)
    except InvalidInput as error:
        of_video += error.faults
    if idempotency_key is not None:
        message = "A template takes no key; give one with each video that is made of it."
        of_video.append(Fault(UserErrorCode.INVALID, message, ("idempotencyKey",)))
    faults += [replace(fault, field=("video", *(fault.field or ()))) for fault in of_video]
    if faults or storyboard is None:
        raise InvalidInput(faults)
    said = [request.script] if request.scenes is None else [scene.script for scene in request.scenes]
    scenes = tuple(
        replace(scene, script=script and script.strip())
        for scene, script in zip(storyboard.scenes, said, strict=True)
    )
    shown = replace(storyboard, scenes=scenes)
    return {"name": kept_name, "request": request.to_dict(), "storyboard": asdict(shown)}


def _wanted(template: Template, request: VideoRequest, fillings: Sequence[Filling]) -> list[NewVideo]:
    names = filling.variables_in(request)
    return [
        NewVideo(_request_of(request, names, one), one.idempotency_key, _body_of(template, one))
        for one in fillings
    ]


def _request_of(template: VideoRequest, names: tuple[str, ...], own: Filling) -> VideoRequest | InvalidInput:
    try:
        values = filling.values_for(names, own.variables)
        request = filling.filled(template, values)
    except InvalidInput as error:
        return error
    return replace(
        request,
        title=template.title if own.title is None else own.title,
        metadata=template.metadata if own.metadata is None else own.metadata,
    )


def _body_of(template: Template, own: Filling) -> dict[str, Any]:
    """What the caller sent: the template may have been changed since."""
    return {
        "template": str(template.id),
        "variables": own.variables,
        "title": own.title,
        "metadata": own.metadata,
    }


def _retold(error: InvalidInput, template: VideoRequest) -> InvalidInput:
    """The faults of the filled video for one who wrote nothing but its variables."""
    return InvalidInput([_retold_fault(fault, template) for fault in error.faults])


def _retold_fault(fault: Fault, template: VideoRequest) -> Fault:
    path = fault.field or ()
    if not path or path[0] in ("variables", "title", "metadata", "idempotencyKey"):
        return fault
    if path[-1] != "script":
        message = f"The template's {'.'.join(path)}: {fault.message} Change it with updateTemplate."
        return replace(fault, field=("id",), message=message)
    script = template.script if template.scenes is None else template.scenes[int(path[1])].script
    names = set(filling.names_in(script or ""))
    where = "The script" if template.scenes is None else f"The script of scene {path[1]}"
    # Whose value it is can be told where there is one alone.
    field = ("variables", *names) if len(names) == 1 else ("variables",)
    message = re.sub(r"^The script", f"{where}, filled in,", fault.message)
    return replace(fault, field=field, message=message)


async def _locked(session: AsyncSession, owner_id: UUID, template_id: UUID) -> Template:
    owned = select(Template).where(Template.id == template_id, Template.owner_id == owner_id)
    template = (await session.execute(owned.with_for_update())).scalar_one_or_none()
    if template is None:
        raise _not_found()
    return template
