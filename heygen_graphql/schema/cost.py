"""What an operation costs, known before it runs: a function of schema, document and variables alone.

An object costs 1 and a scalar nothing; what is inside a page counts once for each entry that was asked
for, and what is inside another list once for each entry that it is assumed to have. Aliases and
fragments count each time they stand, a scalar's alias included. A document is planned once: what no
variable can change is added up there, each fragment once, so that a new set of variables takes
microseconds.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLAbstractType,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    is_composite_type,
    is_object_type,
)
from graphql.language import BooleanValueNode

from heygen_graphql.errors import BadRequest
from heygen_graphql.ratelimits import Bucket
from heygen_graphql.schema import weights
from heygen_graphql.settings import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE

MIN_COST = 1
_PAGED = "edges"


@dataclass(frozen=True, slots=True)
class Charge:
    """What an operation cost its caller, and what that left."""

    cost: int
    bucket: Bucket


@dataclass(frozen=True, slots=True, eq=False)
class _Sum:
    fixed: int
    parts: "tuple[_Cost, ...]"


@dataclass(frozen=True, slots=True, eq=False)
class _Dearest:
    """Of an interface: whichever type costs most."""

    branches: "tuple[_Cost, ...]"


@dataclass(frozen=True, slots=True, eq=False)
class _If:
    """Under `@include` (or, when `wanted` is false, `@skip`) of a variable."""

    variable: str
    wanted: bool
    inside: "_Cost"


@dataclass(frozen=True, slots=True, eq=False)
class _Page:
    """Once for each entry of the page that these arguments ask for."""

    first: int | str | None
    """A number, the name of a variable, or None when not given."""
    last: int | str | None
    inside: "_Cost"


@dataclass(frozen=True, slots=True, eq=False)
class _Times:
    """So many times, or once for each entry of a variable's list."""

    count: int | str
    inside: "_Cost"


_Cost = int | _Sum | _Dearest | _If | _Page | _Times


@dataclass(frozen=True, slots=True)
class _Operation:
    cost: _Cost
    defaults: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class CostPlan:
    """The operations of one document, by name."""

    operations: Mapping[str | None, _Operation]


def plan(schema: GraphQLSchema, document: DocumentNode) -> CostPlan:
    """Of a document that has been validated against `schema`."""
    planner = _Planner(schema, document)
    return CostPlan(
        {
            definition.name.value if definition.name else None: planner.operation(definition)
            for definition in document.definitions
            if isinstance(definition, OperationDefinitionNode)
        }
    )


def of(
    plan: CostPlan,
    operation_name: str | None,
    variables: Mapping[str, object],
    max_page_size: int = MAX_PAGE_SIZE,
) -> int:
    """What the operation costs with these variables, as they were sent. At least MIN_COST.

    Raises:
        BadRequest: it asks for a page of more than `max_page_size`.
    """
    operation = plan.operations.get(operation_name)
    if operation is None:
        return MIN_COST
    if isinstance(operation.cost, int):
        return max(MIN_COST, operation.cost)
    reckoning = _Reckoning({**operation.defaults, **variables}, max_page_size)
    return max(MIN_COST, reckoning.of(operation.cost))


class _Reckoning:
    """One evaluation of a plan."""

    def __init__(self, variables: Mapping[str, object], max_page_size: int) -> None:
        self._variables = variables
        self._max_page_size = max_page_size
        self._sums: dict[_Sum, int] = {}

    def of(self, cost: _Cost) -> int:
        if isinstance(cost, int):
            return cost
        if isinstance(cost, _Sum):
            # A fragment's sum may stand in many places.
            if cost not in self._sums:
                self._sums[cost] = cost.fixed + sum(self.of(part) for part in cost.parts)
            return self._sums[cost]
        if isinstance(cost, _Page):
            return self._size(cost) * self.of(cost.inside)
        if isinstance(cost, _Times):
            return self._count(cost.count) * self.of(cost.inside)
        if isinstance(cost, _If):
            return self.of(cost.inside) if self._variables.get(cost.variable) is not (not cost.wanted) else 0
        return max(self.of(branch) for branch in cost.branches)

    def _count(self, count: int | str) -> int:
        if isinstance(count, int):
            return count
        value = self._variables.get(count)
        # One value stands for a list of one.
        return len(value) if isinstance(value, list) else 1

    def _size(self, page: _Page) -> int:
        for name, given in (("last", page.last), ("first", page.first)):
            size = self._variables.get(given) if isinstance(given, str) else given
            if isinstance(size, float) and size.is_integer():
                size = int(size)
            # Anything else is no Int: execution refuses it. So does paging what is less than 1.
            if isinstance(size, int) and not isinstance(size, bool):
                if size > self._max_page_size:
                    raise BadRequest(f"`{name}` is {size}; it must be 1 to {self._max_page_size}.")
                return max(0, size)
        return DEFAULT_PAGE_SIZE


