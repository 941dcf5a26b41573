"""Videos to be made again and again, with other words."""

import json
from datetime import datetime
from typing import Annotated, Self

import strawberry

from heygen_graphql import tables
from heygen_graphql.errors import InvalidInput
from heygen_graphql.paging import Window
from heygen_graphql.rendering.storyboard import AspectRatio, CaptionStyle, Quality, Storyboard
from heygen_graphql.schema import ids
from heygen_graphql.schema.connections import After, Before, Connection, First, Last
from heygen_graphql.schema.context import Context, Info
from heygen_graphql.schema.nodes import Node
from heygen_graphql.schema.payloads import DeletePayload
from heygen_graphql.schema.resolvers import Reads, field, mutation
from heygen_graphql.schema.scalars import Json
from heygen_graphql.schema.user_errors import Payload
from heygen_graphql.schema.video_inputs import CreateVideoInput, video_request
from heygen_graphql.schema.video_mutations import (
    VideoPayload,
    VideosPayload,
    all_queued,
    check_number,
    queued,
)
from heygen_graphql.schema.videos import Scene, scenes_of
from heygen_graphql.videos import Quotas, templates
from heygen_graphql.videos.templates import Filling

_SYNTAX = (
    "A variable is written `{{ name }}`, its name 1 to 50 letters (a to z), digits and underscores; `{{{{` "
    "stands for two braces that are to be said."
)


@strawberry.type(description=f"A video to be made again and again, with variables in its scripts. {_SYNTAX}")
class Template(Node):
    row: strawberry.Private[tables.Template]
    name: str = strawberry.field(description="What its owner calls it.")
    title: str | None = strawberry.field(
        description="What a video made of it is called that has no title of its own."
    )
    language: str = strawberry.field(description="The language spoken, as BCP 47 writes it.")
    quality: Quality = strawberry.field(description="The picture's resolution.")
    aspect_ratio: AspectRatio = strawberry.field(description="The picture's shape.")
    caption_style: CaptionStyle = strawberry.field(description="How captions are drawn into the picture.")
    metadata: Json | None = strawberry.field(
        description="What a video made of it is given that has no metadata of its own."
    )
    created_at: datetime = strawberry.field(description="When it was created.")
    updated_at: datetime = strawberry.field(description="When it was last replaced, or created.")

    @field(
        "The names of the variables in its scripts, each once, in the order of appearance.",
        reads=Reads.OWN_ROWS,
    )
    def variables(self) -> list[str]:
        return list(templates.variables_of(self.row))

    @field("Its scenes, in order, with the variables in place.", reads=Reads.OWN_ROWS)
    def scenes(self) -> list[Scene]:
        return scenes_of(Storyboard.from_json(json.dumps(self.row.storyboard)), self.row.owner_id, None)

    @classmethod
    async def find(cls, context: Context, key: str) -> Self | None:
        """One of the viewer's."""
        row = await context.own(context.loaders.templates, key)
        return None if row is None else cls.of(row)

    @classmethod
    def of(cls, row: tables.Template) -> Self:
        shown, metadata = row.storyboard, row.request.get("metadata")
        return cls(
            id=ids.encode("Template", row.id),
            row=row,
            name=row.name,
            title=shown["title"],
            language=shown["language"],
            quality=Quality(shown["quality"]),
            aspect_ratio=AspectRatio(shown["aspect_ratio"]),
            caption_style=CaptionStyle(shown["caption_style"]),
            metadata=None if metadata is None else Json(metadata),
            created_at=row.created_at,
            updated_at=row.updated_at,
        )


@strawberry.input(description="A template to be kept.")
class CreateTemplateInput:
    name: str = strawberry.field(description="What to call it: 1 to 100 characters.")
    video: CreateVideoInput = strawberry.field(
        description=f"The video, with variables in its scripts. {_SYNTAX} It takes no `idempotencyKey`: each "
        "video that is made of it has its own."
    )


