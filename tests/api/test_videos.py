import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.api.serving import Api

CREATE = """
mutation ($input: CreateVideoInput!) {
  createVideo(input: $input) {
    video { id status version }
    userErrors { code field message }
  }
}
"""
UPDATE = """
mutation ($id: ID!, $input: UpdateVideoInput!) {
  updateVideo(id: $id, input: $input) {
    video { id title version metadata quality scenes { script } }
    userErrors { code field }
  }
}
"""
CANCEL = "mutation ($id: ID!) { cancelVideo(id: $id) { video { status } userErrors { code field } } }"
RETRY = "mutation ($id: ID!) { retryVideo(id: $id) { video { status } userErrors { code field } } }"
DELETE = "mutation ($id: ID!) { deleteVideo(id: $id) { deletedId userErrors { code field } } }"
WHOLE = """
query ($id: ID!) {
  video(id: $id) {
    id title status stage progress queuePosition secondsLeft version script language quality aspectRatio
    captionStyle width height framesPerSecond metadata createdAt updatedAt startedAt completedAt
    durationSeconds fileSizeBytes processingSeconds sha256 url thumbnailUrl captionsUrl(format: SRT)
    voice { voiceId language gender engine }
    avatar { avatarId kind previewUrl }
    owner { email videosCount }
    scenes {
      index script startSeconds durationSeconds
      voice { voiceId } avatar { avatarId } background { color }
    }
    transcript { text }
    failure { code message isRetryable }
    qualityReport { loudnessLufs }
  }
}
"""


@pytest.fixture(scope="module")
def searched(address: str) -> Iterator[Api]:
    """Who has three videos whose words are hard to find."""
    with httpx.Client(base_url=address, timeout=30, trust_env=False) as http:
        api = Api(http).signed_in()
        create(api, script="L'école et/ou la maison.", metadata="one")
        create(api, script="Hello.", title="100% Straße", metadata="two")
        create(api, script="Hello again.", title="Ο ΜΕΓΆΛΟΣ snake_case \\", metadata="three")
        yield api


def create(api: Api, **input: Any) -> str:
    payload = api(CREATE, input={"script": "Hello there."} | input).data["createVideo"]
    assert payload["userErrors"] == []
    video_id: str = payload["video"]["id"]
    return video_id


def faults(api: Api, **input: Any) -> list[tuple[str, str]]:
    """Each fault's code and its field's path, with dots."""
    payload = api(CREATE, input=input).data["createVideo"]
    assert payload["video"] is None
    assert all(error["message"] for error in payload["userErrors"])
    return [(error["code"], ".".join(error["field"] or ())) for error in payload["userErrors"]]


def test_a_new_video_waits_with_every_default_filled_in(ada: Api) -> None:
    video = ada(WHOLE, id=create(ada, script="  Hello there. ", title=" A  title ")).data["video"]

    assert (video["status"], video["stage"], video["progress"]) == ("PENDING", "QUEUED", 0)
    assert video["queuePosition"] >= 1
    assert (video["title"], video["script"], video["language"]) == ("A title", "Hello there.", "en")
    assert (video["quality"], video["aspectRatio"], video["captionStyle"]) == (
        "MEDIUM",
        "LANDSCAPE",
        "SIMPLE",
    )
    assert (video["width"], video["height"], video["framesPerSecond"]) == (1280, 720, 25)
    assert video["voice"]["language"].startswith("en")
    assert video["avatar"]["kind"] == "DRAWN"
    assert video["owner"]["videosCount"] == 1
    (scene,) = video["scenes"]
    assert (scene["index"], scene["script"], scene["startSeconds"]) == (0, "Hello there.", None)
    assert scene["voice"] == {"voiceId": video["voice"]["voiceId"]}
    unfinished = (
        "secondsLeft startedAt completedAt durationSeconds fileSizeBytes processingSeconds sha256 url "
        "thumbnailUrl captionsUrl transcript failure qualityReport"
    )
    assert {name: video[name] for name in unfinished.split()} == dict.fromkeys(unfinished.split())


