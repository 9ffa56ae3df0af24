"""Compare xspm's CEL engine with its peers in one run: `python benchmarks/cel.py [--seconds S]`.

Subjects are the shipped checks with the resources of their examples (`src/xspm/content/checks`), or a few built-in ones while there are none.
Every engine evaluates the same expression over the same JSON: xspm, the C++ runtime from Python (activation given; and building it, as a
caller must for every resource), and from PyPI `common-expression-language` (Rust) and `cel-python`, which this command installs into a virtual
environment of its own below `~/.cache/xspm-benchmarks`. Printed are the compile time, the microseconds of one evaluation (median over the
subjects) and the ratios to xspm over the subjects that both evaluate to the same value. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import json
import statistics
import subprocess
import sys
import time
import venv
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
import yaml
from cel_expr_python import cel

from xspm import connector
from xspm.app.types import resource_types
from xspm.cel import Environment
from xspm.errors import XspmError
from xspm.model.schema import raw_type
from xspm.model.unknown import UNKNOWN_KEY, revive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONTENT: Final = Path(__file__).parent.parent / "src" / "xspm" / "content" / "checks"
PEERS: Final = {"common-expression-language": "cel", "cel-python": "celpy"}
NOW: Final = "2026-01-31T12:00:00Z"

BUILT_IN: Final[tuple[tuple[str, dict[str, Any], dict[str, Any]], ...]] = (
    (
        "resource.permit_root_login in params.allowed",
        {"allowed": ["no", "prohibit-password"]},
        {"permit_root_login": "yes"},
    ),
    (
        "resource.enabled && resource.max_auth_tries <= params.limit",
        {"limit": 4},
        {"enabled": True, "max_auth_tries": 6},
    ),
    ("!resource.spec.hostNetwork && !resource.spec.hostPID", {}, {"spec": {"hostNetwork": False, "hostPID": False}}),
    (
        "resource.spec.containers.all(c, has(c.securityContext) && c.securityContext.runAsNonRoot)",
        {},
        {"spec": {"containers": [{"name": str(n), "securityContext": {"runAsNonRoot": True}} for n in range(3)]}},
    ),
    (
        "resource.ciphers.all(c, !c.endsWith('-cbc') && c != '3des')",
        {},
        {"ciphers": ["aes128-ctr", "aes256-gcm", "chacha20"]},
    ),
    ("resource.mode == '0600' || resource.uid == 0", {}, {"mode": "0644", "uid": 0}),
)


class Subject(NamedTuple):
    """One expression with the data it is evaluated over."""

    name: str
    source: str
    resource_type: str | None
    params: dict[str, Any]
    resource: Any
    resources: dict[str, list[Any]]


class Timing(NamedTuple):
    """What one engine needs for one subject."""

    compile_us: float
    evaluate_us: float
    value: Any


def measure(call: Callable[[], Any], seconds: float) -> float:
    """Return the microseconds of one call: the best of three rounds that take about `seconds` together."""
    start = time.perf_counter()
    call()
    once = time.perf_counter() - start
    number = max(1, int(seconds / 3 / max(once, 1e-7)))
    best = once
    for _ in range(3):
        start = time.perf_counter()
        for _ in range(number):
            call()
        best = min(best, (time.perf_counter() - start) / number)
    return best * 1e6


def subjects() -> list[Subject]:
    """Return the shipped checks with their examples."""
    return [subject for file in sorted(CONTENT.rglob("*.yaml")) for subject in _of_check(file)]


def built_in() -> list[Subject]:
    """Return the built-in expressions."""
    return [
        Subject(f"built-in {n}", source, "benchmark", params, resource, {})
        for n, (source, params, resource) in enumerate(BUILT_IN)
    ]


def _of_check(file: Path) -> Iterator[Subject]:
    check = yaml.safe_load(file.read_text("utf-8"))
    name = ".".join(file.relative_to(CONTENT).with_suffix("").parts)
    defaults = {key: value["default"] for key, value in (check.get("parameters") or {}).items()}
    for examples in check["examples"].values():
        for example in examples:
            params = defaults | example.get("params", {})
            for resource in itertools.islice(_resources(example, check["resource"]), 1):
                if UNKNOWN_KEY not in json.dumps(resource):
                    yield Subject(
                        name, check["check"], check["resource"], params, resource, example.get("resources", {})
                    )


def _resources(example: dict[str, Any], kind: str) -> Iterator[Any]:
    """Yield the resources of one example that the check is about."""
    if "resource" in example:
        yield example["resource"]
        return
    family = "kubernetes" if kind.startswith("k8s.") else "linux"
    form = next(key for key in example if key not in {"params", "resources"})
    try:
        snapshot = connector.load(family).example(form, example[form])
    except (XspmError, ImportError, AttributeError):
        return
    yield from (json.loads(msgspec.json.encode(item.data)) for item in snapshot.resources if item.type == kind)


def run_xspm(subject: Subject, environment: Any, seconds: float) -> Timing | None:
    """Time xspm's engine: what the policy engine calls for every resource."""
    start = time.perf_counter()
    program = environment.compile(subject.source, resource=subject.resource_type, params=subject.params, expect="any")
    compile_us = (time.perf_counter() - start) * 1e6
    resource, evaluate = revive(subject.resource), program.evaluate
    value = evaluate(resource, subject.params, subject.resources, NOW)
    return Timing(
        compile_us, measure(lambda: evaluate(resource, subject.params, subject.resources, NOW), seconds), value
    )


