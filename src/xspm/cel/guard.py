"""Make a runtime that knows no unknowns respect them, by rewriting the expression.

The C++ runtime that the wheel carries has unknowns switched off, so for it an unknown is a marker value. A marker may
be carried about (by a variable, a field, a list literal, a conditional's branches), but every place where an
expression looks at a value is rewritten to raise a marked error when that value is a marker: `x` becomes `cel.bind(g,
x, type(g) == MARKER ? unknown(g) : g)`. Errors and unknowns travel alike (`&&`, `||` and `?:` absorb both, everything
else passes both on), so an expression has a value after the rewriting exactly when it has one under CEL's rules. A
call that looks into lists and maps is unknown when an argument holds a marker at any depth, apart from `==` and `!=`,
which are decided when some other element differs, and `in`, which is decided when a known element matches.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from xspm.cel import stricter
from xspm.cel.ast import Call, Checked, Entry, Fold, Ident, ListOf, Literal, MapOf, Node, Select, children
from xspm.cel.nodes import bind, call, when

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

MARKER: Final = "google.protobuf.SourceContext"
"""A message that no JSON document can hold; its `file_name` is the number of the unknown it stands for."""

UNKNOWN: Final = "xspm_unknown"
"""Function (string): raise the marked error for a number."""

KNOWN: Final = "xspm_known"
"""Function (list or map): true, or the marked error of the first marker inside."""

HOLDS: Final = "xspm_holds"
"""Function (list or map): whether it holds a marker."""

EQUAL: Final = "xspm_equal"
"""Function (list, list) or (map, map): equality where some elements are markers."""

_CARRIES: Final = frozenset({"dyn", "_?_:_", "optional.of", "cel.@mapInsert"})
"""Calls that hand on an argument without looking at it (of a conditional, the branches)."""

_YIELDS: Final = _CARRIES | {
    "_[_]",
    "_[?_]",
    "_?._",
    "value",
    "orValue",
    "or",
    "first",
    "last",
    "optional.unwrap",
    "unwrapOpt",
}
"""Calls that may yield a marker."""

_SHALLOW: Final = _YIELDS | frozenset(
    ["_&&_", "_||_", "!_", "@not_strictly_false", "__not_strictly_false__", "size", "type", "_+_", "hasValue"]
)
"""Calls that look no deeper than at the argument itself."""

_SCALARS: Final = frozenset(
    {"bool", "int", "uint", "double", "string", "bytes", "null", "timestamp", "duration", "type", "wrapper"}
)

_RESULTS: Final = frozenset({"@result", "__result__"})
"""Accumulators of the standard macros: never a marker themselves."""


def guard(checked: Checked, *, unknowns: bool = True) -> Node:
    """Return the expression with every look at a value guarded; what it yields may itself be or hold a marker.

    Values of type double that JSON writes without a point become doubles, and the runtime is held to the language (see
    `stricter`). With `unknowns` off that is all that is done.
    """
    return _Guard(checked, unknowns, itertools.count()).node(checked.root)


def plain(checked: Checked) -> bool:
    """Whether the expression needs no rewriting for data without unknowns.

    It reads no value of type double, where JSON may hold a whole number, and the runtime does with it as the language.
    """
    return not any(_reads_double(checked, node) or stricter.concerns(checked, node) for node in _walk(checked.root))


def mixes_keys(checked: Checked) -> bool:
    """Whether the expression writes a map with keys that the runtime takes for different, and the language may not."""
    return stricter.mixes_keys(checked, _walk(checked.root))


def binds_beside_loops(checked: Checked) -> bool:
    """Whether the expression uses `cel.bind` and a comprehension, which the runtime may mix up; see `nodes.bind`."""
    folds = [node for node in _walk(checked.root) if isinstance(node, Fold)]
    binds = [node for node in folds if node.variable == "#unused"]
    return bool(binds) and len(binds) < len(folds)


def _reads_double(checked: Checked, node: Node) -> bool:
    reads = isinstance(node, Ident) or (isinstance(node, Select) and not node.test)
    reads = reads or (isinstance(node, Call) and node.function == "_[_]")
    return reads and str(checked.type_of(node)) in {"double", "wrapper(double)"}


def stores_optionals(checked: Checked) -> bool:
    """Whether the expression may put an optional into a list, map or optional; the wheel dies of handing one out.

    The front end takes some optionals for `dyn`, so types alone do not tell. Data hold no optionals: where no call
    makes one that is stored, none comes out of a collection either.
    """
    nodes = list(_walk(checked.root))
    if not any(isinstance(node, Call) and node.function in _OPTIONALS for node in nodes):
        return False
    bound = _bound(nodes)
    return any(
        checked.type_of(element).kind == "abstract" or _maybe_optional(element, bound)
        for node in nodes
        for element in _stored(node)
    )


def calls(checked: Checked, function: str) -> bool:
    """Whether the expression calls a function."""
    return any(isinstance(node, Call) and node.function == function for node in _walk(checked.root))


_OPTIONALS: Final = frozenset(
    {"_[?_]", "_?._", "optional.of", "optional.none", "optional.ofNonZeroValue", "first", "last"}
)


def _maybe_optional(node: Node, bound: Collection[str]) -> bool:
    """Whether a node may yield an optional, if no collection and no optional holds one.

    Args:
        node: the node.
        bound: names of accumulators that may stand for one; other names stand for data and elements.
    """
    match node:
        case Ident():
            return node.name in bound
        case Select(test=False):
            return _maybe_optional(node.operand, bound)
        case Call(function="_?_:_"):
            return any(_maybe_optional(branch, bound) for branch in node.arguments[1:])
        case Call(function="dyn" | "or" | "orValue"):
            return any(_maybe_optional(operand, bound) for operand in node.operands[node.function == "orValue" :])
        case Call(function="_[_]"):
            return _maybe_optional(node.arguments[0], bound)
        case Call():
            return node.function in _OPTIONALS
        case Fold():
            return _maybe_optional(node.result, bound)
    return False


def _bound(nodes: Sequence[Node]) -> set[str]:
    """The accumulators that may stand for an optional: of `cel.bind`, and of loops that are no standard macro."""
    bound: set[str] = set()
    while more := {
        node.accumulator
        for node in nodes
        if isinstance(node, Fold)
        and node.accumulator not in _RESULTS | bound
        and any(_maybe_optional(part, bound) for part in (node.init, node.step))
    }:
        bound |= more
    return bound


def _gives_optional(node: Node) -> bool:
    """Whether a node yields an optional, even where the front end takes it for `dyn`."""
    match node:
        case Call(function="or") if node.target is not None:
            return _gives_optional(node.target)
        case Call():
            return node.function in _OPTIONALS
        case Select(test=False):
            return _gives_optional(node.operand)
    return False


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for child in children(node):
        yield from _walk(child)


def _stored(node: Node) -> tuple[Node, ...]:
    match node:
        case ListOf():
            return node.elements
        case MapOf():
            return tuple(entry.value for entry in node.entries)
        case Call(function="cel.@mapInsert"):
            return node.arguments[1:]
        case Call(function="optional.of" | "optional.ofNonZeroValue"):
            return node.arguments
    return ()


@dataclass(frozen=True)
class _Guard:
    checked: Checked
    unknowns: bool
    names: Iterator[int]

    def node(self, node: Node) -> Node:
        """Rewrite one node; its value may be a marker."""
        new = self._rewritten(node)
        if not _reads_double(self.checked, node):
            return new
        name = self._name()
        value = Ident(0, name)
        whole = call("_==_", call("type", value), Ident(0, "int"))
        return bind(name, new, when(whole, call("double", value), value))

    def _rewritten(self, node: Node) -> Node:
        reference = self.checked.references.get(node.id)
        if reference is not None and reference.value is not None:
            return reference.value
        match node:
            case Select():
                return replace(node, operand=self.seen(node.operand))
            case Call():
                return self._call(node)
            case ListOf():
                return replace(node, elements=tuple(self.node(element) for element in node.elements))
            case MapOf():
                return replace(node, entries=tuple(self._entry(entry) for entry in node.entries))
            case Fold():
                return replace(
                    node,
                    range=self.seen(node.range),
                    init=self.node(node.init),
                    condition=self.node(node.condition),
                    step=self.node(node.step),
                    result=self.node(node.result),
                )
        return node

    def seen(self, node: Node) -> Node:
        """Rewrite a node whose value is looked at."""
        new = self.node(node)
        if (
            not self.unknowns
            or isinstance(node, Literal | ListOf | MapOf)
            or (isinstance(node, Ident) and node.name in _RESULTS)
        ):
            return new
        if isinstance(node, Call) and node.function not in _YIELDS:
            return new
        name = self._name()
        return bind(name, new, _unless_marker(Ident(0, name), Ident(0, name)))

    def seen_deep(self, node: Node) -> Node:
        """Rewrite a node whose value is looked into."""
        if self.unknowns and self._plain(node):
            return self.seen(node)
        new = self.node(node)
        return self._deep(node, new) if self.unknowns else new

    def _plain(self, node: Node) -> bool:
        return isinstance(node, Literal) or self.checked.type_of(node).kind in _SCALARS

    def _deep(self, node: Node, new: Node) -> Node:
        """Look into the value of a node that is rewritten as `new`."""
        kind = self.checked.type_of(node)
        name = self._name()
        value = Ident(0, name)
        if kind.name.startswith("optional") or _gives_optional(node):
            return bind(name, new, _unless_marker(value, self._optional(value)))
        if kind.kind == "abstract" or self._plain(node):
            return bind(name, new, _unless_marker(value, value))
        return bind(name, new, _unless_marker(value, when(_inside(KNOWN, value, empty=True), value, value)))

    def _optional(self, optional: Node) -> Node:
        name = self._name()
        value = Ident(0, name)
        held = bind(
            name,
            Call(0, "value", optional, ()),
            _unless_marker(value, when(_inside(KNOWN, value, empty=True), optional, optional)),
        )
        return when(Call(0, "hasValue", optional, ()), held, optional)

    def _entry(self, entry: Entry) -> Entry:
        key = self.seen(entry.key) if isinstance(entry.key, Node) else entry.key
        return Entry(key, self.node(entry.value), entry.optional)

    def _call(self, node: Call) -> Node:
        match node.function:
            case "@in" if self.unknowns:
                return self._in(*node.arguments)
            case "_==_" if self.unknowns:
                return self._equal(*node.arguments)
            case "_!=_" if self.unknowns:
                return call("!_", self._equal(*node.arguments))
            case "_?_:_":
                condition, yes, no = node.arguments
                return when(self.seen(condition), self.node(yes), self.node(no))
            case name if name in _CARRIES:
                operands = [self.node(operand) for operand in node.operands]
            case name if name in _SHALLOW:
                operands = [self.seen(operand) for operand in node.operands]
            case _:
                operands = [self.seen_deep(operand) for operand in node.operands]
        has_target = node.target is not None
        new = replace(node, target=operands[0] if has_target else None, arguments=tuple(operands[has_target:]))
        return stricter.asked(new, self._name()) if stricter.concerns(self.checked, node) else new

    def _in(self, item: Node, container: Node) -> Node:
        """Nothing is in what is empty, whatever it is; of a map only the keys count, and those are known."""
        raw, left, right = Ident(0, self._name()), Ident(0, self._name()), Ident(0, self._name())
        found = call("@in", left, right)
        holding = when(found, Literal(0, value=True), call(KNOWN, right))
        listed = when(call("_==_", call("type", right), Ident(0, "list")), call(HOLDS, right), Literal(0, value=False))
        decided = bind(left.name, self._deep(item, raw), when(listed, holding, found))
        empty = call("_==_", call("size", right), Literal(0, 0))
        whole = when(empty, Literal(0, value=False), decided)
        return bind(raw.name, self.node(item), bind(right.name, self.seen(container), whole))

    def _equal(self, left: Node, right: Node) -> Node:
        types = self.checked.type_of(left).kind, self.checked.type_of(right).kind
        if types[0] in _SCALARS or types[1] in _SCALARS or isinstance(left, Literal) or isinstance(right, Literal):
            return call("_==_", self.seen(left), self.seen(right))
        if "abstract" in types or _gives_optional(left) or _gives_optional(right):
            return call("_==_", self.seen_deep(left), self.seen_deep(right))
        one, other = Ident(0, self._name()), Ident(0, self._name())
        plain = call("_==_", one, other)
        alike = call("_==_", call("type", one), call("type", other))
        holding = call("_||_", _inside(HOLDS, one, empty=False), _inside(HOLDS, other, empty=False))
        decided = when(call("_&&_", alike, holding), call(EQUAL, one, other), plain)
        return bind(one.name, self.seen(left), bind(other.name, self.seen(right), decided))

    def _name(self) -> str:
        return f"@guard{next(self.names)}"


def _inside(function: str, value: Node, *, empty: bool) -> Node:
    """Call `function` on a list or map; everything else has no inside."""
    kind = call("type", value)
    collection = call("_||_", call("_==_", kind, Ident(0, "list")), call("_==_", kind, Ident(0, "map")))
    return when(collection, call(function, value), Literal(0, value=empty))


def _unless_marker(value: Node, result: Node) -> Node:
    raised = call(UNKNOWN, Select(0, value, "file_name", test=False))
    return when(call("_==_", call("type", value), Ident(0, MARKER)), raised, result)