def test_scenes_take_from_the_video_what_they_do_not_say(ada: Api) -> None:
    avatars = ada("{ avatars { edges { node { avatarId } } } }").data["avatars"]["edges"]
    first, second = (edge["node"]["avatarId"] for edge in avatars[:2])
    scenes = [
        {"script": "One."},
        {"pauseSeconds": 0.5, "background": {"color": "#0af"}},
        {"script": "Three.", "avatarId": second},
    ]
    video_id = ada(
        CREATE, input={"scenes": scenes, "avatarId": first, "background": {"color": "#102030"}}
    ).data["createVideo"]["video"]["id"]

    video = ada(WHOLE, id=video_id).data["video"]
    assert video["script"] == "One.\nThree."
    assert [scene["script"] for scene in video["scenes"]] == ["One.", "", "Three."]
    assert [scene["background"]["color"] for scene in video["scenes"]] == ["#102030", "#00AAFF", "#102030"]
    assert [scene["avatar"]["avatarId"] for scene in video["scenes"]] == [first, first, second]


@pytest.mark.parametrize(
    ("input", "expected"),
    [
        ({"script": " \n\t "}, ("TOO_SHORT", "script")),
        ({"script": "a" * 1001}, ("TOO_LONG", "script")),
        # Marks whose normalization takes time that grows with their number's square.
        ({"script": "a" + "\u0301\u0323" * 80_000}, ("TOO_LONG", "script")),
        ({"script": "Hello\x07there"}, ("INVALID", "script")),
        ({"script": "Hello\x00there"}, ("INVALID", "script")),
        ({"script": "😀 🎉"}, ("INVALID", "script")),
        ({"script": "Hello.", "voiceId": "nobody"}, ("UNKNOWN_VOICE", "voiceId")),
        ({"script": "Hello.", "avatarId": "nobody"}, ("UNKNOWN_AVATAR", "avatarId")),
        ({"script": "Hello.", "language": "qaa"}, ("UNSUPPORTED_LANGUAGE", "language")),
        ({"script": "Hello.", "language": "not a tag"}, ("INVALID", "language")),
        ({"script": "Hello.", "speed": 3}, ("INVALID", "speed")),
        ({"script": "Hello.", "pitch": -13}, ("INVALID", "pitch")),
        ({"script": "Hello.", "background": {"color": "red"}}, ("INVALID", "background.color")),
        ({"script": "Hello.", "title": "a" * 201}, ("TOO_LONG", "title")),
        ({"script": "Hello.", "title": "a\x00b"}, ("INVALID", "title")),
        ({"script": "Hello.", "metadata": {"a": "x" * 4096}}, ("TOO_LONG", "metadata")),
        ({"script": "Hello.", "idempotencyKey": "x" * 256}, ("INVALID", "idempotencyKey")),
        ({"script": "Hello.", "idempotencyKey": "\0"}, ("INVALID", "idempotencyKey")),
        ({"scenes": [{"script": "Hello."}] * 51}, ("TOO_LONG", "scenes")),
        ({"scenes": []}, ("TOO_SHORT", "scenes")),
        ({"scenes": [{"script": "Hello."}], "script": "Hello."}, ("INVALID", "scenes")),
        ({"scenes": [{"script": "One."}, {"script": "Two.", "speed": 9}]}, ("INVALID", "scenes.1.speed")),
        ({"title": "Nothing to say"}, ("REQUIRED", "script")),
    ],
)
def test_each_fault_of_a_new_video_names_its_field(
    someone: Api, input: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert faults(someone, **input) == [expected]


def test_all_faults_come_at_once(someone: Api) -> None:
    found = faults(
        someone,
        scenes=[{"script": ""}, {"script": "Fine."}, {"script": "x", "avatarId": "nobody"}],
        voiceId="nobody",
        speed=3,
        title="a" * 300,
        idempotencyKey="",
    )
    assert set(found) == {
        ("TOO_SHORT", "scenes.0.script"),
        ("UNKNOWN_AVATAR", "scenes.2.avatarId"),
        ("UNKNOWN_VOICE", "voiceId"),
        ("INVALID", "speed"),
        ("TOO_LONG", "title"),
        ("INVALID", "idempotencyKey"),
    }


def test_an_unknown_avatar_is_told_where_all_that_may_be_chosen_are_listed(someone: Api) -> None:
    (error,) = someone(CREATE, input={"script": "Hi.", "avatarId": "nobody"}).data["createVideo"][
        "userErrors"
    ]
    assert error["message"] == (
        "There is no avatar 'nobody'. The query `avatars` lists them; `heygen-graphql voices` lists the "
        "built-in ones, after the voices."
    )


def test_a_script_that_the_voice_cannot_read_is_refused_and_never_garbled(someone: Api) -> None:
    assert faults(someone, script="Привет, мир", language="en") == [("UNSUPPORTED_LANGUAGE", "script")]


def test_a_key_answers_the_video_it_made_and_refuses_another_input(ada: Api, ben: Api) -> None:
    first = create(ada, idempotencyKey="a key")
    assert create(ada, idempotencyKey="a key") == first
    assert faults(ada, script="Something else.", idempotencyKey="a key") == [
        ("IDEMPOTENCY_KEY_REUSED", "idempotencyKey")
    ]
    # A key that was used is told of before the request's own faults are looked for.
    assert faults(ada, script="", idempotencyKey="a key") == [("IDEMPOTENCY_KEY_REUSED", "idempotencyKey")]
    assert create(ben, idempotencyKey="a key") != first


@pytest.mark.parametrize(
    "metadata",
    [
        {"list": [1, 2.5, None, True], "ключ": {"": "😀"}, "null": None},
        [2**53 + 1, -(2**70), 1e-300, 1.7976931348623157e308, 0.1, 1.0, -0.0],
        "text",
        0,
        False,
        [],
        {"\0": "\0 \u2028 \U0001f600 \x7f", "__proto__": {"constructor": 1}},
        {"a": {"b": {"c": [[[{"d": [{}]}]]]}}},
    ],
)
def test_metadata_is_handed_back_untouched(ada: Api, metadata: Any) -> None:
    answer = ada(WHOLE, id=create(ada, metadata=metadata))
    # As text, in which 1 and 1.0 are two things
    assert json.dumps(answer.data["video"]["metadata"]) == json.dumps(metadata)


def test_metadata_may_stand_in_the_document_itself(ada: Api) -> None:
    answer = ada(
        """
        mutation ($word: JSON) {
          createVideo(input: {
            script: "Hi.", metadata: { n: 12345678901234567890, f: 1.5, t: [true, null, "é"], word: $word }
          }) { video { metadata } userErrors { code } }
        }
        """,
        word={"a": [1]},
    )
    assert answer.data["createVideo"]["video"]["metadata"] == {
        "n": 12345678901234567890,
        "f": 1.5,
        "t": [True, None, "é"],
        "word": {"a": [1]},
    }


def created_by_text(api: Api, metadata: str) -> dict[str, Any]:
    """What a client that writes its JSON itself is answered."""
    variables = f'{{"input": {{"script": "Hi.", "metadata": {metadata}}}}}'
    document = CREATE.replace("id status", "id metadata status")
    body = f'{{"query": {json.dumps(document)}, "variables": {variables}}}'
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {api.token}"}
    payload: dict[str, Any] = api.http.post("/graphql", content=body, headers=headers).json()["data"]
    return payload["createVideo"]  # type: ignore[no-any-return]


def test_what_json_cannot_hold_is_no_metadata(someone: Api) -> None:
    (error,) = created_by_text(someone, '{"a": 1e999}')["userErrors"]
    assert (error["code"], error["field"]) == ("INVALID", ["metadata"])


def test_changes_leave_what_they_do_not_name_and_null_removes(ada: Api) -> None:
    video_id = create(ada, title="Before", metadata={"a": 1})
    kept = ada(UPDATE, id=video_id, input={"quality": "LOW"}).data["updateVideo"]
    assert (kept["video"]["title"], kept["video"]["metadata"]) == ("Before", {"a": 1})
    assert kept["video"]["quality"] == "LOW"
    removed = ada(UPDATE, id=video_id, input={"title": None, "metadata": None}).data["updateVideo"]
    assert (removed["video"]["title"], removed["video"]["metadata"]) == (None, None)
    assert removed["video"]["version"] > kept["video"]["version"]
    refused = ada(UPDATE, id=video_id, input={"script": " ", "voiceId": "nobody"}).data["updateVideo"]
    assert {(error["code"], error["field"][0]) for error in refused["userErrors"]} == {
        ("TOO_SHORT", "script"),
        ("UNKNOWN_VOICE", "voiceId"),
    }


def test_a_background_a_pace_and_a_pitch_are_changed_and_taken_back(ada: Api) -> None:
    video_id = create(ada, background={"color": "#102030"}, speed=1.5)

    def shown(**input: Any) -> tuple[str, bool]:
        payload = ada(UPDATE, id=video_id, input=input).data["updateVideo"]
        assert payload["userErrors"] == []
        (scene,) = ada(WHOLE, id=video_id).data["video"]["scenes"]
        return scene["background"]["color"], payload["video"]["version"]

    estimate = "query ($input: CreateVideoInput!) { estimateVideo(input: $input) { durationSeconds } }"
    assert ada(estimate, input={"script": "Hi.", "speed": 1}).data["estimateVideo"]["durationSeconds"] > 0
    assert shown(speed=0.5, pitch=-2)[0] == "#102030"
    assert shown(title="Kept")[0] == "#102030"
    assert shown(background=None)[0] == "#DFE7EE"
    assert shown(background={"color": "#0af"}, speed=None, pitch=None)[0] == "#00AAFF"
    refused = ada(UPDATE, id=video_id, input={"speed": 9, "pitch": 13}).data["updateVideo"]
    assert [error["field"] for error in refused["userErrors"]] == [["speed"], ["pitch"]]


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("ÉCOLE", {"one"}),
        ("école", {"one"}),
        ("E\u0301cole", {"one"}),
        ("STRASSE", {"two"}),
        ("μεγάλος", {"three"}),
        ("ΜΕΓΆΛΟΣ", {"three"}),
        ("100%", {"two"}),
        ("%", {"two"}),
        ("_", {"three"}),
        ("\\", {"three"}),
        ("/", {"one"}),
        ("nowhere", set()),
        ("", {"one", "two", "three"}),
    ],
)
def test_a_search_is_literal_and_knows_no_capitals_in_any_writing(
    searched: Api, search: str, expected: set[str]
) -> None:
    query = (
        "query ($filter: VideoFilter) { videos(filter: $filter) { totalCount edges { node { metadata } } } }"
    )
    found = searched(query, filter={"search": search}).data["videos"]
    assert {edge["node"]["metadata"] for edge in found["edges"]} == expected
    assert found["totalCount"] == len(expected)


