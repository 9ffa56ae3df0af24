"""Kinds that the API server would refuse, but that a person clearly meant: `kind: pod`, or a Deployment of `v1`.

Such an object is not what its author takes it for, and the checks of the kind that was meant do not see it.
"""

from __future__ import annotations

from typing import Final

import msgspec

from xspm.connectors.kubernetes.names import BUILTIN_GROUPS, RAW_TYPES, group_of, is_builtin
from xspm.connectors.kubernetes.templates import KNOWN_KINDS


class Mistake(msgspec.Struct, frozen=True):
    """What is wrong with a kind, and what may be meant."""

    message: str
    hint: str


_KINDS: Final = {*RAW_TYPES, *KNOWN_KINDS, ("", "List")}
_OLD: Final = "extensions"
"""The group that most kinds were in once."""


def mistaken_kind(api_version: str, kind: str) -> Mistake | None:
    """Return what is wrong with a kind that only looks like one of Kubernetes itself; None for every other."""
    group = group_of(api_version)
    if (group, kind) in _KINDS or group == _OLD or (not is_builtin(group) and "." in group):
        return None
    meant = sorted(known for known in _KINDS if known[1].lower() == kind.lower())
    if not meant:
        return None
    groups = {known for known, _ in meant}
    name = meant[0][1]
    if group in groups:
        return Mistake(f"Kubernetes has no kind {kind} in {api_version}", f"kinds are written in one case only: {name}")
    wanted = " or ".join(found or "v1" for found in sorted(groups - {_OLD}))
    known = "" if group in BUILTIN_GROUPS or "." in group else ", nor such a group"
    return Mistake(f"Kubernetes has no kind {kind} in {api_version}{known}", f"{name} is of the group {wanted}")
