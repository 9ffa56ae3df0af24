"""From what `sshd -T` prints to the typed fields of `linux.sshd`.

A parsed configuration is brought into the same shape first, so that both sources go through this one table.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from xspm.connectors.linux.redact import redact
from xspm.connectors.linux.sshd_defaults import (
    ALGORITHMS,
    HOST_KEYS,
    NEWEST,
    UNSURE,
    Version,
    algorithms,
    plain_defaults,
)
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

Lines: TypeAlias = list[list[str]]
"""The arguments of each line of one keyword."""
Printed: TypeAlias = dict[str, Maybe[Lines]]
"""Settings as `sshd -T` prints them, by keyword."""


def normalise(printed: Printed, version: Version) -> dict[str, Any]:
    """Return the typed fields of `Sshd` for printed settings; what is not printed has the version's default."""
    full: Printed = {keyword: [value.split()] for keyword, value in plain_defaults(version).items()}
    if version == NEWEST:
        full |= dict.fromkeys(
            UNSURE, Unknown("the version of sshd, which decides the default, is not known", cause="missing")
        )
    full.update(printed)
    for keyword in ALGORITHMS:
        value = full.get(keyword)
        if not isinstance(value, Unknown):
            given = value[0][0] if value and value[0] else None
            full[keyword] = [[",".join(algorithms(keyword, given, version))]]
    full.setdefault("port", [["22"]])
    full.setdefault("hostkey", [[path] for path in HOST_KEYS])
    fields: dict[str, Any] = {}
    for field, (keyword, convert) in FIELDS.items():
        value = full.get(keyword, [])
        fields[field] = value if isinstance(value, Unknown) else convert(value)
    fields["listen_addresses"] = _listens(full)
    return fields


def _switch(value: Lines) -> bool:
    return _word(value) == "yes"


def _word(value: Lines) -> str:
    return value[0][0] if value and value[0] else ""


def _upper(value: Lines) -> str:
    return _word(value).upper()


def _level(value: Lines) -> str:
    return {"SILENT": "QUIET", "DEBUG1": "DEBUG"}.get(_upper(value), _upper(value))


def _root_login(value: Lines) -> str:
    return "prohibit-password" if _word(value) == "without-password" else _word(value)


def _number(value: Lines) -> int:
    word = _word(value)
    return int(word) if re.fullmatch(r"\d{1,15}", word) else 0


def _limit(value: Lines) -> int | None:
    return None if _word(value) in {"none", ""} else _number(value)


def _text(value: Lines) -> str | None:
    text = " ".join(value[0]) if value else ""
    return None if text.lower() in {"none", ""} else text


def _command(value: Lines) -> str | None:
    text = _text(value)
    return redact(text) if text else None


def _items(value: Lines) -> list[str]:
    return list(dict.fromkeys(word for line in value for word in line if word))


def _any(value: Lines) -> list[str]:
    return [] if _word(value).lower() == "any" else _items(value)


def _commas(value: Lines) -> list[str]:
    return [word for word in _word(value).split(",") if word]


def _ports(value: Lines) -> list[int]:
    return sorted({int(word) for word in _items(value) if word.isascii() and word.isdigit() and len(word) < 6})


def _subsystems(value: Lines) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, *rest in (line for line in value if line):
        found.setdefault(name, redact(" ".join(rest)))
    return found


def _penalties(value: Lines) -> bool:
    return bool(value) and _word(value).lower() != "no"


def _startup(position: int) -> Callable[[Lines], int]:
    def convert(value: Lines) -> int:
        begin, _, rest = _word(value).partition(":")
        rate, _, full = rest.partition(":")
        return _number([[(begin, rate or "30", full or begin)[position]]])

    return convert


def _rekey_seconds(value: Lines) -> int:
    return _number([value[0][1:]]) if value else 0


