"""Where packages come from, and whether they are verified."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from xspm.connectors.linux import apt_config, configuration
from xspm.connectors.linux.logic import both
from xspm.connectors.linux.package_managers import APT_CONF, INI, flag, manager_of, manager_options
from xspm.connectors.linux.records import resource, settings, unlisted
from xspm.connectors.linux.redact import redact
from xspm.connectors.linux.transport import Needs, Stat
from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.connectors.linux.transport import Names, Source
    from xspm.model.asset import Problem, Resource


class Repository(ResourceType, frozen=True, kw_only=True):
    """A package repository the host is configured for."""

    TYPE: ClassVar[str] = "linux.repository"

    name: str
    """Suite and components for apt, section's name for dnf and zypper, the address for apk."""
    manager: str
    """`apt`, `dnf`, `zypper` or `apk`."""
    file: str
    """Path of the file that configures it."""
    enabled: bool
    """Whether it is in use."""
    uri: str | None
    """Where packages are fetched, without credentials: of several addresses one that is not encrypted, else the first;
    null where there is none.
    """
    scheme: str | None
    """`https`, `http`, `mirror+https`, `file`, `cdrom` …"""
    network: bool
    """Whether packages travel over a network."""
    encrypted: bool
    """Whether they travel over TLS, or over no network at all."""
    verifies_signatures: bool
    """Whether packages (or the index that names their digests) must be signed by a known key."""
    verifies_index: bool
    """Whether the index must be signed: as packages for apt and apk, `repo_gpgcheck` for dnf, and for zypper
    where gpgcheck does not say it."""
    verifies_tls: Maybe[bool]
    """Whether the server's certificate is checked: that an authority signed it, and that it is this server's."""
    signed_by: str | None
    """Keys that may sign it, as configured; null when every key the host trusts may."""


class PackageManager(ResourceType, frozen=True, kw_only=True):
    """What the package manager demands of every package."""

    TYPE: ClassVar[str] = "linux.package_manager"

    manager: str | None
    """`apt`, `dnf`, `zypper` or `apk`; null when none was found."""
    verifies_signatures: Maybe[bool]
    """Whether packages from repositories must be signed unless a repository says otherwise."""
    verifies_local_packages: Maybe[bool | None]
    """Whether packages installed from a file must be signed (`localpkg_gpgcheck`); null where none can ask for it."""
    trusted_key_files: Maybe[list[str]]
    """Files of keys that may sign any repository, sorted."""


_APT_LISTS: Final = ("/etc/apt/sources.list", "/etc/apt/sources.list.d/*.list", "/etc/apt/sources.list.d/*.sources")
_APT_KEYS: Final = ("/etc/apt/trusted.gpg", "/etc/apt/trusted.gpg.d/*.gpg", "/etc/apt/trusted.gpg.d/*.asc")
_ADDRESSES: Final = ("baseurl", "metalink", "mirrorlist")
_UNSIGNED: Final = "/var/cache/zypp/raw/{}/.repo_gpgcheck"
"""Where libzypp notes, as a link's target, what it found of an index' signature."""
_KEYS: Final = {"apt": _APT_KEYS, "dnf": ("/etc/pki/rpm-gpg/*",), "zypper": (), "apk": ("/etc/apk/keys/*",)}
TYPES: Final = (Repository, PackageManager)
NEEDS: Final = Needs(
    texts=(
        *(*APT_CONF, *_APT_LISTS, "/etc/apk/repositories"),
        *(pattern for files in INI.values() for patterns in files for pattern in patterns),
    ),
    stats=(
        *(pattern for patterns in _KEYS.values() for pattern in patterns),
        *("/etc/apt", "/etc/apk", "/etc/dnf", "/etc/zypp", _UNSIGNED.format("*")),
    ),
)


def collect(source: Source) -> Iterator[Resource | Problem]:
    """Read the package manager's configuration and its repositories."""
    manager = manager_of(source)
    options = manager_options(source, manager)
    yield settings(_package_manager(source, manager, options))
    for name, make in (("apt", _apt), ("dnf", _ini), ("zypper", _ini), ("apk", _apk)):
        if name == manager:
            yield from make(source, manager, options)


