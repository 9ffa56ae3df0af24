"""Capabilities of a file: what a program may do as root may, whoever starts it.

The kernel keeps them in the attribute `security.capability` (linux/capability.h: a revision with the effective flag,
then 32-bit halves of the permitted and the inheritable set); `getcap` writes them as text (cap_from_text(3)). Both are
read to the same words.
"""

from __future__ import annotations

import re
import struct
from typing import Final

import msgspec

ATTRIBUTE: Final = "security.capability"
NAMES: Final = (
    *("cap_chown", "cap_dac_override", "cap_dac_read_search", "cap_fowner", "cap_fsetid", "cap_kill", "cap_setgid"),
    *("cap_setuid", "cap_setpcap", "cap_linux_immutable", "cap_net_bind_service", "cap_net_broadcast"),
    *("cap_net_admin", "cap_net_raw", "cap_ipc_lock", "cap_ipc_owner", "cap_sys_module", "cap_sys_rawio"),
    *("cap_sys_chroot", "cap_sys_ptrace", "cap_sys_pacct", "cap_sys_admin", "cap_sys_boot", "cap_sys_nice"),
    *("cap_sys_resource", "cap_sys_time", "cap_sys_tty_config", "cap_mknod", "cap_lease", "cap_audit_write"),
    *("cap_audit_control", "cap_setfcap", "cap_mac_override", "cap_mac_admin", "cap_syslog", "cap_wake_alarm"),
    *("cap_block_suspend", "cap_audit_read", "cap_perfmon", "cap_bpf", "cap_checkpoint_restore"),
)
"""By number, capabilities(7)."""
_HALVES: Final = {0x01000000: 1, 0x02000000: 2, 0x03000000: 2}
"""Words of each set, by revision."""
_LINE: Final = re.compile(r"(/.*?) (?:= )?((?:all|cap_|=)\S*(?: \S+)*)")
_CLAUSE: Final = re.compile(r"(all|(?:cap_\w+)(?:,cap_\w+)*)?((?:[=+-][eip]*)+)")


class Capabilities(msgspec.Struct, frozen=True):
    """The sets of one file."""

    permitted: tuple[str, ...]
    """What the program has, or may take: names as in capabilities(7), sorted."""
    inheritable: tuple[str, ...] = ()
    """What it keeps of what its caller passes on, sorted."""


def from_attribute(data: bytes) -> Capabilities | None:
    """Read the attribute; None for what is none, or gives nothing."""
    if len(data) < 4:
        return None
    (head,) = struct.unpack_from("<I", data)
    halves = _HALVES.get(head & 0xFF000000)
    if halves is None or len(data) < 4 + 8 * halves:
        return None
    words = struct.unpack_from(f"<{2 * halves}I", data, 4)
    permitted, inheritable = (sum(word << 32 * index for index, word in enumerate(words[start::2])) for start in (0, 1))
    return _made(_named(permitted), _named(inheritable))


def from_text(text: str) -> Capabilities | None:
    """Read what getcap writes: `cap_net_raw=ep`, `=ep`, `cap_chown,cap_kill+eip cap_setuid-p`."""
    sets: dict[str, set[str]] = {"e": set(), "i": set(), "p": set()}
    for clause in text.split():
        match = _CLAUSE.fullmatch(clause)
        if match is None:
            continue
        names = set(NAMES) if match[1] in {None, "all"} else set(match[1].split(","))
        for operator, flags in re.findall(r"([=+-])([eip]*)", match[2]):
            for flag, found in sets.items():
                if operator == "=" or (operator == "-" and flag in flags):
                    found.difference_update(names)
                if operator != "-" and flag in flags:
                    found.update(names)
    return _made(sets["p"], sets["i"])


def from_getcap(output: str) -> dict[str, Capabilities]:
    """Read the lines of getcap, by path: `/usr/bin/ping cap_net_raw=ep`, and in older versions with ` = ` between."""
    found: dict[str, Capabilities] = {}
    for line in output.split("\n"):
        match = _LINE.fullmatch(line)
        capabilities = from_text(match[2]) if match else None
        if match and capabilities:
            found[match[1]] = capabilities
    return found


def _named(bits: int) -> set[str]:
    """Name the bits of a set; one that has no name yet keeps its number."""
    return {
        NAMES[number] if number < len(NAMES) else f"cap_{number}"
        for number in range(bits.bit_length())
        if bits >> number & 1
    }


def _made(permitted: set[str], inheritable: set[str]) -> Capabilities | None:
    """Return the sets, None when both are empty."""
    return Capabilities(tuple(sorted(permitted)), tuple(sorted(inheritable))) if permitted or inheritable else None
