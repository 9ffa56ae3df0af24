"""Which fields of the resource an expression reads."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from xspm.cel.ast import Call, Fold, Ident, Literal, Node, Select, children, text

if TYPE_CHECKING:
    from xspm.cel.ast import Checked


def reads(checked: Checked) -> tuple[str, ...]:
    """Return the longest field paths that are read of `resource`, sorted: `resource.spec.hostNetwork`."""
    found: set[str] = set()
    _collect(checked.root, frozenset(), found)
    return tuple(sorted(path for path in found if not any(other.startswith(path + ".") for other in found)))


def free_names(checked: Checked) -> frozenset[str]:
    """Return the names of the free variables."""
    found: set[str] = set()
    _free(checked.root, frozenset(), found)
    return frozenset(found)


def uses(node: Node, name: str) -> bool:
    """Return whether `name` is free in `node`."""
    found: set[str] = set()
    _free(node, frozenset(), found)
    return name in found


def _free(node: Node, bound: frozenset[str], found: set[str]) -> None:
    if isinstance(node, Ident) and node.name not in bound:
        found.add(node.name.removeprefix("."))
    for part, names in parts(node, bound):
        _free(part, names, found)


def _collect(node: Node, bound: frozenset[str], found: set[str]) -> None:
    path = _path(node, bound)
    if path is not None:
        found.add(path)
        return
    for part, names in parts(node, bound):
        _collect(part, names, found)


def _path(node: Node, bound: frozenset[str]) -> str | None:
    if isinstance(node, Ident):
        return "resource" if node.name.removeprefix(".") == "resource" and "resource" not in bound else None
    operand: Node | None = None
    name: object = None
    if isinstance(node, Select):
        operand, name = node.operand, node.field
    elif isinstance(node, Call) and node.function in {"_?._", "_[_]"} and isinstance(node.arguments[1], Literal):
        operand, name = node.arguments[0], node.arguments[1].value
    if operand is None:
        return None
    parent = _path(operand, bound)
    if parent is None or not isinstance(name, str) or not name.isidentifier():
        return None
    return f"{parent}.{name}"


def repeated_paths(checked: Checked) -> frozenset[str]:
    """Return the paths (`resource.spec`) of free variables that are selected more than once."""
    counts: Counter[str] = Counter()
    _count(checked.root, frozenset(), counts)
    return frozenset(path for path, count in counts.items() if count > 1)


def _count(node: Node, bound: frozenset[str], counts: Counter[str]) -> None:
    if isinstance(node, Select) and not node.test:
        path = text(node)
        if path is not None and "[" not in path and path.partition(".")[0] not in bound:
            counts[path] += 1
    for part, names in parts(node, bound):
        _count(part, names, counts)


def parts(node: Node, bound: frozenset[str]) -> list[tuple[Node, frozenset[str]]]:
    """Return the nodes below `node`, each with the names bound there."""
    if not isinstance(node, Fold):
        return [(child, bound) for child in children(node)]
    inner = bound | {node.accumulator}
    loop = inner | ({node.variable, node.variable2} - {""})
    return [(node.range, bound), (node.init, bound), (node.condition, loop), (node.step, loop), (node.result, inner)]
