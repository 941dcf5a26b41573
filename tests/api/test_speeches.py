import io
from typing import Any
from urllib.parse import urlsplit

import av
import httpx
import numpy as np
import pytest

from heygen_graphql.settings import Settings
from tests.api.serving import Api, changed, served

PREVIEW = """
mutation ($input: PreviewSpeechInput!) {
  previewSpeech(input: $input) {
    audioUrl durationSeconds
    words { text startSeconds endSeconds sceneIndex }
    userErrors { code field message }
  }
}
"""
VOICES = """
query ($filter: VoiceFilter) {
  voices(first: 100, filter: $filter) { edges { node { voiceId sampleUrl } } }
}
"""


def path_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def heard(content: bytes) -> tuple[float, float]:
    """Its length in seconds, and the loudest sample."""
    with av.open(io.BytesIO(content), "r") as file:
        (stream,) = file.streams.audio
        assert (stream.codec_context.name, stream.rate) == ("aac", 48_000)
        sound = np.concatenate([frame.to_ndarray()[0] for frame in file.decode(stream)])
    return len(sound) / 48_000, float(np.abs(sound).max())


def test_a_script_is_heard_with_the_time_of_each_word(ada: Api) -> None:
    script = "One, two, three."
    payload = ada(PREVIEW, input={"script": f" {script}\n"}).data["previewSpeech"]
    assert payload["userErrors"] == []
    words = payload["words"]
    assert [word["text"] for word in words] == script.split()
    assert {word["sceneIndex"] for word in words} == {0}
    times = [time for word in words for time in (word["startSeconds"], word["endSeconds"])]
    assert times == sorted(times)
    assert times[-1] <= payload["durationSeconds"]

    got = ada.http.get(path_of(payload["audioUrl"]))
    assert got.headers["content-type"] == "audio/mp4"
    seconds, loudest = heard(got.content)
    assert seconds == pytest.approx(payload["durationSeconds"], abs=0.06)
    assert 0.1 < loudest < 1

    fast = ada(PREVIEW, input={"script": script, "speed": 2, "voiceId": "espeak-de"}).data["previewSpeech"]
    assert fast["durationSeconds"] < payload["durationSeconds"]


@pytest.mark.parametrize(
    ("input", "expected"),
    [
        ({"script": " "}, [("TOO_SHORT", ["script"])]),
        ({"script": "a" * 1001}, [("TOO_LONG", ["script"])]),
        ({"script": "Hi.", "speed": 3, "pitch": 13}, [("INVALID", ["speed"]), ("INVALID", ["pitch"])]),
        ({"script": "Hi.", "voiceId": "nobody"}, [("UNKNOWN_VOICE", ["voiceId"])]),
        ({"script": "Hi.", "language": "qaa"}, [("UNSUPPORTED_LANGUAGE", ["language"])]),
        ({"script": "Привет"}, [("UNSUPPORTED_LANGUAGE", ["script"])]),
    ],
)
def test_each_fault_of_a_preview_names_its_field(
    someone: Api, input: dict[str, Any], expected: list[tuple[str, list[str]]]
) -> None:
    payload = someone(PREVIEW, input=input).data["previewSpeech"]
    assert [(error["code"], error["field"]) for error in payload["userErrors"]] == expected
    assert (payload["audioUrl"], payload["durationSeconds"], payload["words"]) == (None, None, None)


def test_a_voice_is_heard_by_whoever_has_the_link_and_spoken_once(
    anyone: Api, api_settings: Settings
) -> None:
    edges = anyone(VOICES, filter={"language": "sv"}).data["voices"]["edges"]
    address = path_of(edges[0]["node"]["sampleUrl"])
    first, second = anyone.http.get(address), anyone.http.get(address)
    assert (first.status_code, first.headers["content-type"]) == (200, "audio/mp4")
    assert 0.5 < heard(first.content)[0] < 6
    assert second.headers["etag"] == first.headers["etag"]
    assert len(list((api_settings.data_dir / "files" / "voices").glob("*/*.m4a"))) == 1
    assert anyone.http.get(address.replace("signature=", "signature=0")).status_code == 403


def test_previews_count_as_renders_do_and_nobody_has_one_without_signing_in(api_settings: Settings) -> None:
    with (
        served(changed(api_settings, videos_per_minute=1)) as address,
        httpx.Client(base_url=address, trust_env=False, timeout=30) as http,
    ):
        api = Api(http).signed_in()
        input = {"script": "Hi.", "voiceId": "espeak-de"}
        assert api(PREVIEW, input=input).data["previewSpeech"]["userErrors"] == []
        assert api(PREVIEW, input=input).code == "RATE_LIMITED"
        assert Api(http)(PREVIEW, input=input).code == "UNAUTHENTICATED"


def test_an_endpoints_voices_are_listed_for_all_and_their_paid_samples_for_who_has_signed_in(
    api_settings: Settings,
) -> None:
    with (
        served(changed(api_settings, openai_api_key="sk-test")) as address,
        httpx.Client(base_url=address, timeout=30, trust_env=False) as http,
    ):
        anyone = Api(http)
        samples: dict[bool, dict[str, str | None]] = {}
        for is_signed_in, api in ((False, anyone), (True, anyone.signed_in())):
            edges = api(VOICES, filter={"engine": "openai"}).data["voices"]["edges"]
            samples[is_signed_in] = {edge["node"]["voiceId"]: edge["node"]["sampleUrl"] for edge in edges}
        assert samples[False].keys() == samples[True].keys() >= {"openai-alloy"}
        assert set(samples[False].values()) == {None}
        assert all(samples[True].values())


def test_a_voice_that_fails_is_told_as_a_passing_fault_without_what_its_engine_said(
    api_settings: Settings, address: str
) -> None:
    # Ours, which is no speech endpoint.
    broken = changed(api_settings, openai_api_key="sk-test", openai_base_url=f"{address}/v1")
    with (
        served(broken) as own_address,
        httpx.Client(base_url=own_address, trust_env=False, timeout=60) as http,
    ):
        answer = Api(http).signed_in()(PREVIEW, input={"script": "Hi.", "voiceId": "openai-alloy"})
        assert answer.code == "UNAVAILABLE"
        assert answer.error["extensions"]["retryAfter"] > 0
        assert "openai-alloy" in answer.error["message"]
        assert address not in answer.error["message"]
