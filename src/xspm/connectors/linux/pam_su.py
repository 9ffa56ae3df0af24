"""Who may use su: whether it asks for membership in a group, and who is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xspm.connectors.linux.configuration import lines
from xspm.connectors.linux.pam_options import named, rejects
from xspm.connectors.linux.pam_outcome import guard_is_evaded
from xspm.connectors.linux.records import exists
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from xspm.connectors.linux.pam_outcome import Step
    from xspm.connectors.linux.pam_stacks import PamRule, Stacks
    from xspm.connectors.linux.transport import Source


def su(source: Source, stacks: Stacks) -> dict[str, Any]:
    """Who may use su, with and without a login shell."""
    found = [stacks.rules("su", "auth")]
    if "su-l" in stacks.services:
        found.append(stacks.rules("su-l", "auth"))
    elif "runuser" in stacks.services or exists(source, "/usr/sbin/runuser", "/sbin/runuser"):
        # util-linux' su asks for the service su-l when it is to make a login shell, and PAM then takes `other`.
        other = stacks.rules("other", "auth")
        found += [] if isinstance(other, list) and _refuses(other) else [other]
    unread = next((rules for rules in found if isinstance(rules, Unknown)), None)
    if unread:
        return dict.fromkeys(("su_restricted", "su_use_uid", "su_group", "su_group_members"), unread)
    known = [rules for rules in found if isinstance(rules, list)]
    if not all(_asks_for_wheel(rules, set()) for rules in known):
        return {"su_restricted": False, "su_use_uid": False, "su_group": None, "su_group_members": []}
    wheel = next(rule for rule in known[0] if _is_wheel(rule))
    group, members = _wheel(source, named(wheel.arguments).get("group"))
    return {
        "su_restricted": True,
        "su_use_uid": all(_asks_for_wheel(rules, {"use_uid"}) for rules in known),
        "su_group": group,
        "su_group_members": members,
    }


def _refuses(rules: list[PamRule]) -> bool:
    """Whether a stack lets nobody in."""
    return not rules or not guard_is_evaded(rules, lambda step: step.module == "pam_deny" and rejects(step.control))


def _is_wheel(rule: Step) -> bool:
    return rule.module == "pam_wheel" and rejects(rule.control) and "deny" not in rule.arguments


def _asks_for_wheel(rules: list[PamRule], words: set[str]) -> bool:
    """Whether nobody but root comes past pam_wheel with these arguments."""
    return any(_is_wheel(rule) and words <= set(rule.arguments) for rule in rules) and not guard_is_evaded(
        rules, lambda step: _is_wheel(step) and words <= set(step.arguments)
    )


def _wheel(source: Source, name: str | None) -> tuple[Maybe[str | None], Maybe[list[str]]]:
    """Return the group that pam_wheel asks for: the one named, else wheel, else that with gid 0; and its members."""
    group, passwd = source.text("/etc/group"), source.text("/etc/passwd")
    if isinstance(group, Unknown):
        return name or group, group
    rows = [row for row in (line.text.split(":") for line in lines(group or "")) if len(row) == 4]
    wanted = name or ("wheel" if any(row[0] == "wheel" for row in rows) else None)
    row = next((row for row in rows if (row[0] == wanted if wanted else row[2] == "0")), None)
    if row is None:
        return wanted, []
    users = [line.text.split(":") for line in lines(passwd)] if isinstance(passwd, str) else []
    primary = {user[0] for user in users if len(user) == 7 and user[3] == row[2]}
    return row[0], sorted({member for member in row[3].split(",") if member} | primary)
