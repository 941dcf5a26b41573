"""Operations that nobody would write: none of them may find a fault of the server's own."""

import asyncio
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from graphql import (
    ArgumentNode,
    FieldNode,
    ObjectFieldNode,
    StringValueNode,
    Visitor,
    introspection_from_schema,
    parse,
    print_ast,
    visit,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.graphql import nodes

from heygen_graphql import globalids
from heygen_graphql.database import Database
from heygen_graphql.settings import Settings
from tests.api.belongings import Belongings, give
from tests.api.operations import SCHEMA, root_fields
from tests.api.serving import Api

HARMLESS_WARNINGS = [
    # Other tests' servers, in threads of this process, draw their waits by `random` at any time.
    pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies"),
    # Said when a failure is told, and would be told instead.
    pytest.mark.filterwarnings("ignore:Generating overly large repr"),
]
pytestmark = HARMLESS_WARNINGS
GUIDE = Path(__file__).parents[2] / "docs" / "api.md"
OPERATIONS = 2000
KNOWN_CODES = {
    code
    for row in re.findall(r"^\| (`[A-Z_`, ]+) \|", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    for code in re.findall(r"[A-Z_]+", row)
} - {"INTERNAL_SERVER_ERROR"}
"""Those that docs/api.md explains."""
LABELS = [f"{kind.capitalize()}.{name}" for kind in ("query", "mutation") for name in root_fields(kind)]

_STRINGS = st.text(max_size=40).map(nodes.String)
for _name, _strategy in {
    "BigInt": st.integers(-(2**70), 2**70).map(str).map(nodes.String) | _STRINGS,
    "DateTime": st.datetimes().map(lambda instant: nodes.String(f"{instant.isoformat()}Z")) | _STRINGS,
    "HexColor": st.from_regex(r"\A#[0-9a-fA-F]{3,8}\Z").map(nodes.String) | _STRINGS,
    "JSON": _STRINGS
    | st.booleans().map(nodes.Boolean)
    | st.floats(allow_nan=False, allow_infinity=False).map(nodes.Float),
    "URL": st.from_regex(r"\Ahttps?://[a-z0-9.\[\]:@/%-]{0,40}\Z").map(nodes.String) | _STRINGS,
}.items():
    schemathesis.graphql.scalar(_name, _strategy)

GENERATED = schemathesis.graphql.from_dict(schema=dict(introspection_from_schema(SCHEMA)))


@pytest.mark.parametrize("label", LABELS)
def test_a_generated_operation_is_answered_or_refused_by_a_code(
    stranger: Api, unbounded_settings: Settings, label: str
) -> None:
    caller = stranger.signed_in()
    own = asyncio.run(belongings_of(caller, unbounded_settings))
    operation = GENERATED.find_operation_by_label(label)
    assert operation is not None

    @settings(
        max_examples=math.ceil(OPERATIONS / len(LABELS)),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(), st.booleans())
    def check(case: Any, is_lucky: bool) -> None:
        # Random ids find nothing: every other operation is given some that do.
        check_answer_to(caller, {"query": lucky(case.body, own) if is_lucky else case.body})

    check()


class Luck(Visitor):
    """Turns an operation into one that finds something: real ids and names, pages that can be."""

    def __init__(self, own: Belongings) -> None:
        super().__init__()
        self._own = own

    def enter_field(self, node: FieldNode, *_: Any) -> FieldNode | None:
        given = node.arguments or ()
        kept = tuple(one for one in given if one.name.value not in ("last", "after", "before"))
        return replace(node, arguments=kept) if len(kept) < len(given) else None

    def enter_argument(self, node: ArgumentNode, *_: Any) -> ArgumentNode | None:
        value = self._value(node.name.value, node.value)
        return None if value is None else replace(node, value=value)

    def enter_object_field(self, node: ObjectFieldNode, *_: Any) -> ObjectFieldNode | None:
        value = self._value(node.name.value, node.value)
        return None if value is None else replace(node, value=value)

    def _value(self, name: str, drawn: Any) -> Any:
        if name == "first":
            return nodes.Int(3)
        if not isinstance(drawn, StringValueNode):
            return None
        match name:
            case "avatarId":
                return nodes.String(self._own.names["Avatar"])
            case "voiceId":
                return nodes.String("heart")
            case "imageAssetId":
                return nodes.String(self._own.ids["Asset"])
        if name.lower().endswith("id"):
            ids = list(self._own.ids.values())
            return nodes.String(ids[len(drawn.value) % len(ids)])
        return None


def lucky(document: str, own: Belongings) -> str:
    return print_ast(visit(parse(document), Luck(own)))


def check_answer_to(caller: Api, body: object) -> None:
    response = caller.send(body).response
    assert response.status_code < 500, (body, response.text)
    answers = response.json()
    for answer in answers if isinstance(answers, list) else [answers]:
        for error in answer.get("errors", []):
            assert error["extensions"]["code"] in KNOWN_CODES, (body, error)
            assert len(error["message"]) <= 1000, error


async def belongings_of(caller: Api, settings_: Settings) -> Belongings:
    owner_id = globalids.uuid_of(caller("{ me { id } }").data["me"]["id"], "User")
    assert owner_id is not None
    database = Database(settings_.resolved_database_url)
    try:
        return await give(database, settings_.data_dir / "files", owner_id, "mine")
    finally:
        await database.close()
