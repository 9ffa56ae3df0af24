from __future__ import annotations

import marshal
import subprocess
import sys
import tracemalloc
from types import CodeType
from typing import TYPE_CHECKING, Any

import pytest

from xspm.cel import EvaluationError, Program, library, observe
from xspm.errors import CelError
from xspm.model.unknown import Unknown

if TYPE_CHECKING:
    from pathlib import Path

    from xspm.cel import Environment

DENIED = Unknown("denied")


def test_dump_and_load(environment: Environment, world: Any) -> None:
    program = environment.compile(
        "resource.banner == null || resource.banner.matches('h.*')", resource="linux.sshd", params={}, expect="bool"
    )
    loaded = Program.load(program.dump())
    assert loaded.dump() == program.dump()
    assert (loaded.source, loaded.reads, loaded.resource_types) == (
        program.source,
        program.reads,
        program.resource_types,
    )
    assert loaded.evaluate(world.data, {}, {}, "") is True
    assert Program.load(loaded.dump()).evaluate({"banner": DENIED}, {}, {}, "") == DENIED


@pytest.mark.parametrize(
    "data", [b"", b"junk", marshal.dumps(1), marshal.dumps(("other", "", (), (), False, b"", None))]
)
def test_foreign_dump_is_refused(data: bytes) -> None:
    with pytest.raises(CelError, match="compiled expression"):
        Program.load(data)


def test_a_loaded_program_needs_no_front_end(environment: Environment, tmp_path: Path) -> None:
    program = environment.compile(
        "resource.enabled && resource.ports.all(p, p > 0)", resource="linux.sshd", params={}, expect="bool"
    )
    file = tmp_path / "program"
    file.write_bytes(program.dump())
    code = (
        "import sys; from xspm.cel import Program, Template\n"
        f"program = Program.load(open({str(file)!r}, 'rb').read())\n"
        "assert program.evaluate({'enabled': True, 'ports': [1]}, {}, {}, '') is True\n"
        "loaded = [name for name in sys.modules if name.split('.')[0] in {'cel_expr_python', 'google', 're2', 'zoneinfo'}]\n"
        "assert not [name for name in loaded if name != 'google'], loaded\n"
        "assert 'xspm.cel.environment' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_limits_become_errors(environment: Environment) -> None:
    program = environment.compile(
        "resource.x.all(a, resource.x.all(b, a == b))", resource="k8s.role", params={}, expect="bool"
    )
    assert program.evaluate({"x": [1] * 100}, {}, {}, "", cost_limit=1000) == EvaluationError(
        "cost limit of 1000 steps exceeded"
    )
    deep: list[Any] = [[]]
    other: list[Any] = [[]]
    for _ in range(10_000):
        deep, other = [deep], [other]
    odd = environment.compile("resource.x > 1.5", resource="k8s.role", params={}, expect="bool")
    assert type(odd.evaluate({"x": 10**400}, {}, {}, "")) is EvaluationError
    assert program.evaluate({"x": [deep, other]}, {}, {}, "") == EvaluationError("the data nest too deep")


def test_generated_code_has_no_builtins(environment: Environment) -> None:
    program = environment.compile("resource.x == 1", resource="k8s.role", params={}, expect="bool")
    for code in (program._code, program._straight):
        assert isinstance(code, CodeType)
        assert library.run(code).__globals__["__builtins__"] == {}


def test_both_ways_are_kept(environment: Environment, world: Any) -> None:
    program = environment.compile("resource.enabled", resource="linux.sshd", params={}, expect="bool")
    assert program.evaluate is program.evaluate
    assert program.evaluate(world.data, {}, {}, "") is program.evaluate_long(world.data, {}, {}, "") is True
    with pytest.raises(AttributeError):
        _ = program.nothing
    alone = Program("true", (), (), program._code, reads_now=False)
    assert Program.load(alone.dump()).evaluate(world.data, {}, {}, "") is True


OBSERVED: list[tuple[str, Any, Any]] = [
    ("resource", {"a": 1}, {"a": 1}),
    ("resource.a", {"a": 1}, 1),
    ("resource.a.b", {"a": {"b": [1]}}, [1]),
    ("resource.a.b", {"a": None}, None),
    ("resource.a.b", {"a": DENIED}, DENIED),
    ("resource.a", DENIED, DENIED),
    ("resource.a", {}, None),
]


@pytest.mark.parametrize(("path", "resource", "expected"), OBSERVED)
def test_observe(path: str, resource: Any, expected: Any) -> None:
    assert observe(path, resource) == expected


def test_package_loads_the_environment_when_it_is_asked_for() -> None:
    import xspm.cel  # noqa: PLC0415
    from xspm.cel.environment import Environment  # noqa: PLC0415

    assert xspm.cel.Environment is Environment

    with pytest.raises(AttributeError):
        _ = xspm.cel.nothing


@pytest.mark.parametrize(
    "grown",
    [
        "{}.replace('', 'xxxxxxxxxxxxxxxx')",
        "{}.replace('a', 'aaaaaaaaaaaaaaaa')",
        "[{}, 'a', 'a'].join('{pad}')",
        "'%s{pad}'.format([{}])",
        "'%x%x%x%x%x%x%x%x'.format([{}, 'a', 'a', 'a', 'a', 'a', 'a', 'a'])",
        "'%s'.format([[{}, '{pad}']])",
        "{} + '{pad}'",
        "strings.quote({} + '{pad}')",
        "({} + '{pad}').reverse()",
        "({} + '{pad}').upperAscii()",
        "({} + '{pad}').split('').join()",
        "string(bytes({} + '{pad}'))",
        "base64.encode(bytes({} + '{pad}'))",
        r"regex.replace({}, 'a', '\\0\\0')",
    ],
)
def test_a_text_is_paid_for_before_it_is_made(environment: Environment, grown: str) -> None:
    """However a text is put together, what may be made in all is no more than sixteen characters a step."""
    text = "resource.a"
    for _ in range(5):
        text = grown.replace("{}", text).replace("{pad}", "a" * 300)
    program = environment.compile(f"size({text}) < 0", resource="k8s.role", params={}, expect="bool")
    data = {"a": "a" * 40}
    assert program.evaluate(data, {}, {}, "") is False
    assert program.evaluate_long(data, {}, {}, "", cost_limit=50) == EvaluationError("cost limit of 50 steps exceeded")


@pytest.mark.parametrize("verb", ["%s", "%x"])
def test_what_is_formatted_is_paid_for_before_it_is_put_together(environment: Environment, verb: str) -> None:
    program = environment.compile(
        f"'{verb * 8}'.format([resource.a, resource.a, resource.a, resource.a, resource.a, resource.a, resource.a, "
        "resource.a]) == ''",
        resource="k8s.role",
        params={},
        expect="bool",
    )
    tracemalloc.start()
    try:
        result = program.evaluate({"a": "a" * 2_000_000}, {}, {}, "", cost_limit=200_000)
        assert result == EvaluationError("cost limit of 200000 steps exceeded")
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()
