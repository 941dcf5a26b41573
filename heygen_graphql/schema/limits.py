"""How large a document may be.

Strawberry's own limiters walk every path through the fragments, so that thirty fragments that each
spread the next one twice take 2^30 steps; here each fragment is measured once.
"""

from collections.abc import Callable
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

MAX_TOKENS = 1_500
MAX_DEPTH = 10
"""Fields inside each other; `videos { edges { node { scenes { voice { id } } } } }` has 6."""
MAX_ALIASES = 30
MAX_FIELDS = 400
"""Fields after fragments are spread in. Validation compares fields of one name in pairs: 400 take 0.15 s."""


@dataclass(frozen=True, slots=True)
class Measure:
    depth: int = 0
    aliases: int = 0
    fields: int = 0


def excess_of(document: DocumentNode) -> str | None:
    """Which limit the document breaks, in words; None when it keeps them all."""
    worst = _measure(document)
    if worst.depth > MAX_DEPTH:
        return f"Fields are nested {worst.depth} deep; at most {MAX_DEPTH} are answered."
    if worst.aliases > MAX_ALIASES:
        return f"The operation has {worst.aliases} aliases; at most {MAX_ALIASES} are answered."
    if worst.fields > MAX_FIELDS:
        return f"The operation has {worst.fields} fields; at most {MAX_FIELDS} are answered."
    return None


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
                measured[name] = _of_selections(fragments[name].selection_set, of_fragment)
        return measured[name]

    parts = [
        _of_selections(definition.selection_set, of_fragment)
        for definition in document.definitions
        if isinstance(definition, OperationDefinitionNode)
    ]
    parts += [of_fragment(name) for name in fragments]
    return Measure(
        depth=max((one.depth for one in parts), default=0),
        aliases=max((one.aliases for one in parts), default=0),
        fields=max((one.fields for one in parts), default=0),
    )


def _of_selections(selections: SelectionSetNode, of_fragment: Callable[[str], Measure]) -> Measure:
    depth = aliases = fields = 0
    for selection in selections.selections:
        if isinstance(selection, FragmentSpreadNode):
            inner, own_depth = of_fragment(selection.name.value), 0
        elif isinstance(selection, FieldNode):
            own_depth = 0 if selection.name.value.startswith("__") else 1
            inner = (
                _of_selections(selection.selection_set, of_fragment) if selection.selection_set else Measure()
            )
            if own_depth == 0:
                inner = Measure(0, inner.aliases, inner.fields)
            aliases += selection.alias is not None
            fields += 1
        elif isinstance(selection, InlineFragmentNode):
            inner, own_depth = _of_selections(selection.selection_set, of_fragment), 0
        else:
            continue
        depth = max(depth, own_depth + inner.depth)
        aliases += inner.aliases
        fields += inner.fields
    return Measure(depth, aliases, fields)
