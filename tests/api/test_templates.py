"""Templates, from the variables in their scripts to the videos made of them."""

from typing import Any

import pytest

from tests.api.serving import Api

CREATE = """
mutation ($input: CreateTemplateInput!) {
  createTemplate(input: $input) {
    template {
      id name variables createdAt
      scenes { index script startSeconds voice { voiceId } avatar { avatarId } background { color } }
    }
    userErrors { code field message }
  }
}
"""
UPDATE = """
mutation ($id: ID!, $input: CreateTemplateInput!) {
  updateTemplate(id: $id, input: $input) { template { id name variables } userErrors { code field } }
}
"""
EDIT = """
query ($id: ID!) {
  node(id: $id) {
    ... on Template {
      name createdAt updatedAt title language quality aspectRatio captionStyle metadata
      scenes {
        script pauseSeconds speed pitch voice { voiceId } avatar { avatarId } background { color }
      }
    }
  }
}
"""
DELETE = "mutation ($id: ID!) { deleteTemplate(id: $id) { deletedId userErrors { code field } } }"
MAKE = """
mutation ($id: ID!, $input: TemplateVideoInput!) {
  createVideoFromTemplate(id: $id, input: $input) {
    video { id title script metadata status quality scenes { script } }
    userErrors { code field message }
  }
}
"""
MAKE_SOME = """
mutation ($id: ID!, $inputs: [TemplateVideoInput!]!) {
  createVideosFromTemplate(id: $id, inputs: $inputs) {
    results { video { id script } userErrors { code field } }
    userErrors { code field }
  }
}
"""
LIST = """
query ($first: Int, $after: String) {
  templates(first: $first, after: $after) {
    totalCount edges { node { id name variables } } pageInfo { hasNextPage endCursor }
  }
}
"""
NODE = "query ($id: ID!) { node(id: $id) { id ... on Template { name variables scenes { script } } } }"
GREETING = {
    "scenes": [
        {"script": "Hello {{ first_name }} of {{team}}!"},
        {"script": "{{ first_name }}, {{{{ bye }}."},
    ],
    "quality": "LOW",
    "title": "Greeting",
    "metadata": {"campaign": 7},
}


def kept(api: Api, name: str = "A greeting", **video: Any) -> str:
    payload = api(CREATE, input={"name": name, "video": video or GREETING}).data["createTemplate"]
    assert payload["userErrors"] == []
    template_id: str = payload["template"]["id"]
    return template_id


def entered(scene: dict[str, Any]) -> dict[str, Any]:
    """The input that says what a scene shows."""
    return {
        "script": scene["script"] or None,
        "voiceId": scene["voice"]["voiceId"],
        "avatarId": scene["avatar"]["avatarId"],
        **{name: scene[name] for name in ("pauseSeconds", "speed", "pitch", "background")},
    }


def faults(payload: dict[str, Any]) -> list[tuple[str, str]]:
    return [(error["code"], ".".join(error["field"] or ())) for error in payload["userErrors"]]


def made(api: Api, template_id: str, **input: Any) -> dict[str, Any]:
    payload: dict[str, Any] = api(MAKE, id=template_id, input=input).data["createVideoFromTemplate"]
    return payload


def test_a_template_shows_its_variables_and_its_scenes_with_the_names_in_place(ada: Api) -> None:
    payload = ada(CREATE, input={"name": "  A  greeting ", "video": GREETING}).data["createTemplate"]
    template = payload["template"]
    assert (template["name"], template["variables"]) == ("A greeting", ["first_name", "team"])
    assert [scene["script"] for scene in template["scenes"]] == [
        "Hello {{ first_name }} of {{team}}!",
        "{{ first_name }}, {{{{ bye }}.",
    ]
    scene = template["scenes"][0]
    assert (scene["startSeconds"], scene["background"]) == (None, {"color": "#DFE7EE"})
    assert scene["voice"]["voiceId"]
    assert scene["avatar"]["avatarId"]
    assert ada(NODE, id=template["id"]).data["node"]["variables"] == ["first_name", "team"]


def test_what_a_template_shows_fills_the_form_that_replaces_it(ada: Api) -> None:
    video: dict[str, Any] = {
        "scenes": [
            {"script": "Hallo {{ name }}.", "speed": 1.25, "pitch": -2.5},
            {"pauseSeconds": 1.5},
        ],
        "title": "Greeting",
        "language": "de",
        "quality": "LOW",
        "aspectRatio": "SQUARE",
        "captionStyle": "KARAOKE",
        "metadata": {"campaign": 7},
        "speed": 0.75,
    }
    template_id = kept(ada, **video)
    shown = ada(EDIT, id=template_id).data["node"]
    labels = ("title", "language", "quality", "aspectRatio", "captionStyle", "metadata")
    assert {name: shown[name] for name in labels} == {name: video[name] for name in labels}
    paces = [(scene["pauseSeconds"], scene["speed"], scene["pitch"]) for scene in shown["scenes"]]
    assert paces == [(None, 1.25, -2.5), (1.5, 0.75, 0)]
    assert shown["updatedAt"] == shown["createdAt"]

    form = {name: shown[name] for name in labels} | {"scenes": [entered(scene) for scene in shown["scenes"]]}
    replaced = ada(UPDATE, id=template_id, input={"name": shown["name"], "video": form}).data
    assert replaced["updateTemplate"]["userErrors"] == []
    again = ada(EDIT, id=template_id).data["node"]
    assert again.pop("updatedAt") > shown.pop("updatedAt")
    assert again == shown


