"""What the tests of the policy language share: evaluating any expression over any variables, and an environment of typed resources."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

import msgspec
import pytest
from cel_expr_python import cel

from xspm.cel import declarations
from xspm.cel.compiler import compile_checked
from xspm.cel.environment import Environment
from xspm.cel.values import DEFAULT_COST_LIMIT
from xspm.model.schema import ResourceType, raw_type, typed
from xspm.model.unknown import Maybe, Unknown


class Run(Protocol):
    """Evaluates an expression whose variables are dynamic."""

    def __call__(self, source: str, cost_limit: int = DEFAULT_COST_LIMIT, **variables: Any) -> Any: ...


@pytest.fixture(scope="session")
def run() -> Run:
    environments: dict[tuple[str, ...], Any] = {}

    def evaluate(source: str, cost_limit: int = DEFAULT_COST_LIMIT, **variables: Any) -> Any:
        names = tuple(sorted(variables))
        if names not in environments:
            environments[names] = cel.NewEnv(
                config=declarations.config(),
                descriptor_pool=declarations.pool(),
                functions=declarations.functions(),
                variables=dict.fromkeys(names, cel.Type.DYN),
            )
        return compile_checked(environments[names].compile(source).serialize())(variables, cost_limit)

    return evaluate


class Match(msgspec.Struct, frozen=True):
    """A Match block."""

    user: Maybe[str | None]
    number: Maybe[int]


class Inner(msgspec.Struct, frozen=True):
    """A struct that may be absent."""

    name: Maybe[str]


class Sshd(ResourceType, frozen=True, kw_only=True):
    """The SSH server."""

    TYPE: ClassVar[str] = "linux.sshd"

    enabled: Maybe[bool]
    banner: Maybe[str | None]
    tries: Maybe[int | None]
    forwarding: Maybe[bool | None]
    ports: Maybe[list[int]]
    ciphers: Maybe[list[str] | None]
    labels: Maybe[dict[str, str]]
    limits: Maybe[dict[str, int] | None]
    matches: Maybe[list[Match]]
    inner: Maybe[Inner | None]
    ratio: Maybe[float]
    ratios: Maybe[list[float]]
    shares: Maybe[dict[str, float]]
    quota: Maybe[float | None]
    grid: Maybe[list[list[int]]]
    names: Maybe[list[str | None]]
    raw: Any


DATA = {
    "enabled": True,
    "banner": "hello",
    "tries": 4,
    "forwarding": None,
    "ports": [22, 2222],
    "ciphers": ["aes", "rc4"],
    "labels": {"app": "ssh"},
    "limits": None,
    "matches": [{"user": None, "number": 1}, {"user": "root", "number": 2}],
    "inner": None,
    "ratio": 1,
    "ratios": [1, 2.5],
    "shares": {"a": 1},
    "quota": 3,
    "grid": [[1], [2]],
    "names": ["a", None],
    "raw": {"x": {"y": 1}},
}
PARAMS: dict[str, Any] = {
    "allowed": ["no"],
    "most": 5,
    "limit": 1.5,
    "word": "a",
    "on": True,
    "mixed": [1, "a"],
    "map": {"a": 1},
    "any": None,
}
NOW = "2026-01-02T03:04:05Z"


@pytest.fixture(scope="session")
def environment() -> Environment:
    return Environment({"linux.sshd": typed(Sshd), "k8s.role": raw_type("k8s.role", "A role")})


class World(msgspec.Struct):
    """What an expression is evaluated over."""

    data: dict[str, Any]
    params: dict[str, Any]
    now: str
    tables: dict[str, Any]


@pytest.fixture
def world() -> World:
    data = dict(DATA)
    return World(data, dict(PARAMS), NOW, {"linux.sshd": [data], "k8s.role": Unknown("denied")})
