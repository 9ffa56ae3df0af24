"""ufw: its own settings, and the rules that its files load."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from xspm.connectors.linux.configuration import boolean, shell_assignments
from xspm.connectors.linux.iptables import from_iptables
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from xspm.connectors.linux.packet_filter import Table
    from xspm.connectors.linux.transport import Source


class Ufw(msgspec.Struct, frozen=True, kw_only=True):
    """The front-end ufw."""

    enabled: Maybe[bool]
    """ENABLED in ufw.conf."""
    default_input: Maybe[str]
    """DEFAULT_INPUT_POLICY in lower case: drop, reject, accept."""
    default_output: Maybe[str]
    """DEFAULT_OUTPUT_POLICY."""
    default_forward: Maybe[str]
    """DEFAULT_FORWARD_POLICY."""
    ipv6: Maybe[bool]
    """IPV6."""
    log_level: Maybe[str]
    """LOGLEVEL: off, low, medium, high, full."""


def read_ufw(source: Source) -> Ufw:
    """Read ufw's settings."""
    main, defaults = source.text("/etc/ufw/ufw.conf"), source.text("/etc/default/ufw")
    given = {} if isinstance(main, Unknown) else shell_assignments(main or "")
    policies = {} if isinstance(defaults, Unknown) else shell_assignments(defaults or "")

    def policy(name: str, default: str) -> Maybe[str]:
        return (
            defaults if isinstance(defaults, Unknown) else policies[name].value.lower() if name in policies else default
        )

    return Ufw(
        enabled=main if isinstance(main, Unknown) else "ENABLED" in given and boolean(given["ENABLED"].value) is True,
        default_input=policy("DEFAULT_INPUT_POLICY", "drop"),
        default_output=policy("DEFAULT_OUTPUT_POLICY", "accept"),
        default_forward=policy("DEFAULT_FORWARD_POLICY", "drop"),
        ipv6=defaults if isinstance(defaults, Unknown) else "IPV6" not in policies or policies["IPV6"].value != "no",
        log_level=main
        if isinstance(main, Unknown)
        else given["LOGLEVEL"].value.lower()
        if "LOGLEVEL" in given
        else "low",
    )


def ufw_tables(source: Source, ufw: Ufw) -> list[Table] | Unknown:
    """Return the rules that ufw loads: its policies, and the files of its own and its user's rules."""
    tables: list[Table] = []
    for family, mark in (("ip", ""), ("ip6", "6")):
        if family == "ip6" and ufw.ipv6 is False:
            continue
        lower = f"ufw{mark}"
        text = "*filter\n"
        for chain, policy in (
            ("INPUT", ufw.default_input),
            ("FORWARD", ufw.default_forward),
            ("OUTPUT", ufw.default_output),
        ):
            if isinstance(policy, Unknown):
                return policy
            text += f":{chain} {'ACCEPT' if policy == 'accept' else 'DROP'} [0:0]\n"
            word = {"INPUT": "input", "FORWARD": "forward", "OUTPUT": "output"}[chain]
            text += "".join(f"-A {chain} -j {lower}-{part}-{word}\n" for part in ("before", "user", "after"))
            if policy == "reject":
                text += f"-A {chain} -j REJECT\n"
        for name in ("before", "user", "after"):
            found = source.text(f"/etc/ufw/{name}{mark}.rules")
            if isinstance(found, Unknown):
                return found
            text += (found or "") + "\n*filter\n"
        tables.append(from_iptables(text, "ip" if family == "ip" else "ip6"))
    return tables
