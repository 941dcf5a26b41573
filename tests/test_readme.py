"""What the README says to paste works when it is pasted."""

import re
from pathlib import Path

import pytest
from graphql import parse

import heygen_graphql
from heygen_graphql.settings import Settings
from tests.client import signed_up
from tests.conftest import StartServer
from tests.portrait import portrait_of

README = (Path(heygen_graphql.__file__).parents[1] / "README.md").read_text(encoding="utf-8")
OPERATIONS = re.findall(r"```graphql\n(.*?)```", README, re.DOTALL)


async def test_every_operation_of_the_readme_works(server: StartServer) -> None:
    sign_up, create, watch, look_up, scenes, announce, complete, photo_avatar = OPERATIONS
    one = server("serve", DEBUG="true")
    async with signed_up(one.url) as client:
        session = (await client.execute(sign_up))["signUp"]
        assert session["userErrors"] == []
        client.http.headers["Authorization"] = f"Bearer {session['session']['accessToken']}"

        # The same film, but small: this test is about words.
        video = (await client.execute(create.replace("HIGH", "LOW")))["createVideo"]
        assert video["userErrors"] == []
        operation = watch.replace("<id>", video["video"]["id"])
        statuses = [event["video"]["status"] async for event in client.follow(operation, "videoStatus")]
        assert statuses[-1] == "COMPLETED"

        assert (await client.execute(look_up))["videos"]["totalCount"] == 1
        assert (await client.execute(scenes))["createVideo"]["userErrors"] == []

        portrait = portrait_of("oliver", form="JPEG")
        announced = (await client.execute(announce.replace("123456", str(len(portrait)))))["createUpload"]
        assert announced["userErrors"] == []
        sent = await client.http.put(
            announced["uploadUrl"], content=portrait, headers=announced["uploadHeaders"]
        )
        assert sent.status_code == 200
        for operation in (complete, photo_avatar):
            answer = await client.execute(operation.replace("<id>", announced["asset"]["id"]))
            assert [payload["userErrors"] for payload in answer.values()] == [[]]

        page = await client.http.get("/graphql", headers={"Accept": "text/html"})
        assert page.headers["content-type"].startswith("text/html")
        assert "/graphiql/main.js" in page.text


def test_the_readmes_curl_command_is_a_query() -> None:
    (body,) = re.findall(r'-d \'\{"query": "(.*)"\}\'', README)
    assert parse(body)


def test_the_readme_names_every_setting() -> None:
    table = README.split("## Configuration")[1].split("\n## ")[0]
    told = set(re.findall(r"`([A-Z_]+)`", table))
    assert {name.upper() for name in Settings.model_fields} == told


@pytest.mark.parametrize("path", re.findall(r"!\[[^]]*\]\((.*?)\)", README))
def test_the_readmes_pictures_are_there(path: str) -> None:
    picture = (Path(heygen_graphql.__file__).parents[1] / path).read_bytes()
    assert picture.startswith(b"\xff\xd8\xff")
    assert len(picture) < 200_000