def test_a_title_that_is_changed_is_found_by_its_new_words(ada: Api) -> None:
    video_id = create(ada, title="Before")
    ada(UPDATE, id=video_id, input={"title": "Nachher"})
    query = "query ($search: String) { videos(filter: { search: $search }) { totalCount } }"
    assert [ada(query, search=one).data["videos"]["totalCount"] for one in ("before", "NACHHER")] == [0, 1]


def test_a_video_is_canceled_once_retried_and_deleted(ada: Api) -> None:
    video_id = create(ada)
    not_failed = ada(RETRY, id=video_id).data["retryVideo"]
    canceled = ada(CANCEL, id=video_id).data["cancelVideo"]
    again = ada(CANCEL, id=video_id).data["cancelVideo"]
    retried = ada(RETRY, id=video_id).data["retryVideo"]
    deleted = ada(DELETE, id=video_id).data["deleteVideo"]

    assert not_failed["userErrors"] == [{"code": "NOT_RETRYABLE", "field": ["id"]}]
    assert canceled["video"]["status"] == "CANCELED"
    assert again["userErrors"] == [{"code": "VIDEO_ALREADY_FINISHED", "field": ["id"]}]
    assert retried["video"]["status"] == "PENDING"
    assert deleted == {"deletedId": video_id, "userErrors": []}
    assert ada(WHOLE, id=video_id).data["video"] is None
    assert ada("{ me { videosCount } }").data["me"]["videosCount"] == 0