@strawberry.input(description="What one video that is made of a template has of its own.")
class TemplateVideoInput:
    variables: Json = strawberry.field(
        description="An object with a value for each of the template's variables, and no others: text of up "
        "to 1000 characters, a number, true or false. Values are said as they are: braces in them mean "
        "nothing."
    )
    title: str | None = strawberry.field(
        default=None,
        description="What to call the video: up to 200 characters; the template's when not given.",
    )
    metadata: Json | None = strawberry.field(
        default=None,
        description="Anything up to 4 KiB, handed back untouched; the template's when not given.",
    )
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="Up to 255 characters, remembered for a day: the same key with the same template and "
        "input answers the same video instead of making another.",
    )


@strawberry.type(description="A template, or what was wrong.")
class TemplatePayload(Payload):
    template: Template | None = strawberry.field(
        default=None, description="The template; null when nothing was done."
    )


TemplateId = Annotated[strawberry.ID, strawberry.argument(description="The template.")]
TemplateArgument = Annotated[CreateTemplateInput, strawberry.argument(description="The template.")]


@strawberry.type
class TemplateQueries:
    @field("The viewer's templates, newest first.", reads=Reads.OWN_ROWS)
    async def templates(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Template]:
        owner_id = (await info.context.viewer()).user.id
        database = info.context.services.database
        page = await templates.page(database, owner_id, Window.of(first, after, last, before))
        return Connection[Template].of(page, Template.of, lambda: templates.count(database, owner_id))


@strawberry.type
class TemplateMutations:
    @mutation("Keep a video to be made again and again. It is checked as far as it can be without values.")
    async def create_template(self, info: Info, input: TemplateArgument) -> TemplatePayload:
        services = info.context.services
        owner_id = (await info.context.viewer()).user.id
        row = await templates.create(
            services.database,
            owner_id,
            input.name,
            video_request(input.video),
            idempotency_key=input.video.idempotency_key,
            voices=services.voices,
            quotas=Quotas.of(services.settings),
        )
        return TemplatePayload(template=Template.of(row))

    @mutation("Put another in a template's place. Videos that were made of it stay as they are.")
    async def update_template(self, info: Info, id: TemplateId, input: TemplateArgument) -> TemplatePayload:
        services = info.context.services
        owner_id = (await info.context.viewer()).user.id
        row = await templates.update(
            services.database,
            owner_id,
            ids.required(id, "Template"),
            input.name,
            video_request(input.video),
            idempotency_key=input.video.idempotency_key,
            voices=services.voices,
        )
        return TemplatePayload(template=Template.of(row))

    @mutation("Delete a template. Videos that were made of it stay.")
    async def delete_template(self, info: Info, id: TemplateId) -> DeletePayload:
        owner_id = (await info.context.viewer()).user.id
        template_id = await templates.delete(
            info.context.services.database, owner_id, ids.required(id, "Template")
        )
        return DeletePayload(deleted_id=ids.encode("Template", template_id))

    @mutation("Ask for a video that is made of a template. Faults of its script are told of the variables.")
    async def create_video_from_template(
        self,
        info: Info,
        id: TemplateId,
        input: Annotated[TemplateVideoInput, strawberry.argument(description="The video's own.")],
    ) -> VideoPayload:
        context, services = info.context, info.context.services
        (outcome,) = await templates.create_videos(
            services.database,
            await context.checked_creator(),
            ids.required(id, "Template"),
            [_filling(input)],
            voices=services.voices,
            quotas=Quotas.of(services.settings),
        )
        if isinstance(outcome, InvalidInput):
            raise outcome
        return await queued(context, outcome)

    @mutation(
        "Ask for up to 100 videos that are made of one template. Each stands or falls alone, and all count "
        "as one call."
    )
    async def create_videos_from_template(
        self,
        info: Info,
        id: TemplateId,
        inputs: Annotated[
            list[TemplateVideoInput],
            strawberry.argument(description="What 1 to 100 videos have of their own, in their order."),
        ],
    ) -> VideosPayload:
        context, services = info.context, info.context.services
        owner_id = await context.checked_creator()
        check_number(len(inputs))
        outcomes = await templates.create_videos(
            services.database,
            owner_id,
            ids.required(id, "Template"),
            [_filling(input) for input in inputs],
            voices=services.voices,
            quotas=Quotas.of(services.settings),
        )
        return await all_queued(context, outcomes)


def _filling(input: TemplateVideoInput) -> Filling:
    return Filling(input.variables, input.title, input.metadata, input.idempotency_key)