def test_a_template_that_says_no_more_than_a_script_shows_what_it_is_made_with(ada: Api) -> None:
    shown = ada(EDIT, id=kept(ada, script="Hi.")).data["node"]
    assert (shown["title"], shown["metadata"], shown["language"]) == (None, None, "en")
    assert (shown["quality"], shown["aspectRatio"], shown["captionStyle"]) == (
        "MEDIUM",
        "LANDSCAPE",
        "SIMPLE",
    )


def test_a_video_is_made_of_it_with_every_variable_replaced(ada: Api) -> None:
    template_id = kept(ada)
    video = made(ada, template_id, variables={"first_name": "Ben", "team": 7})["video"]
    assert [scene["script"] for scene in video["scenes"]] == ["Hello Ben of 7!", "Ben, {{ bye }}."]
    assert (video["title"], video["metadata"], video["quality"]) == ("Greeting", {"campaign": 7}, "LOW")
    own = made(
        ada, template_id, variables={"first_name": "{{team}}", "team": True}, title="For Ben", metadata=[1]
    )["video"]
    assert own["script"] == "Hello {{team}} of true!\n{{team}}, {{ bye }}."
    assert (own["title"], own["metadata"]) == ("For Ben", [1])


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, {("REQUIRED", "variables.first_name"), ("REQUIRED", "variables.team")}),
        ({"first_name": "A", "team": "B", "firstName": "C"}, {("NOT_FOUND", "variables.firstName")}),
        (
            {"first_name": None, "team": {}},
            {("INVALID", "variables.first_name"), ("INVALID", "variables.team")},
        ),
        ({"first_name": "A", "team": "x" * 1001}, {("TOO_LONG", "variables.team")}),
        # The sum of both is too long for the first scene, which says two variables.
        ({"first_name": "A" * 600, "team": "x" * 600}, {("TOO_LONG", "variables")}),
        # ... and the second says one alone.
        (
            {"first_name": "A" * 995, "team": ""},
            {("TOO_LONG", "variables"), ("TOO_LONG", "variables.first_name")},
        ),
        (
            {"first_name": "A\u0007", "team": "B"},
            {("INVALID", "variables"), ("INVALID", "variables.first_name")},
        ),
        ("Ben", {("INVALID", "variables")}),
        ([], {("INVALID", "variables")}),
    ],
)
def test_what_is_wrong_with_the_values_is_told_of_the_variables(
    ada: Api, variables: Any, expected: set[tuple[str, str]]
) -> None:
    payload = made(ada, kept(ada), variables=variables)
    assert payload["video"] is None
    assert set(faults(payload)) == expected
    assert all(error["message"] for error in payload["userErrors"])


def test_the_videos_own_fields_are_checked_as_any_videos(ada: Api) -> None:
    values = {"first_name": "Ben", "team": "A"}
    payload = made(ada, kept(ada), variables=values, title="t" * 201, metadata="m" * 5000)
    assert set(faults(payload)) == {("TOO_LONG", "title"), ("TOO_LONG", "metadata")}
    payload = made(ada, kept(ada), variables=values, idempotencyKey="")
    assert faults(payload) == [("INVALID", "idempotencyKey")]
    payload = made(ada, kept(ada), variables=values | {"nome": "B"}, idempotencyKey="")
    assert set(faults(payload)) == {("NOT_FOUND", "variables.nome"), ("INVALID", "idempotencyKey")}


