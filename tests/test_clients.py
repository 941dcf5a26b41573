"""The tools that strangers generate clients with take the schema, and what they generate works."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import httpx
import pytest

import heygen_graphql
from heygen_graphql.web import node
from tests.api.serving import Api
from tests.node_programs import DIRECTORY as NODE_DIRECTORY
from tests.servers import HeygenServer, clean_environment, free_port

ROOT = Path(heygen_graphql.__file__).parents[1]
CODEGEN = Path(sys.prefix) / "codegen" / "bin"
CREATE_KEY = """
mutation { createApiKey(input: { name: "example" }) { key userErrors { message } } }
"""
# A list with pages, a detail that can be asked for anew, a mutation and a subscription, as Relay has them.
FILMS_JS = """
import { graphql } from 'relay-runtime';

export const query = graphql`
  query FilmsQuery($count: Int!) { me { ...Films_user @arguments(count: $count) } }
`;

export const films = graphql`
  fragment Films_user on User
    @argumentDefinitions(count: { type: "Int", defaultValue: 10 }, cursor: { type: "String" })
    @refetchable(queryName: "FilmsPaginationQuery") {
    videos(first: $count, after: $cursor) @connection(key: "Films_videos") {
      edges { node { ...Films_video } }
    }
  }
`;

export const film = graphql`
  fragment Films_video on Video @refetchable(queryName: "FilmsVideoQuery") {
    title status scenes { script } voice { name } owner { id }
  }
`;

export const create = graphql`
  mutation FilmsCreateMutation($input: CreateVideoInput!, $connections: [ID!]!) {
    createVideo(input: $input) {
      video @prependNode(connections: $connections, edgeTypeName: "VideoEdge") { id ...Films_video }
      userErrors { code field message }
    }
  }
`;

export const status = graphql`
  subscription FilmsSubscription($id: ID!) { videoStatus(id: $id) { version video { ...Films_video } } }
`;
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HeygenServer]:
    directory = tmp_path_factory.mktemp("clients")
    one = HeygenServer("serve", clean_environment(DATA_DIR=str(directory / "data")), directory, free_port())
    yield one
    one.close()


@pytest.fixture(scope="module")
def ada(running: HeygenServer) -> Iterator[Api]:
    with httpx.Client(base_url=running.url, timeout=30, trust_env=False) as http:
        yield Api(http).signed_in()


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    """A copy of docs/clients with the schema where it says that it is, and nothing generated."""
    clients = tmp_path / "docs" / "clients"
    generated = shutil.ignore_patterns("heygen_client", "generated.ts", "dist", "node_modules")
    shutil.copytree(ROOT / "docs" / "clients", clients, ignore=generated)
    shutil.copy(ROOT / "schema.graphql", tmp_path)
    (clients / "typescript" / "node_modules").symlink_to(NODE_DIRECTORY / "node_modules")
    return clients


