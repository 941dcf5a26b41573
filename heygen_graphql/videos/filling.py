"""Variables in a template's scripts: `{{ name }}`. Pure.

A name is 1 to 50 ASCII letters, digits and underscores, with or without spaces around it. Four braces in a
row, `{{{{`, stand for two that are to be said; single braces, and closing ones, need no such care.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from heygen_graphql.errors import Fault, InvalidInput, UserErrorCode
from heygen_graphql.videos.requests import MAX_SCENES, VideoRequest

MAX_VARIABLES = 100
MAX_PLACES = 1000
"""Of variables, in all scripts: a hundred videos may be made of them in one call."""
MAX_NAME_LENGTH = 50
MAX_VALUE_LENGTH = 1000
_FAULTS_TOLD = 100
"""Of each kind: an input may name tens of thousands of variables."""

_MARK = re.compile(r"(?P<literal>\{{4})|\{\{[ \t]*(?P<name>[A-Za-z0-9_]{1,50})[ \t]*\}\}|(?P<open>\{\{)")
_LONGEST_LOOKED_AT = 10_000
"""A longer script is refused for its length, filled or not."""


def variables_in(request: VideoRequest) -> tuple[str, ...]:
    """The names in the request's scripts, each once, in the order of appearance."""
    return tuple(dict.fromkeys(name for _, script in _scripts(request) for name in names_in(script)))


def names_in(script: str) -> list[str]:
    """One for each place that is to be filled."""
    return [mark["name"] for mark in _MARK.finditer(script) if mark["name"]]


def filled(request: VideoRequest, values: Mapping[str, str]) -> VideoRequest:
    """The request with every variable replaced; nothing in a value is taken for a variable in its turn.

    Raises:
        InvalidInput: a script would be longer than any that is looked at: of a page of variables and long
            values come megabytes.
    """
    written = _rewritten(request, lambda mark: values[mark["name"]] if mark["name"] else "{{")
    for path, script in _scripts(written):
        if len(script) > _LONGEST_LOOKED_AT:
            message = f"With these values the script has more than {_LONGEST_LOOKED_AT:,} characters."
            raise InvalidInput.one(UserErrorCode.TOO_LONG, message, *path)
    return written


def tried(request: VideoRequest) -> VideoRequest:
    """The request with something short in every variable's place that any voice can say."""
    return _rewritten(request, lambda mark: "1" if mark["name"] else "{{")


def faults_of(request: VideoRequest) -> list[Fault]:
    """What is wrong with the variables of a template, each with its path inside the video."""
    faults = []
    for path, script in _scripts(request):
        bad = next((mark for mark in _MARK.finditer(script) if mark["open"]), None)
        if bad is not None:
            shown = script[bad.start() : bad.start() + 20]
            message = (
                f"{shown!r} begins no variable. Write {{{{ name }}}}, with up to {MAX_NAME_LENGTH} letters, "
                "digits and underscores, or {{{{ for two braces."
            )
            faults.append(Fault(UserErrorCode.INVALID, message, path))
    places = [name for _, script in _scripts(request) for name in names_in(script)]
    if len(places) > MAX_PLACES:
        message = f"There are {len(places):,} places to fill; a template has at most {MAX_PLACES:,}."
        faults.append(Fault(UserErrorCode.TOO_LONG, message, ("scenes",)))
    count = len(set(places))
    if count > MAX_VARIABLES:
        message = f"There are {count} variables; a template has at most {MAX_VARIABLES}."
        faults.append(Fault(UserErrorCode.TOO_LONG, message, ("scenes",)))
    return faults


def values_for(names: tuple[str, ...], given: Any) -> dict[str, str]:
    """What each variable is replaced with.

    Raises:
        InvalidInput: carries every fault: what is missing, what is unknown, what is no text or number.
    """
    if not isinstance(given, dict):
        message = 'Give an object with a value for each variable, like {"name": "Ada"}.'
        raise InvalidInput.one(UserErrorCode.INVALID, message, "variables")
    faults = [
        Fault(UserErrorCode.REQUIRED, f"The variable {name} has no value.", ("variables", name))
        for name in names
        if name not in given
    ]
    for name in [name for name in given if name not in names][:_FAULTS_TOLD]:
        known = f"It has {', '.join(names[:20])}." if names else "It has none."
        shown = name if len(name) <= MAX_NAME_LENGTH else name[:MAX_NAME_LENGTH] + "..."
        message = f"The template has no variable {shown!r}. {known}"
        faults.append(Fault(UserErrorCode.NOT_FOUND, message, ("variables", shown)))
    values: dict[str, str] = {}
    for name in names:
        if name in given:
            text = _text_of(given[name])
            if text is None:
                message = f"The variable {name} takes text, a number, true or false."
                faults.append(Fault(UserErrorCode.INVALID, message, ("variables", name)))
            elif len(text) > MAX_VALUE_LENGTH:
                message = f"The variable {name} takes at most {MAX_VALUE_LENGTH:,} characters."
                faults.append(Fault(UserErrorCode.TOO_LONG, message, ("variables", name)))
            else:
                values[name] = text
    if faults:
        raise InvalidInput(faults)
    return values


def _text_of(value: Any) -> str | None:
    """As it is said; None for what is neither text nor a number nor true or false."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        # Python refuses to write very long ones.
        return str(value) if value.bit_length() <= 10_000 else "9" * (MAX_VALUE_LENGTH + 1)
    if isinstance(value, float) and math.isfinite(value):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return None


def _scripts(request: VideoRequest) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each script that is looked at, with its path; of one that is too long, as much as shows that."""
    if request.script is not None:
        yield ("script",), request.script[: _LONGEST_LOOKED_AT + 1]
    for index, scene in enumerate((request.scenes or ())[:MAX_SCENES]):
        if scene.script is not None:
            yield ("scenes", str(index), "script"), scene.script[: _LONGEST_LOOKED_AT + 1]


def _rewritten(request: VideoRequest, said: Callable[[re.Match[str]], str]) -> VideoRequest:
    def text(script: str | None) -> str | None:
        return None if script is None else _MARK.sub(said, script)

    scenes = request.scenes
    if scenes is not None:
        scenes = tuple(replace(scene, script=text(scene.script)) for scene in scenes)
    return replace(request, script=text(request.script), scenes=scenes)