FIELDS: Final[dict[str, tuple[str, Callable[[Lines], Any]]]] = {
    "ports": ("port", _ports),
    "address_family": ("addressfamily", _word),
    "permit_root_login": ("permitrootlogin", _root_login),
    "password_authentication": ("passwordauthentication", _switch),
    "permit_empty_passwords": ("permitemptypasswords", _switch),
    "keyboard_interactive_authentication": ("kbdinteractiveauthentication", _switch),
    "public_key_authentication": ("pubkeyauthentication", _switch),
    "hostbased_authentication": ("hostbasedauthentication", _switch),
    "gssapi_authentication": ("gssapiauthentication", _switch),
    "kerberos_authentication": ("kerberosauthentication", _switch),
    "use_pam": ("usepam", _switch),
    "authentication_methods": ("authenticationmethods", _any),
    "ignore_rhosts": ("ignorerhosts", _word),
    "ignore_user_known_hosts": ("ignoreuserknownhosts", _switch),
    "permit_user_environment": ("permituserenvironment", _word),
    "permit_user_rc": ("permituserrc", _switch),
    "permit_tty": ("permittty", _switch),
    "permit_tunnel": ("permittunnel", _word),
    "x11_forwarding": ("x11forwarding", _switch),
    "x11_use_localhost": ("x11uselocalhost", _switch),
    "allow_tcp_forwarding": ("allowtcpforwarding", _word),
    "allow_stream_local_forwarding": ("allowstreamlocalforwarding", _word),
    "allow_agent_forwarding": ("allowagentforwarding", _switch),
    "disable_forwarding": ("disableforwarding", _switch),
    "gateway_ports": ("gatewayports", _word),
    "permit_open": ("permitopen", _any),
    "permit_listen": ("permitlisten", _any),
    "strict_modes": ("strictmodes", _switch),
    "max_auth_tries": ("maxauthtries", _number),
    "max_sessions": ("maxsessions", _number),
    "max_startups_begin": ("maxstartups", _startup(0)),
    "max_startups_rate_percent": ("maxstartups", _startup(1)),
    "max_startups_full": ("maxstartups", _startup(2)),
    "login_grace_time_seconds": ("logingracetime", _number),
    "client_alive_interval_seconds": ("clientaliveinterval", _number),
    "client_alive_count_max": ("clientalivecountmax", _number),
    "tcp_keep_alive": ("tcpkeepalive", _switch),
    "log_level": ("loglevel", _level),
    "syslog_facility": ("syslogfacility", _upper),
    "banner": ("banner", _text),
    "print_motd": ("printmotd", _switch),
    "print_last_log": ("printlastlog", _switch),
    "use_dns": ("usedns", _switch),
    "compression": ("compression", _word),
    "ciphers": ("ciphers", _commas),
    "macs": ("macs", _commas),
    "kex_algorithms": ("kexalgorithms", _commas),
    "host_key_algorithms": ("hostkeyalgorithms", _commas),
    "public_key_algorithms": ("pubkeyacceptedalgorithms", _commas),
    "hostbased_algorithms": ("hostbasedacceptedalgorithms", _commas),
    "ca_signature_algorithms": ("casignaturealgorithms", _commas),
    "required_rsa_bits": ("requiredrsasize", _number),
    "rekey_bytes": ("rekeylimit", _number),
    "rekey_seconds": ("rekeylimit", _rekey_seconds),
    "allow_users": ("allowusers", _items),
    "allow_groups": ("allowgroups", _items),
    "deny_users": ("denyusers", _items),
    "deny_groups": ("denygroups", _items),
    "authorized_keys_files": ("authorizedkeysfile", _items),
    "authorized_keys_command": ("authorizedkeyscommand", _command),
    "authorized_keys_command_user": ("authorizedkeyscommanduser", _text),
    "authorized_principals_file": ("authorizedprincipalsfile", _text),
    "trusted_user_ca_keys": ("trustedusercakeys", _text),
    "revoked_keys": ("revokedkeys", _text),
    "chroot_directory": ("chrootdirectory", _text),
    "force_command": ("forcecommand", _command),
    "accept_env": ("acceptenv", _items),
    "subsystems": ("subsystem", _subsystems),
    "host_key_files": ("hostkey", _items),
    "per_source_max_startups": ("persourcemaxstartups", _limit),
    "per_source_penalties": ("persourcepenalties", _penalties),
    "unused_connection_timeout_seconds": ("unusedconnectiontimeout", _number),
}
"""Field to the keyword of `sshd -T` and how its lines become the value."""
FIELD_OF: Final = {keyword: field for field, (keyword, _) in reversed(FIELDS.items())}
_NAMES_IN_MATCH: Final = {"maxstartups": "max_startups", "rekeylimit": "rekey_limit"}


def match_value(keyword: str, value: Lines) -> tuple[str, str]:
    """Return field name and text of a setting inside a Match block."""
    name = _NAMES_IN_MATCH.get(keyword) or FIELD_OF.get(keyword, keyword)
    return name, redact(
        _root_login(value) if keyword == "permitrootlogin" else " ".join(word for line in value for word in line)
    )


def _listens(full: Printed) -> Maybe[list[str]]:
    """Where the server listens: each address with its own or every port."""
    addresses, ports, family = full.get("listenaddress", []), full["port"], full["addressfamily"]
    if isinstance(addresses, Unknown) or isinstance(ports, Unknown) or isinstance(family, Unknown):
        return next(value for value in (addresses, ports, family) if isinstance(value, Unknown))
    if not addresses:
        addresses = [["[::]"]] if _word(family) != "inet" else []
        addresses = addresses + ([["0.0.0.0"]] if _word(family) != "inet6" else [])  # noqa: S104 - the server's, not ours
    found: list[str] = []
    for address in (line[0] for line in addresses if line):
        if re.fullmatch(r"\[[^\]]*\]:\d+|[^:\[\]]+:\d+", address):
            found.append(address)
        else:
            bare = address.strip("[]")
            host = f"[{bare}]" if ":" in bare else bare
            found += [f"{host}:{port}" for port in _ports(ports)]
    return sorted(set(found))