def test_anothers_video_answers_as_one_that_does_not_exist(ada: Api, ben: Api) -> None:
    theirs = create(ada)
    for video_id in (theirs, "VmlkZW86bm90aGluZw==", "nonsense", ""):
        assert ben(WHOLE, id=video_id).data["video"] is None
        assert ben("query ($id: ID!) { node(id: $id) { id } }", id=video_id).data["node"] is None
        for mutation in (CANCEL, RETRY, DELETE):
            ((_, payload),) = ben(mutation, id=video_id).data.items()
            assert payload["userErrors"] == [{"code": "NOT_FOUND", "field": ["id"]}]
        updated = ben(UPDATE, id=video_id, input={"title": "Mine"}).data["updateVideo"]
        assert updated["userErrors"] == [{"code": "NOT_FOUND", "field": ["id"]}]
    assert ada(WHOLE, id=theirs).data["video"]["status"] == "PENDING"


def test_links_may_not_live_too_short_or_too_long(ada: Api) -> None:
    query = "query ($id: ID!, $seconds: Int) { video(id: $id) { url(expiresInSeconds: $seconds) } }"
    video_id = create(ada)
    assert ada(query, id=video_id, seconds=59).code == "BAD_USER_INPUT"
    assert ada(query, id=video_id, seconds=604_801).code == "BAD_USER_INPUT"
    assert ada(query, id=video_id, seconds=60).data["video"]["url"] is None
