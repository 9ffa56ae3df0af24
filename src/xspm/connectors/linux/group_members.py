"""Who is in a group, by /etc/group and /etc/passwd: those it lists and those whose primary group it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from xspm.connectors.linux.transport import Source


def group_members(source: Source, name: str) -> Maybe[list[str] | None]:
    """Return the members of a group, sorted; None when these files do not name it."""
    groups, users = source.text("/etc/group"), source.text("/etc/passwd")
    if isinstance(groups, Unknown):
        return groups
    rows = [row for line in (groups or "").splitlines() if (row := line.split(":"))[0] == name and len(row) > 3]
    if not rows:
        return None
    if isinstance(users, Unknown):
        return users
    found = {member.strip() for row in rows for member in row[3].split(",")}
    numbers = {row[2] for row in rows}
    found |= {row[0] for line in (users or "").splitlines() if len(row := line.split(":")) > 3 and row[3] in numbers}
    return sorted(found - {""})