def _package_manager(source: Source, manager: str | None, options: Maybe[dict[str, str]]) -> PackageManager:
    """Describe what the package manager demands."""
    local: Maybe[bool | None] = None
    verifies: Maybe[bool] = True
    if manager == "apt":
        allowed = [flag(options, "apt::get::allowunauthenticated", "no")]
        allowed += [
            flag(options, f"acquire::allow{word}repositories", "no") for word in ("insecure", "downgradetoinsecure")
        ]
        verifies = both(*(flag if isinstance(flag, Unknown) else not flag for flag in allowed))
    elif manager in {"dnf", "zypper"}:
        # Without the setting dnf itself checks nothing, zypper does.
        if manager == "dnf" or isinstance(options, Unknown):
            verifies = flag(options, "gpgcheck", "no")
        else:
            verifies = any(_zypper_checks(options, {}))
        local = flag(options, "localpkg_gpgcheck", "no") if manager == "dnf" else None
    elif manager is None:
        verifies = Unknown("no package manager is configured here", cause="missing")
    keys: list[str] = []
    for pattern in _KEYS.get(manager or "", ()):
        found = source.glob(pattern)
        if isinstance(found, Unknown):
            return PackageManager(
                manager=manager, verifies_signatures=verifies, verifies_local_packages=local, trusted_key_files=found
            )
        keys += found
    return PackageManager(
        manager=manager, verifies_signatures=verifies, verifies_local_packages=local, trusted_key_files=sorted(keys)
    )


def _texts(source: Source, patterns: Names | tuple[str, ...]) -> Iterator[tuple[str, str | Unknown]]:
    """Yield the files that patterns find, with their texts."""
    for pattern in patterns:
        paths = source.glob(pattern)
        for path in [pattern] if isinstance(paths, Unknown) else paths:
            text = source.text(path)
            if text is not None:
                yield path, text


def _apt(source: Source, manager: str, options: Maybe[dict[str, str]]) -> Iterator[Resource | Problem]:
    """Yield apt's sources."""
    for path, text in _texts(source, _APT_LISTS):
        if isinstance(text, Unknown):
            yield unlisted(text, Repository)
            continue
        for entry in (apt_config.deb822 if path.endswith(".sources") else apt_config.one_line)(text):
            trusted = configuration.boolean(entry.options.get("trusted", "no")) is True
            insecure = configuration.boolean(entry.options.get("allow-insecure", "no")) is True
            signed = entry.options.get("signed-by")
            yield _repository(
                Origin(manager, path, entry.line, f"{entry.suite} {entry.components}".strip()),
                entry.uri,
                enabled=entry.enabled,
                verified=(
                    not trusted and not insecure,
                    not trusted and not insecure,
                    _apt_checks_tls(options, entry.uri),
                ),
                signed_by="an embedded key" if signed and "BEGIN PGP" in signed else signed,
            )


def _apt_checks_tls(options: Maybe[dict[str, str]], uri: str) -> Maybe[bool]:
    """Whether apt checks a server's certificate and name: what is said of this host goes before what is said of all."""
    if isinstance(options, Unknown):
        return options
    try:
        host = (urlsplit(uri).hostname or "").lower()
    except ValueError:
        return Unknown(f"the address is not understood: {redact(uri)[:100]}", cause="format")
    answers = []
    for word in ("verify-peer", "verify-host"):
        general = options.get(f"acquire::https::{word}", "yes")
        answers.append(configuration.boolean(options.get(f"acquire::https::{host}::{word}", general)) is not False)
    return all(answers)


def _ini(source: Source, manager: str, options: Maybe[dict[str, str]]) -> Iterator[Resource | Problem]:
    """Yield the repositories of dnf or zypper."""
    defaults = {} if isinstance(options, Unknown) else options
    for path, text in _texts(source, INI[manager][1]):
        if isinstance(text, Unknown):
            yield unlisted(text, Repository)
            continue
        sections: dict[str, dict[str, configuration.Setting]] = {}
        for section, key, setting in configuration.ini(_unfolded(text), file=path):
            sections.setdefault(section, {})[key.lower()] = setting
        for section, keys in sections.items():

            def on(name: str, default: str, keys: dict[str, configuration.Setting] = keys) -> bool:
                value = keys[name].value if name in keys else defaults.get(name, default)
                return configuration.boolean(value) is True

            addresses = [word for name in _ADDRESSES if name in keys for word in _addresses(keys[name].value)]
            if manager == "dnf":
                signed, index, tls = on("gpgcheck", "no"), on("repo_gpgcheck", "no"), True
            else:
                own = {name: setting.value for name, setting in keys.items()}
                index, packages = _zypper_checks(defaults, own, unsigned=_known_unsigned(source, section))
                signed, tls = index or packages, all(_address_checks_tls(address) for address in addresses)
            checks_tls = tls and on("sslverify", "yes")
            unread = options if isinstance(options, Unknown) and checks_tls and "sslverify" not in keys else None
            yield _repository(
                Origin(manager, path, min(setting.line for setting in keys.values()), section),
                next((uri for uri in addresses if not _safe(uri)), addresses[0] if addresses else None),
                enabled=on("enabled", "yes"),
                verified=(signed, index, unread or checks_tls),
                signed_by=keys["gpgkey"].value if "gpgkey" in keys else None,
            )


