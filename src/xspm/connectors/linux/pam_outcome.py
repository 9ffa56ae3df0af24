"""Runs a PAM stack in thought: does it say yes to somebody who knows nothing?

Every module that asks for something is taken to refuse, `pam_permit` to agree, and a condition (`pam_succeed_if`,
`pam_access` …) to come out either way. The rules of control are those of pam.conf(5), the way libpam's dispatcher
applies them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Step(Protocol):
    """What a rule must tell."""

    @property
    def control(self) -> str:
        """As written, lower case."""

    @property
    def module(self) -> str:
        """Name without suffix."""

    @property
    def arguments(self) -> list[str]:
        """As written."""


class _State(NamedTuple):
    """What a stack has come to."""

    impression: str = ""
    """`yes`, `no`, or nothing yet."""
    good: bool = False
    """The value kept is success."""


_CONTROLS: Final[dict[str, dict[str, str]]] = {
    "required": {"success": "ok", "ignore": "ignore", "default": "bad"},
    "requisite": {"success": "ok", "ignore": "ignore", "default": "die"},
    "sufficient": {"success": "done", "ignore": "ignore", "default": "ignore"},
    "optional": {"success": "ok", "ignore": "ignore", "default": "ignore"},
}
_SILENT: Final = frozenset(
    {"pam_env", "pam_faildelay", "pam_nologin", "pam_group", "pam_warn", "pam_keyinit", "pam_cap", "pam_echo"}
)
"""Modules whose authentication says neither yes nor no."""
_CONDITIONS: Final = frozenset(
    {
        *("pam_succeed_if", "pam_access", "pam_time", "pam_listfile", "pam_localuser", "pam_usertype", "pam_securetty"),
        *("pam_shells", "pam_faillock", "pam_tally", "pam_tally2", "pam_debug", "pam_issue", "pam_motd"),
    }
)
"""Modules that say yes or no without asking for a secret."""


def lets_everybody_in(rules: Iterable[Step]) -> bool:
    """Tell whether an auth stack succeeds though nothing is proven."""
    steps = list(rules)
    waiting: list[set[_State]] = [set() for _ in range(len(steps) + 1)]
    waiting[0].add(_State())
    for position, step in enumerate(steps):
        actions = _actions(step.control)
        for state in waiting[position]:
            for result in _results(step, actions):
                skip, following = _after(state, result, actions.get(result, actions.get("default", "bad")))
                if skip is None:
                    waiting[-1].add(following)
                elif position + 1 + skip <= len(steps):
                    waiting[position + 1 + skip].add(following)
    return _State("yes", good=True) in waiting[-1]


def _actions(control: str) -> dict[str, str]:
    """Read a control; one that libpam does not know fails."""
    if control.startswith("["):
        return dict(part.partition("=")[::2] for part in control.strip("[] ").split())
    return _CONTROLS.get(control, {"default": "die"})


def _results(step: Step, actions: dict[str, str]) -> Iterator[str]:
    """Yield what a module may answer to somebody who knows nothing."""
    if step.module == "pam_permit":
        yield "success"
    elif step.module in _SILENT:
        yield "ignore"
    elif step.module in _CONDITIONS and not {"authfail"} & set(step.arguments):
        yield "auth_err"
        # A condition that alone opens (`sufficient`, a jump) is meant for some; one that must hold is met by many.
        if actions.get("success", actions.get("default", "bad")) in {"ok", "ignore"}:
            yield "success"
    else:
        yield "auth_err"


def _after(state: _State, result: str, action: str) -> tuple[int | None, _State]:
    """Apply an action: how many rules to skip (None: the stack ends), and what it has come to."""
    if action.isdecimal() and len(action) < 5:
        return int(action), state
    if action == "reset":
        return 0, _State()
    if action == "ignore" or (result == "ignore" and action in {"ok", "done"}):
        return 0, state
    if action in {"ok", "done"}:
        if state.impression == "" or state == _State("yes", good=True):
            good = result == "success"
            state = _State("yes" if good else state.impression, good=good)
        return (None if action == "done" and state.impression == "yes" else 0), state
    return (None if action == "die" else 0), _State("no")
