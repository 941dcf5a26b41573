"""What the README says to paste works when it is pasted."""

import re
from pathlib import Path

import pytest
from graphql import parse

import heygen_graphql
from heygen_graphql.settings import Settings
from tests.client import signed_up
from tests.conftest import StartServer

README = (Path(heygen_graphql.__file__).parents[1] / "README.md").read_text(encoding="utf-8")
OPERATIONS = re.findall(r"```graphql\n(.*?)```", README, re.DOTALL)


async def test_every_operation_of_the_readme_works(server: StartServer) -> None:
    sign_up, create, watch, look_up = OPERATIONS
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

        film = (await client.execute(look_up.replace("<id>", video["video"]["id"])))["video"]
        assert film["status"] == "COMPLETED"
        assert (await client.http.get(film["url"])).status_code == 200

        page = await client.http.get("/graphql", headers={"Accept": "text/html"})
        assert page.headers["content-type"].startswith("text/html")
        assert "/graphiql/main.js" in page.text


def test_the_readmes_curl_command_is_a_query() -> None:
    (body,) = re.findall(r'-d \'\{"query": "(.*)"\}\'', README)
    assert parse(body)


def test_the_readme_names_every_setting_and_its_default() -> None:
    table = README.split("## Configuration")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`[^|]*`) \| ([^|]*) \|", table, re.MULTILINE)
    told = {
        name: default
        for names, defaults in rows
        for name, default in zip(re.findall("`([A-Z_]+)`", names), defaults.split(", "), strict=True)
    }
    assert {name.upper() for name in Settings.model_fields} == told.keys()
    # Where the default is a value, and not put in words.
    for name, default in told.items():
        if default.startswith("`"):
            assert in_words(Settings.model_fields[name.lower()].default) == default.strip("`"), name


def in_words(value: object) -> str:
    """As the environment would say it."""
    match value:
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case tuple():
            return ",".join(map(in_words, value))
    return str(value)


@pytest.mark.parametrize("path", re.findall(r"!\[[^]]*\]\((.*?)\)", README))
def test_the_readmes_pictures_are_there(path: str) -> None:
    picture = (Path(heygen_graphql.__file__).parents[1] / path).read_bytes()
    assert picture.startswith(b"\xff\xd8\xff")
    assert len(picture) < 200_000