class _Planner:
    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._schema = schema
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._planned: dict[tuple[int, str, bool | None], _Cost] = {}

    def operation(self, node: OperationDefinitionNode) -> _Operation:
        root = self._schema.get_root_type(node.operation)
        defaults = {
            definition.variable.name.value: _constant(definition.default_value)
            for definition in node.variable_definitions or ()
            if definition.default_value is not None
        }
        return _Operation(0 if root is None else self._selected(node.selection_set, root), defaults)

    def _selected(
        self, selections: SelectionSetNode, parent: GraphQLObjectType, paged: bool | None = None
    ) -> _Cost:
        """`paged` chooses of a connection: what a page's size multiplies (True), or all else (False)."""
        key = (id(selections), parent.name, paged)
        if key not in self._planned:
            self._planned[key] = _added(
                self._selection(selection, parent, paged) for selection in selections.selections
            )
        return self._planned[key]

    def _selection(self, node: SelectionNode, parent: GraphQLObjectType, paged: bool | None) -> _Cost:
        if isinstance(node, FieldNode):
            if paged is not None and (node.name.value == _PAGED) is not paged:
                return 0
            cost = self._field(node, parent)
        elif isinstance(node, FragmentSpreadNode):
            cost = self._fragment(self._fragments[node.name.value], parent, paged)
        elif isinstance(node, InlineFragmentNode):
            cost = self._fragment(node, parent, paged)
        else:
            raise TypeError(f"{node.kind} is no selection")
        return _conditional(cost, node.directives)

    def _fragment(
        self,
        fragment: InlineFragmentNode | FragmentDefinitionNode,
        parent: GraphQLObjectType,
        paged: bool | None,
    ) -> _Cost:
        condition = fragment.type_condition
        if condition is not None and condition.name.value != parent.name:
            named = self._schema.type_map[condition.name.value]
            if not isinstance(named, GraphQLAbstractType) or not self._schema.is_sub_type(named, parent):
                return 0
        return self._selected(fragment.selection_set, parent, paged)

    def _field(self, node: FieldNode, parent: GraphQLObjectType) -> _Cost:
        name = node.name.value
        alias = 0 if node.alias is None or node.selection_set else weights.ALIAS
        if name.startswith("__"):
            return alias if node.selection_set is None else weights.INTROSPECTION
        field = parent.fields[name]
        key = f"{parent.name}.{name}"
        own = weights.OWN.get(key, self._default_weight(name, parent))
        if node.selection_set is None:
            return own + alias
        named = get_named_type(field.type)
        concrete = [named] if is_object_type(named) else self._schema.get_possible_types(named)
        if "pageInfo" in concrete[0].fields:
            (connection,) = concrete
            return _added(
                (
                    own + weights.OBJECT,
                    self._selected(node.selection_set, connection, paged=False),
                    _page(node, self._selected(node.selection_set, connection, paged=True)),
                )
            )
        if name == _PAGED and "pageInfo" in parent.fields:
            # An edge is its node's place; the page's size is multiplied in by the connection.
            return self._selected(node.selection_set, concrete[0])
        branches = [self._selected(node.selection_set, one) for one in concrete]
        each = _added((weights.TYPES.get(named.name, weights.OBJECT), _dearest(branches)))
        if key in weights.FOR_EACH:
            return _for_each(node, weights.FOR_EACH[key], _added((own, each)))
        return _added((own, _times(weights.LENGTHS.get(key, weights.LENGTH) if _is_list(field) else 1, each)))

    def _default_weight(self, name: str, parent: GraphQLObjectType) -> int:
        if parent in (self._schema.mutation_type, self._schema.subscription_type):
            return weights.CHANGE
        return weights.COUNT if name == "totalCount" else 0


def _is_list(field: GraphQLField) -> bool:
    kind = field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type
    return isinstance(kind, GraphQLList) and is_composite_type(get_named_type(kind))


def _added(costs: Iterable[_Cost]) -> _Cost:
    fixed, parts = 0, []
    for cost in costs:
        if isinstance(cost, int):
            fixed += cost
        else:
            parts.append(cost)
    return _Sum(fixed, tuple(parts)) if parts else fixed


def _times(count: int, cost: _Cost) -> _Cost:
    if isinstance(cost, int):
        return count * cost
    return cost if count == 1 else _Times(count, cost)


def _dearest(branches: list[_Cost]) -> _Cost:
    numbers = [branch for branch in branches if isinstance(branch, int)]
    others = [branch for branch in branches if not isinstance(branch, int)]
    if not others:
        return max(numbers)
    return others[0] if len(branches) == 1 else _Dearest((*others, max(numbers, default=0)))


def _page(node: FieldNode, inside: _Cost) -> _Cost:
    arguments = {argument.name.value: argument.value for argument in node.arguments or ()}
    first, last = (_number(arguments.get(name)) for name in ("first", "last"))
    # A size that was given is looked at, even where nothing of the page is asked for.
    is_free = inside == 0 and first is None and last is None
    return 0 if is_free else _Page(first, last, inside)


def _number(node: ValueNode | None) -> int | str | None:
    if isinstance(node, VariableNode):
        return node.name.value
    # An Int has 32 bits; Python takes long over thousands of digits.
    return int(node.value) if isinstance(node, IntValueNode) and len(node.value) <= 11 else None


def _constant(node: ValueNode) -> object:
    """As much of a variable's default as a cost can hang on."""
    if isinstance(node, ListValueNode):
        return [None] * len(node.values)
    return node.value if isinstance(node, BooleanValueNode) else _number(node)


def _for_each(node: FieldNode, name: str, each: _Cost) -> _Cost:
    value = next((one.value for one in node.arguments or () if one.name.value == name), None)
    if isinstance(value, VariableNode):
        return _Times(value.name.value, each)
    return _times(len(value.values), each) if isinstance(value, ListValueNode) else each


def _conditional(cost: _Cost, directives: Iterable[DirectiveNode] | None) -> _Cost:
    for variable, wanted in _conditions(directives or ()):
        if isinstance(variable, bool):
            cost = cost if variable is wanted else 0
        elif cost != 0:
            cost = _If(variable, wanted, cost)
    return cost


def _conditions(directives: Iterable[DirectiveNode]) -> Iterator[tuple[str | bool, bool]]:
    for directive in directives:
        if directive.name.value in ("include", "skip"):
            (condition,) = (argument.value for argument in directive.arguments or ())
            wanted = directive.name.value == "include"
            if isinstance(condition, VariableNode):
                yield condition.name.value, wanted
            elif isinstance(condition, BooleanValueNode):
                yield condition.value, wanted
