"""Runs a PAM stack in thought: does it say yes to somebody who knows nothing?

Every module that asks for something is taken to refuse, `pam_permit` to agree, and a condition (`pam_succeed_if`,
`pam_access` …) or a program of one's own (`pam_exec`) to come out either way. The rules of control are those of
pam.conf(5), the way libpam's dispatcher applies them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from xspm.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


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
_ELSEWHERE: Final = frozenset(
    {"pam_exec", "pam_script", "pam_python", "pam_python3", "pam_perl", "pam_lua", "pam_rhosts", "pam_rhosts_auth"}
)
"""Modules whose answer a program or a list of trusted hosts gives, which is not read here."""

_PASSWORDS: Final = frozenset({"pam_unix", "pam_unix2", "pam_sss", "pam_ldap", "pam_krb5", "pam_winbind"})
"""Modules that compare a password."""
_YES: Final = _State("yes", good=True)
_GATES: Final = frozenset(
    {
        *("pam_localuser", "pam_shells", "pam_usertype", "pam_securetty", "pam_faillock", "pam_tally", "pam_tally2"),
        *("pam_debug", "pam_issue"),
    }
)
"""Conditions that nearly everybody meets, so that one that opens by itself opens to everybody."""


def lets_everybody_in(rules: Iterable[Step], *, as_root: bool = False) -> bool | Unknown:
    """Tell whether an auth stack succeeds though nothing is proven; `as_root`: it is a daemon of root that asks."""
    steps = list(rules)
    if as_root and any(is_root_calling(step) for step in steps):
        return Unknown("a condition asks whether root calls, and this service runs as root", cause="limit")
    if _YES in _ends(steps, lambda step: _results(step, doubtful=False)):
        return True
    if _YES in _ends(steps, lambda step: _results(step, doubtful=True)):
        return Unknown("a condition or a program opens without a secret; whom it lets in is not read", cause="limit")
    return False


def guard_is_evaded(rules: Iterable[Step], guard: Callable[[Step], bool]) -> bool:
    """Tell whether a stack may succeed for somebody other than root whom the guard refuses."""
    ends = _ways(list(rules), lambda step: ("auth_err",) if guard(step) or is_root_calling(step) else _either(step))
    return any(state == _YES for state, _ in ends)


def lock_is_evaded(rules: Iterable[Step], locks: Callable[[Step], bool]) -> bool:
    """Tell whether a right password may open a locked account."""
    ends = _ways(
        list(rules),
        lambda step: ("auth_err",) if locks(step) else _regular(step),
        lambda step, result: "password" if _asks_password(step) and result == "success" else "",
    )
    return any(state == _YES and "password" in marks for state, marks in ends)


def failure_is_uncounted(rules: Iterable[Step], counts: Callable[[Step], bool]) -> bool:
    """Tell whether a wrong password may go by without being counted."""
    ends = _ways(
        list(rules),
        lambda step: ("auth_err",) if _asks_password(step) or "authfail" in step.arguments else _regular(step),
        lambda step, _: "password" if _asks_password(step) else "count" if counts(step) else "",
    )
    return any("password" in marks and "count" not in marks for _, marks in ends)


def new_password_evades(rules: Iterable[Step], guard: Step) -> bool:
    """Tell whether a password may be set before the guard has seen it, or though it refuses."""
    ends = _ways(
        list(rules),
        lambda step: ("authtok_err",) if step is guard else _regular(step),
        lambda step, result: (
            "guard" if step is guard else "set" if step.module == "pam_unix" and result == "success" else ""
        ),
    )
    return any("set" in marks and (state == _YES or "guard" not in marks or marks[0] == "set") for state, marks in ends)


def _asks_password(step: Step) -> bool:
    return step.module in _PASSWORDS and not any(word.endswith("_cert_auth") for word in step.arguments)


def _either(step: Step) -> tuple[str, ...]:
    """Return what a module may answer to somebody who may know a secret."""
    if step.module == "pam_permit":
        return ("success",)
    if step.module == "pam_deny":
        return ("auth_err",)
    if step.module in _SILENT and "successok" not in step.arguments:
        return ("ignore",)
    return ("success", "auth_err")


def _regular(step: Step) -> tuple[str, ...]:
    """Return the same for a regular user of this host, whom the policy is about."""
    local = step.module == "pam_localuser" or (step.module == "pam_usertype" and "isregular" in step.arguments)
    return ("success",) if local else _either(step)


def _ends(steps: list[Step], results: Callable[[Step], Iterable[str]]) -> set[_State]:
    """Return all that a stack may come to."""
    return {state for state, _ in _ways(steps, results)}


def _ways(
    steps: list[Step],
    results: Callable[[Step], Iterable[str]],
    mark: Callable[[Step, str], str] = lambda _step, _result: "",
) -> set[tuple[_State, tuple[str, ...]]]:
    """Return all that a stack may come to, each with the marks passed, in their order."""
    waiting: list[set[tuple[_State, tuple[str, ...]]]] = [set() for _ in range(len(steps) + 1)]
    waiting[0].add((_State(), ()))
    for position, step in enumerate(steps):
        actions = _actions(step.control)
        for state, marks in waiting[position]:
            for result in results(step):
                skip, following = _after(state, result, actions.get(result, actions.get("default", "bad")))
                passed = mark(step, result)
                way = (following, (*marks, passed) if passed and passed not in marks else marks)
                if skip is None:
                    waiting[-1].add(way)
                elif position + 1 + skip <= len(steps):
                    waiting[position + 1 + skip].add(way)
    return waiting[-1]


def _actions(control: str) -> dict[str, str]:
    """Read a control; one that libpam does not know fails."""
    if control.startswith("["):
        return dict(part.partition("=")[::2] for part in control.strip("[] ").split())
    return _CONTROLS.get(control, {"default": "die"})


def _results(step: Step, *, doubtful: bool) -> Iterator[str]:
    """Yield what a module may answer to somebody who knows nothing; `doubtful`: conditions of unknown reach as well."""
    actions = _actions(step.control)
    if step.module == "pam_permit" or (step.module == "pam_nologin" and "successok" in step.arguments):
        yield "success"
    elif step.module in _SILENT:
        yield "ignore"
    elif step.module in _CONDITIONS and not {"authfail"} & set(step.arguments):
        yield "auth_err"
        # One that must hold is met by many; one that opens by itself (`sufficient`, a jump) perhaps by few.
        holds = actions.get("success", actions.get("default", "bad")) in {"ok", "ignore"}
        reach = True if holds else _reach(step)
        if reach or (reach is None and doubtful):
            yield "success"
    else:
        yield "auth_err"
        if doubtful and step.module in _ELSEWHERE:
            yield "success"


def _reach(step: Step) -> bool | None:
    """Tell whether a condition is met by anybody who comes; None when that is not known."""
    words = [word for word in step.arguments if word not in {"quiet", "quiet_success", "quiet_fail", "debug", "audit"}]
    if step.module in _GATES:
        return True
    if step.module == "pam_listfile":
        return True if "sense=deny" in words else None
    if step.module != "pam_succeed_if":
        return None
    if is_root_calling(step) or words == ["user", "ingroup", "nopasswdlogin"]:
        return False
    # Who comes names the account, so even `uid = 0` is met by anybody; with use_uid it is about the caller.
    return True if not words or (words[0] in {"uid", "gid"} and len(words) == 3) else None


def is_root_calling(step: Step) -> bool:
    """Tell whether a condition is met by root alone, by the uid of the caller."""
    if step.module == "pam_rootok":
        return True
    words = [word for word in step.arguments if word not in {"quiet", "quiet_success", "quiet_fail", "debug", "audit"}]
    asked = [word for word in words if word != "use_uid"]
    return (
        step.module == "pam_succeed_if"
        and "use_uid" in words
        and asked in (["uid", "=", "0"], ["uid", "eq", "0"], ["user", "=", "root"])
    )


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