def _unfolded(text: str) -> str:
    """Mark lines that go on with the value before, as they begin with a blank, by a backslash at that value's end."""
    found: list[str] = []
    last = -1
    for line in text.split("\n"):
        folded = line[:1] in {" ", "\t"}
        if line.strip()[:1] not in {"#", ";"}:
            if last >= 0 and folded and line.strip():
                # Comments between the lines of a value do not end it.
                found[last:] = [f"{found[last].rstrip()}\\", *("\\" for _ in found[last + 1 :])]
                last = len(found)
            else:
                last = len(found) if "=" in line else -1
        found.append(line)
    return "\n".join(found)


def _addresses(text: str) -> list[str]:
    """Split a list of addresses."""
    return [word for word in re.split(r"[\s,]+(?=[A-Za-z][\w+.-]*:|/|$)", text.strip()) if word]


def _known_unsigned(source: Source, alias: str) -> bool:
    """Whether somebody accepted zypper's question to take this repository's index without a signature."""
    found = source.stat(_UNSIGNED.format(alias)) if "/" not in alias else None
    return isinstance(found, Stat) and found.target == "indeterminate"


def _zypper_checks(common: dict[str, str], own: dict[str, str], *, unsigned: bool = False) -> tuple[bool, bool]:
    """Whether zypper demands a signature of the index, and of packages where the index has none.

    gpgcheck asks for both; repo_gpgcheck and pkg_gpgcheck, where they are set, decide for one of them. Those two of
    zypp.conf count only where the repository sets neither gpgcheck nor its own.

    Args:
        common: zypp.conf.
        own: the repository's settings.
        unsigned: the index is taken without a signature, as somebody once accepted.
    """
    word = configuration.boolean
    set_here = word(own.get("gpgcheck", ""))
    both_checked = set_here if set_here is not None else word(common.get("gpgcheck", "")) is not False
    demanded = []
    for name in ("repo_gpgcheck", "pkg_gpgcheck"):
        value = word(own.get(name, ""))
        if value is None and set_here is None:
            value = word(common.get(name, ""))
        demanded.append(both_checked if value is None else value)
    return demanded[0] and not unsigned, demanded[1]


def _address_checks_tls(address: str) -> bool:
    """Whether zypper checks the certificate of this address, as its parameter ssl_verify says."""
    for name, value in parse_qsl(address.partition("?")[2].partition("#")[0], keep_blank_values=True):
        words = {word.strip().lower() for word in value.split(",")} - {""}
        if name.lower() == "ssl_verify" and words and words not in ({"yes"}, {"host", "peer"}):
            return False
    return True


def _apk(source: Source, manager: str, options: Maybe[dict[str, str]]) -> Iterator[Resource | Problem]:  # noqa: ARG001 - as its siblings
    """Yield apk's repositories; its index is always signed."""
    for path, text in _texts(source, ("/etc/apk/repositories",)):
        if isinstance(text, Unknown):
            yield unlisted(text, Repository)
            continue
        for line in configuration.lines(text):
            uri = line.text.split()[-1]
            yield _repository(
                Origin(manager, path, line.number, uri), uri, enabled=True, verified=(True, True, True), signed_by=None
            )


class Origin(NamedTuple):
    """Where a repository is configured, and under which name."""

    manager: str
    file: str
    line: int
    name: str


def _scheme(uri: str) -> list[str]:
    """Return the words of an address' scheme: `mirror+https` has two."""
    found = re.match(r"[A-Za-z][A-Za-z0-9+.-]*(?=:)", uri)
    return found[0].lower().split("+") if found else []


def _local(uri: str) -> bool:
    """Whether packages come without a network."""
    return bool({"file", "cdrom", "copy", "dir", "hd", "iso"} & set(_scheme(uri))) or uri.startswith("/")


def _safe(uri: str) -> bool:
    """Whether packages travel encrypted or not at all."""
    return _local(uri) or bool({"https", "ssh", "tor"} & set(_scheme(uri)))


def _repository(
    origin: Origin, uri: str | None, *, enabled: bool, verified: tuple[bool, bool, Maybe[bool]], signed_by: str | None
) -> Resource:
    """Describe one repository."""
    words = _scheme(uri or "")
    name = redact(origin.name)
    return resource(
        Repository(
            name=name,
            manager=origin.manager,
            file=origin.file,
            enabled=enabled,
            uri=redact(uri) if uri else None,
            scheme="+".join(words) or None,
            network=not _local(uri or ""),
            encrypted=_safe(uri or ""),
            verifies_signatures=verified[0],
            verifies_index=verified[1],
            verifies_tls=verified[2],
            signed_by=redact(" ".join(signed_by.split())) if signed_by else None,
        ),
        f"{origin.file}:{origin.line}:{name}",
        f"{name} ({redact(uri)})" if uri else name,
        at=(origin.file, origin.line),
    )