def run(*command: str | Path, directory: Path, **environment: str) -> str:
    """What it printed."""
    # The server is on this machine: no proxy is asked.
    variables = node.find().environment | {"NO_PROXY": "*"} | environment
    done = subprocess.run(
        command,
        cwd=directory,
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def npx(*command: str | Path, directory: Path, **environment: str) -> str:
    """A program of the packages of tests/node."""
    program, *arguments = command
    return run(
        NODE_DIRECTORY / "node_modules" / ".bin" / program, *arguments, directory=directory, **environment
    )


def seconds_of_film(path: Path) -> float:
    with av.open(str(path)) as film:
        assert film.duration is not None
        assert film.streams.video
        return film.duration / av.time_base


def test_the_python_example_makes_a_video_and_saves_it(
    running: HeygenServer, ada: Api, examples: Path
) -> None:
    # Given a key, and the client that ariadne-codegen makes
    key = ada(CREATE_KEY).data["createApiKey"]["key"]
    python = examples / "python"
    run(CODEGEN / "ariadne-codegen", directory=python)

    # When the example is run
    environment = {"HEYGEN_URL": running.url, "HEYGEN_API_KEY": key}
    told = run(sys.executable, "make_video.py", "One, two, three.", "a.mp4", directory=python, **environment)

    # Then it tells how the video comes along, and the film is there
    assert told.splitlines()[-1].startswith("COMPLETED")
    assert seconds_of_film(python / "a.mp4") > 0.5


def test_the_typescript_example_makes_a_video_and_saves_it(
    running: HeygenServer, ada: Api, examples: Path
) -> None:
    # Given a key, and the client that graphql-codegen makes and the compiler takes
    key = ada(CREATE_KEY).data["createApiKey"]["key"]
    typescript = examples / "typescript"
    npx("graphql-codegen", "--config", "codegen.json", directory=typescript)
    npx("tsc", directory=typescript)

    # When the example is run
    environment = {"HEYGEN_URL": running.url, "HEYGEN_API_KEY": key}
    script = "dist/make-video.js"
    told = run(node.find().node, script, "Four, five, six.", "a.mp4", directory=typescript, **environment)

    # Then it tells how the video comes along, and the film is there
    assert told.splitlines()[-1].startswith("COMPLETED")
    assert seconds_of_film(typescript / "a.mp4") > 0.5


def test_the_examples_tell_what_was_wrong_with_a_request(
    running: HeygenServer, ada: Api, examples: Path
) -> None:
    key = ada(CREATE_KEY).data["createApiKey"]["key"]
    python = examples / "python"
    run(CODEGEN / "ariadne-codegen", directory=python)
    refused = subprocess.run(
        [sys.executable, "make_video.py", "x" * 1001, "a.mp4"],
        cwd=python,
        env=clean_environment(NO_PROXY="*", HEYGEN_URL=running.url, HEYGEN_API_KEY=key),
        capture_output=True,
        text=True,
    )
    assert refused.returncode == 1
    assert "at most 1,000 are allowed" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_relays_compiler_takes_the_schema_and_its_operations_work(ada: Api, tmp_path: Path) -> None:
    # Given a Relay project whose operations the compiler writes to a file
    shutil.copy(ROOT / "schema.graphql", tmp_path)
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "Films.js").write_text(FILMS_JS)
    config = {"src": "./src", "schema": "./schema.graphql", "language": "javascript"}
    (tmp_path / "operations.json").write_text("{}")
    kept = {"persistConfig": {"file": "./operations.json", "algorithm": "SHA256"}}
    (tmp_path / "relay.config.json").write_text(json.dumps(config | kept))
    npx("relay-compiler", directory=tmp_path)
    documents = json.loads((tmp_path / "operations.json").read_text()).values()
    operations = {re.findall(r"(?:query|mutation|subscription) (\w+)", one)[0]: one for one in documents}
    assert len(operations) == 5

    def execute(name: str, **variables: Any) -> Any:
        return ada(operations[name], **variables).data

    # When a video is made, the list read page by page and one of its entries again
    made = execute("FilmsCreateMutation", input={"script": "One."})["createVideo"]
    other = execute("FilmsCreateMutation", input={"script": "Two."})["createVideo"]
    assert made["userErrors"] == other["userErrors"] == []
    me = execute("FilmsQuery", count=1)["me"]
    page = me["videos"]
    rest = execute("FilmsPaginationQuery", id=me["id"], count=10, cursor=page["pageInfo"]["endCursor"])
    film = execute("FilmsVideoQuery", id=made["video"]["id"])["node"]

    # Then all of it is what Relay looks for
    assert page["pageInfo"]["hasNextPage"] is True
    assert page["edges"][0]["node"]["id"] == other["video"]["id"]
    assert made["video"]["id"] in [edge["node"]["id"] for edge in rest["node"]["videos"]["edges"]]
    assert film["__typename"] == "Video"
    assert film["owner"]["id"] == me["id"]


def test_every_type_of_the_schema_can_be_generated(tmp_path: Path) -> None:
    (tmp_path / "node_modules").symlink_to(NODE_DIRECTORY / "node_modules")
    # Given the tools' own defaults, by which all inputs and enums are generated, used or not
    shutil.copy(ROOT / "schema.graphql", tmp_path)
    shutil.copy(ROOT / "docs" / "clients" / "operations.graphql", tmp_path)
    (tmp_path / "pyproject.toml").write_text(
        '[tool.ariadne-codegen]\nschema_path = "schema.graphql"\nqueries_path = "operations.graphql"\n'
    )
    (tmp_path / "codegen.json").write_text(
        json.dumps({"schema": "schema.graphql", "generates": {"types.ts": {"plugins": ["typescript"]}}})
    )

    # When both make their types
    run(CODEGEN / "ariadne-codegen", directory=tmp_path)
    npx("graphql-codegen", "--config", "codegen.json", directory=tmp_path)

    # Then Python and TypeScript take them
    run(sys.executable, "-c", "import graphql_client", directory=tmp_path)
    npx("tsc", "--noEmit", "--strict", "--skipLibCheck", "types.ts", directory=tmp_path)


def test_the_examples_ask_for_packages_that_the_tests_have_tried() -> None:
    tried = json.loads((NODE_DIRECTORY / "package.json").read_text())["dependencies"]
    example = json.loads((ROOT / "docs" / "clients" / "typescript" / "package.json").read_text())
    assert (example["dependencies"] | example["devDependencies"]).items() <= tried.items()
