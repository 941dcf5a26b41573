from uuid import UUID

import pytest

from heygen_graphql import videos
from heygen_graphql.database import Database
from heygen_graphql.errors import InvalidInput
from heygen_graphql.tables import Video
from heygen_graphql.videos import Quotas, SceneRequest, VideoFilter, VideoRequest, filling, templates
from heygen_graphql.videos.making import INSTALLED
from heygen_graphql.videos.templates import Filling


def said(script: str, **values: str) -> str | None:
    return filling.filled(VideoRequest(script=script), values).script


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("Hello {{ name }}!", "Hello Ada!"),
        ("{{name}}{{\tname }}", "AdaAda"),
        ("{name} } }} {", "{name} } }} {"),
        ("{{{{ name }}", "{{ name }}"),
        ("{{{{{{ name }}", "{{Ada"),
        ("{{{{{{{{", "{{{{"),
    ],
)
def test_two_braces_begin_a_variable_and_four_are_two(script: str, expected: str) -> None:
    assert said(script, name="Ada") == expected


def test_what_a_value_says_is_never_taken_for_a_variable() -> None:
    assert said("{{ a }} {{ b }}", a="{{ b }}", b=r"\1 {{{{") == r"{{ b }} \1 {{{{"


def test_variables_are_told_once_in_the_order_of_appearance() -> None:
    scenes = tuple(SceneRequest(script=text) for text in ("{{ b }} {{ a }}", "{{ B }} {{ b }} {{{{ c }}"))
    assert filling.variables_in(VideoRequest(scenes=(*scenes, SceneRequest(pause_seconds=1)))) == (
        "b",
        "a",
        "B",
    )


@pytest.mark.parametrize(
    "script", ["{{ }}", "{{ a b }}", "{{ naïve }}", "{{ a }", "{{{ a }}}", "{{ " + "a" * 51 + " }}"]
)
def test_braces_that_begin_no_variable_are_a_fault(script: str) -> None:
    (fault,) = filling.faults_of(VideoRequest(scenes=(SceneRequest(script=f"Hello {script}"),)))
    assert (fault.code, fault.field) == ("INVALID", ("scenes", "0", "script"))
    assert "{{ name }}" in fault.message
    assert "{{{{ for two" in fault.message


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Ada", "Ada"),
        ("", ""),
        (7, "7"),
        (2.5, "2.5"),
        (3.0, "3"),
        (10**30, "1" + "0" * 30),
        (True, "true"),
        (False, "false"),
    ],
)
def test_text_numbers_true_and_false_are_values(value: object, text: str) -> None:
    assert filling.values_for(("a",), {"a": value}) == {"a": text}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, [("REQUIRED", ("variables", "first_name")), ("REQUIRED", ("variables", "n"))]),
        ({"first_name": "A", "n": 1, "N": 2}, [("NOT_FOUND", ("variables", "N"))]),
        (
            {"first_name": None, "n": [1]},
            [("INVALID", ("variables", "first_name")), ("INVALID", ("variables", "n"))],
        ),
        (
            {"first_name": "A" * 1001, "n": 10**5000},
            [("TOO_LONG", ("variables", "first_name")), ("TOO_LONG", ("variables", "n"))],
        ),
        ({"first_name": "A", "n": float("inf")}, [("INVALID", ("variables", "n"))]),
        (["first_name"], [("INVALID", ("variables",))]),
        (None, [("INVALID", ("variables",))]),
    ],
)
def test_each_missing_unknown_or_odd_value_is_told_by_its_name(
    given: object, expected: list[tuple[str, tuple[str, ...]]]
) -> None:
    with pytest.raises(InvalidInput) as error:
        filling.values_for(("first_name", "n"), given)
    assert [(fault.code.value, fault.field) for fault in error.value.faults] == expected


def test_a_flood_of_unknown_variables_is_answered_shortly() -> None:
    with pytest.raises(InvalidInput) as error:
        filling.values_for((), {f"{number}" + "x" * 1000: 1 for number in range(1000)})
    assert len(error.value.faults) == 100
    assert max(len(fault.message) for fault in error.value.faults) < 200


def test_a_page_of_variables_with_long_values_is_refused_before_it_fills_the_memory() -> None:
    with pytest.raises(InvalidInput) as error:
        said("{{a}}" * 200, a="x" * 1000)
    assert [fault.code.value for fault in error.value.faults] == ["TOO_LONG"]


def test_a_template_has_only_so_many_places_to_fill() -> None:
    def scenes(places: int) -> VideoRequest:
        return VideoRequest(scenes=tuple(SceneRequest(script="{{a}}" * 50) for _ in range(places // 50)))

    assert filling.faults_of(scenes(1000)) == []
    (fault,) = filling.faults_of(scenes(1050))
    assert (fault.code, fault.field) == ("TOO_LONG", ("scenes",))


async def test_a_template_makes_the_same_video_for_the_same_key_though_it_has_changed_since(
    database: Database, ada: UUID
) -> None:
    request = VideoRequest(script="Hello {{ name }}.", title="Greeting", metadata={"campaign": 7})
    template = await templates.create(database, ada, "Greeting", request, voices=INSTALLED)
    wanted = [Filling({"name": "Ben"}, idempotency_key="ben")]
    (first,) = await templates.create_videos(database, ada, template.id, wanted, voices=INSTALLED)
    assert isinstance(first, Video)
    assert (first.script, first.title, first.client_metadata) == ("Hello Ben.", "Greeting", {"campaign": 7})

    other = VideoRequest(script="Bye {{ first }} {{ last }}.")
    await templates.update(database, ada, template.id, "Parting", other, voices=INSTALLED)
    (again,) = await templates.create_videos(database, ada, template.id, wanted, voices=INSTALLED)
    (reused,) = await templates.create_videos(
        database,
        ada,
        template.id,
        [Filling({"first": "Ben", "last": "B"}, idempotency_key="ben")],
        voices=INSTALLED,
    )

    assert isinstance(again, Video)
    assert again.id == first.id
    assert isinstance(reused, InvalidInput)
    assert [fault.code for fault in reused.faults] == ["IDEMPOTENCY_KEY_REUSED"]
    assert await videos.count(database, ada, VideoFilter()) == 1


async def test_a_user_keeps_only_so_many_templates(database: Database, ada: UUID) -> None:
    async def keep(owner_id: UUID) -> str:
        try:
            await templates.create(
                database,
                owner_id,
                "T",
                VideoRequest(script="Hi"),
                voices=INSTALLED,
                quotas=Quotas(templates=2),
            )
        except InvalidInput as error:
            return str(error.faults[0].code)
        return "kept"

    assert [await keep(ada) for _ in range(3)] == ["kept", "kept", "LIMIT_EXCEEDED"]
