"""How large a document may be.

Strawberry's own limiters walk every path through the fragments, so that thirty fragments that each
spread the next one twice take 2^30 steps; here each fragment is measured once.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from heygen_graphql.settings import Settings

MAX_DIRECTIVES_HERE = 5
"""On one field, fragment, operation or variable. Two can mean something: @skip and @include."""
MAX_REPEATS = 30
"""Of one field in one place, its name in the answer counted. Validation compares every two of them, with all
that is inside, whether or not they are skipped."""
MAX_VARIABLES_DEPTH = 32
"""Lists and objects inside each other. An input has 3 and its `metadata` some more; beyond some hundred,
graphql-core, which walks them by recursion, would run out of stack."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a document may have. Settings of the same names, with `max_query_` before them, say so."""

    depth: int
    """Fields inside each other; `videos { edges { node { scenes { voice { id } } } } }` has 6."""
    aliases: int
    fields: int
    """After fragments are spread in."""
    directives: int
    """After fragments are spread in."""
    tokens: int

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        return cls(
            depth=settings.max_query_depth,
            aliases=settings.max_query_aliases,
            fields=settings.max_query_fields,
            directives=settings.max_query_directives,
            tokens=settings.max_query_tokens,
        )


@dataclass(frozen=True, slots=True)
class Measure:
    depth: int = 0
    aliases: int = 0
    fields: int = 0
    directives: int = 0
    directives_here: int = 0
    """The most on one place."""


def excess_of(document: DocumentNode, limits: Limits) -> str | None:
    """Which limit the document breaks, in words; None when it keeps them all."""
    worst = _measure(document)
    if worst.depth > limits.depth:
        return (
            f"Fields are nested {worst.depth} deep; at most {limits.depth} are answered. "
            "Ask for what lies deeper by its id, in another operation."
        )
    if worst.directives_here > MAX_DIRECTIVES_HERE:
        return (
            f"{worst.directives_here} directives stand in one place; at most {MAX_DIRECTIVES_HERE} may. "
            "Join their conditions in one variable."
        )
    for what, count, limit in (
        ("aliases", worst.aliases, limits.aliases),
        ("fields", worst.fields, limits.fields),
        ("directives", worst.directives, limits.directives),
    ):
        if count > limit:
            return (
                f"The operation has {count} {what}; at most {limit} are answered. Ask in several operations."
            )
    # Last: what it walks has been found to be small.
    repeats = _repeats(document, limits.fields)
    if repeats > MAX_REPEATS:
        return (
            f"One field is asked for {repeats} times in one place; at most {MAX_REPEATS} may be. "
            "Ask for it once, or in several operations."
        )
    return None


def is_too_deep(variables: Mapping[str, object]) -> bool:
    """Whether lists and objects lie in each other more than MAX_VARIABLES_DEPTH deep."""
    level: list[object] = list(variables.values())
    for _ in range(MAX_VARIABLES_DEPTH):
        level = [
            inner
            for value in level
            if isinstance(value, dict | list)
            for inner in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return False
    return any(isinstance(value, dict | list) for value in level)


def _measure(document: DocumentNode) -> Measure:
    """The largest of each measure over the document's operations and its fragments, used or not: both are
    validated. Introspection has no depth."""
    fragments = {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    measured: dict[str, Measure] = {}

    def of_fragment(name: str) -> Measure:
        if name not in measured:
            # Stands while the fragment is measured: one that spreads itself ends here, and validation
            # refuses it. An unknown fragment is validation's to refuse, too.
            measured[name] = Measure()
            if name in fragments:
                inner = _of_selections(fragments[name].selection_set, of_fragment)
                if fragments[name].type_condition.name.value.startswith("__"):
                    inner = replace(inner, depth=0)
                measured[name] = _with_directives(inner, fragments[name].directives)
        return measured[name]

    operations = [
        definition for definition in document.definitions if isinstance(definition, OperationDefinitionNode)
    ]
    parts = [_of_operation(operation, of_fragment) for operation in operations]
    parts += [of_fragment(name) for name in fragments]
    return Measure(
        depth=max((one.depth for one in parts), default=0),
        aliases=max((one.aliases for one in parts), default=0),
        fields=max((one.fields for one in parts), default=0),
        directives=max((one.directives for one in parts), default=0),
        directives_here=max((one.directives_here for one in parts), default=0),
    )


def _repeats(document: DocumentNode, max_fields: int) -> int:
    """How often the field that comes most often in one place does, in whichever definition it is.

    A definition of more than `max_fields` is not walked to its end: fragments lead in circles there, which
    validation refuses.
    """
    fragments = {
        definition.name.value: definition.selection_set
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }

    def of_definition(selections: SelectionSetNode) -> int:
        counted: Counter[tuple[int, str]] = Counter()
        # What has one name is one place, in however many selections it stands; a fragment counts once there.
        places: dict[tuple[int, str], int] = {}
        spread: set[tuple[int, str]] = set()
        waiting = [(selections, 0)]
        visited = 0
        while waiting and visited <= max_fields:
            selections, place = waiting.pop()
            for selection in selections.selections:
                if isinstance(selection, FieldNode):
                    visited += 1
                    field = (place, (selection.alias or selection.name).value)
                    counted[field] += 1
                    if selection.selection_set is not None:
                        waiting.append((selection.selection_set, places.setdefault(field, len(places) + 1)))
                elif isinstance(selection, InlineFragmentNode):
                    waiting.append((selection.selection_set, place))
                elif isinstance(selection, FragmentSpreadNode):
                    named = (place, selection.name.value)
                    if selection.name.value in fragments and named not in spread:
                        spread.add(named)
                        waiting.append((fragments[selection.name.value], place))
        return max(counted.values(), default=0)

    return max(
        (
            of_definition(definition.selection_set)
            for definition in document.definitions
            if isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode)
        ),
        default=0,
    )


def _of_operation(operation: OperationDefinitionNode, of_fragment: Callable[[str], Measure]) -> Measure:
    return _with_directives(
        _of_selections(operation.selection_set, of_fragment),
        operation.directives,
        *(variable.directives for variable in operation.variable_definitions or ()),
    )


def _of_selections(selections: SelectionSetNode, of_fragment: Callable[[str], Measure]) -> Measure:
    depth = aliases = fields = directives = directives_here = 0
    for selection in selections.selections:
        own_depth = 0
        if isinstance(selection, FragmentSpreadNode):
            inner = of_fragment(selection.name.value)
        elif isinstance(selection, InlineFragmentNode):
            inner = _of_selections(selection.selection_set, of_fragment)
        elif isinstance(selection, FieldNode):
            inner = (
                _of_selections(selection.selection_set, of_fragment) if selection.selection_set else Measure()
            )
            if selection.name.value.startswith("__"):
                inner = replace(inner, depth=0)
            else:
                own_depth = 1
            aliases += selection.alias is not None
            fields += 1
        else:
            continue
        inner = _with_directives(inner, selection.directives)
        depth = max(depth, own_depth + inner.depth)
        aliases += inner.aliases
        fields += inner.fields
        directives += inner.directives
        directives_here = max(directives_here, inner.directives_here)
    return Measure(depth, aliases, fields, directives, directives_here)


def _with_directives(measure: Measure, *places: Sequence[DirectiveNode] | None) -> Measure:
    counts = [len(place or ()) for place in places]
    return replace(
        measure,
        directives=measure.directives + sum(counts),
        directives_here=max(measure.directives_here, *counts),
    )