@functools.cache
def runtime() -> Any:
    """Return the C++ environment."""
    dyn = cel.Type.DYN
    names = ("bindings", "encoders", "lists", "math", "optional", "sets", "strings", "two-var-comprehensions")
    config = cel.NewEnvConfigFromYaml(
        "name: benchmark\nextensions:\n" + "".join(f"  - name: {name}\n" for name in names)
    )
    env = cel.NewEnv(config=config, variables={"resource": dyn, "params": dyn, "resources": dyn})
    env.compile("true").eval()
    return env


def run_runtime(subject: Subject, seconds: float) -> tuple[Timing, Timing] | None:
    """Time the C++ runtime with the activation given and with building it."""
    env = runtime()
    start = time.perf_counter()
    try:
        expression = env.compile(subject.source)
        data = {"resource": subject.resource, "params": subject.params, "resources": subject.resources}
        expression.eval(data=data)
    except RuntimeError:
        return None
    compile_us = (time.perf_counter() - start) * 1e6
    activation = env.Activation(data)
    value = expression.eval(activation).plain_value()
    given = measure(lambda: expression.eval(activation).value(), seconds)
    building = measure(lambda: expression.eval(data=data).value(), seconds)
    return Timing(compile_us, given, value), Timing(compile_us, building, value)


PEER_SCRIPT: Final = """
import json, sys, time
engine, seconds = sys.argv[1], float(sys.argv[2])
def measure(call):
    start = time.perf_counter(); call(); once = time.perf_counter() - start
    number = max(1, int(seconds / 3 / max(once, 1e-7))); best = once
    for _ in range(3):
        start = time.perf_counter()
        for _ in range(number): call()
        best = min(best, (time.perf_counter() - start) / number)
    return best * 1e6
if engine == "cel":
    import cel
    def prepare(source, variables):
        program = cel.compile(source)
        return lambda: program.execute(variables)
else:
    import celpy
    def prepare(source, variables):
        environment = celpy.Environment()
        program = environment.program(environment.compile(source))
        activation = {name: celpy.json_to_cel(value) for name, value in variables.items()}
        return lambda: program.evaluate(activation)
out = []
for source, variables in json.load(sys.stdin):
    try:
        start = time.perf_counter()
        call = prepare(source, variables)
        compiled = (time.perf_counter() - start) * 1e6
        value = call()
        value = bool(value) if type(value).__name__ in ("bool", "BoolType") else str(value)
        out.append([compiled, measure(call), value])
    except Exception as error:
        out.append(None)
json.dump(out, sys.stdout)
"""


def run_peer(package: str, listed: list[Subject], seconds: float) -> list[Timing | None]:
    """Time a peer from PyPI in an environment of its own."""
    home = Path.home() / ".cache" / "xspm-benchmarks" / "cel-peers"
    python = home / "bin" / "python"
    if not python.exists():
        venv.create(home, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PEERS], check=True)
    data = [
        (item.source, {"resource": item.resource, "params": item.params, "resources": item.resources})
        for item in listed
    ]
    command: list[str] = [str(python), "-c", PEER_SCRIPT, PEERS[package], str(seconds)]
    done = subprocess.run(command, input=json.dumps(data), capture_output=True, text=True, check=True)
    return [Timing(*item) if item else None for item in json.loads(done.stdout.splitlines()[-1])]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--seconds", type=float, default=0.01, help="how long each subject is measured with each engine"
    )
    parser.add_argument(
        "--built-in", action="store_true", help="measure the built-in expressions instead of the shipped checks"
    )
    arguments = parser.parse_args()
    seconds = arguments.seconds
    listed = built_in() if arguments.built_in else subjects() or built_in()
    types = {} if arguments.built_in else dict(resource_types())
    environment = Environment({"benchmark": raw_type("benchmark", "Built-in subjects."), **types})
    ours: list[Timing | None] = []
    given: list[Timing | None] = []
    building: list[Timing | None] = []
    for subject in listed:
        ours.append(run_xspm(subject, environment, seconds))
        pair = run_runtime(subject, seconds)
        given.append(pair[0] if pair else None)
        building.append(pair[1] if pair else None)
    engines = {"xspm": ours, "C++ runtime, activation given": given, "C++ runtime, building it": building}
    engines |= {package: run_peer(package, listed, seconds) for package in PEERS}
    print(f"{len({item.name for item in listed})} checks, {len(listed)} resources\n")
    print(f"{'engine':32}{'answered':>9}{'compile µs':>12}{'evaluate µs':>13}{'/ xspm':>9}{'(range)':>18}")
    for name, timings in engines.items():
        _print(name, timings, ours)
    return 0


def _print(name: str, timings: list[Timing | None], ours: list[Timing | None]) -> None:
    pairs = [(a, b) for a, b in zip(timings, ours, strict=True) if a and b and a.value == b.value]
    if not pairs:
        print(f"{name:32}{0:9}")
        return
    ratios = sorted(theirs.evaluate_us / mine.evaluate_us for theirs, mine in pairs)
    compile_us = statistics.median(item.compile_us for item, _ in pairs)
    evaluate_us = statistics.median(item.evaluate_us for item, _ in pairs)
    spread = f"{ratios[0]:.1f} … {ratios[-1]:.0f}"
    print(f"{name:32}{len(pairs):9}{compile_us:12.0f}{evaluate_us:13.2f}{statistics.median(ratios):9.1f}{spread:>18}")


if __name__ == "__main__":
    sys.exit(main())