@pytest.mark.parametrize(
    ("input", "expected"),
    [
        ({"name": " ", "video": {"script": "Hi."}}, {("TOO_SHORT", "name")}),
        ({"name": "n" * 101, "video": {"script": "Hi."}}, {("TOO_LONG", "name")}),
        ({"name": "a\0b", "video": {"script": "Hi."}}, {("INVALID", "name")}),
        ({"name": "T", "video": {}}, {("REQUIRED", "video.script")}),
        ({"name": "T", "video": {"script": "Hello {{ }}"}}, {("INVALID", "video.script")}),
        (
            {"name": "", "video": {"scenes": [{"script": "{{ a"}, {}], "voiceId": "nobody", "speed": 9}},
            {
                ("TOO_SHORT", "name"),
                ("INVALID", "video.scenes.0.script"),
                ("REQUIRED", "video.scenes.1.script"),
                ("UNKNOWN_VOICE", "video.voiceId"),
                ("INVALID", "video.speed"),
            },
        ),
        ({"name": "T", "video": {"script": "x" * 1001}}, {("TOO_LONG", "video.script")}),
        ({"name": "T", "video": {"script": "Привет {{ a }}"}}, {("UNSUPPORTED_LANGUAGE", "video.script")}),
        (
            {"name": "T", "video": {"script": "Hi.", "idempotencyKey": "k"}},
            {("INVALID", "video.idempotencyKey")},
        ),
        (
            {"name": "", "video": {"script": "Hello {{ Name }} {{", "idempotencyKey": "k", "background": {}}},
            {
                ("TOO_SHORT", "name"),
                ("INVALID", "video.script"),
                ("INVALID", "video.background"),
                ("INVALID", "video.idempotencyKey"),
            },
        ),
        (
            {"name": "T", "video": {"scenes": [{"script": " ".join(f"{{{{v{n}}}}}" for n in range(101))}]}},
            {("TOO_LONG", "video.scenes")},
        ),
    ],
)
def test_a_template_is_checked_as_far_as_it_can_be_without_values(
    someone: Api, input: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    payload = someone(CREATE, input=input).data["createTemplate"]
    assert payload["template"] is None
    assert set(faults(payload)) == expected


def test_a_script_may_be_one_variable_in_any_language(ada: Api) -> None:
    for language, word in (("en", "Hello"), ("ja", "こんにちは"), ("ar", "مرحبا")):
        template_id = kept(ada, script="{{ all }}", language=language)
        assert made(ada, template_id, variables={"all": word})["video"]["script"] == word
    refused = made(ada, template_id, variables={"all": "Привет"})
    assert faults(refused) == [("UNSUPPORTED_LANGUAGE", "variables.all")]
    assert faults(made(ada, template_id, variables={"all": "  "})) == [("TOO_SHORT", "variables.all")]


def test_many_are_made_of_one_each_standing_or_falling_alone(ada: Api) -> None:
    template_id = kept(ada, script="Hello {{ name }}.")
    inputs: list[dict[str, Any]] = [
        {"variables": {"name": "Ada"}, "idempotencyKey": "a"},
        {"variables": {"nome": "Ben"}},
        {"variables": {"name": "Cleo"}},
        {"variables": {"name": "Ada"}, "idempotencyKey": "a"},
    ]
    payload = ada(MAKE_SOME, id=template_id, inputs=inputs).data["createVideosFromTemplate"]
    first, bad, third, again = payload["results"]
    assert [first["video"]["script"], third["video"]["script"]] == ["Hello Ada.", "Hello Cleo."]
    assert again["video"]["id"] == first["video"]["id"]
    assert set(faults(bad)) == {("REQUIRED", "variables.name"), ("NOT_FOUND", "variables.nome")}
    assert made(ada, template_id, **inputs[0])["video"]["id"] == first["video"]["id"]
    for count, code in ((0, "TOO_SHORT"), (101, "TOO_LONG")):
        refused = ada(MAKE_SOME, id=template_id, inputs=inputs[:1] * count).data["createVideosFromTemplate"]
        assert (refused["results"], faults(refused)) == ([], [(code, "inputs")])


def test_templates_are_listed_changed_and_deleted_and_their_videos_stay(ada: Api) -> None:
    ids = [kept(ada, f"Number {number}", script="Hi {{ a }}.") for number in range(3)]
    page = ada(LIST, first=2).data["templates"]
    assert page["totalCount"] == 3
    assert [edge["node"]["id"] for edge in page["edges"]] == [ids[2], ids[1]]
    rest = ada(LIST, first=2, after=page["pageInfo"]["endCursor"]).data["templates"]
    assert [edge["node"]["id"] for edge in rest["edges"]] == [ids[0]]

    video_id = made(ada, ids[0], variables={"a": "Ben"})["video"]["id"]
    changed = ada(UPDATE, id=ids[0], input={"name": "New", "video": {"script": "{{ b }}{{ a }}"}}).data
    assert changed["updateTemplate"]["template"] == {"id": ids[0], "name": "New", "variables": ["b", "a"]}
    assert ada(DELETE, id=ids[0]).data["deleteTemplate"] == {"deletedId": ids[0], "userErrors": []}
    assert faults(ada(DELETE, id=ids[0]).data["deleteTemplate"]) == [("NOT_FOUND", "id")]
    video = ada("query ($id: ID!) { video(id: $id) { script } }", id=video_id).data["video"]
    assert video == {"script": "Hi Ben."}


def test_anothers_template_answers_as_one_that_does_not_exist(ada: Api, ben: Api) -> None:
    theirs = kept(ada, script="Hi.")
    for template_id in (theirs, "VGVtcGxhdGU6eA==", "nonsense"):
        assert ben(NODE, id=template_id).data["node"] is None
        answers = [
            ben(DELETE, id=template_id),
            ben(UPDATE, id=template_id, input={"name": "Mine", "video": {"script": "Hi."}}),
            ben(MAKE, id=template_id, input={"variables": {}}),
            ben(MAKE_SOME, id=template_id, inputs=[{"variables": {}}]),
        ]
        for answer in answers:
            ((_, payload),) = answer.data.items()
            assert faults(payload) == [("NOT_FOUND", "id")]
    assert ben(LIST).data["templates"]["edges"] == []
