"""Where packages come from, whether they are verified, and whether updates come by themselves."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple
from urllib.parse import parse_qsl

from xspm.connectors.linux import apt_config, configuration
from xspm.connectors.linux.logic import NOT_LIVE, both
from xspm.connectors.linux.packages import STATUS_LIMIT, read
from xspm.connectors.linux.records import exists, resource, settings, unlisted
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
    """Where packages are fetched, without credentials; null when only a mirror list is given."""
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
    verifies_tls: bool
    """Whether the server's certificate is checked."""
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


class Updates(ResourceType, frozen=True, kw_only=True):
    """Whether updates come by themselves, and what waits to be installed."""

    TYPE: ClassVar[str] = "linux.updates"

    automatic: Maybe[bool]
    """Whether security updates are installed without anybody's doing."""
    mechanism: Maybe[str | None]
    """`unattended-upgrades`, `dnf-automatic`, `yum-cron` or `transactional-update`; null when none is set up."""
    reboot_required: Maybe[bool]
    """Whether an installed update waits for a reboot."""
    security_updates_pending: Maybe[int]
    """How many known security updates are not installed; unknown where no local data says so."""
    metadata_updated: Maybe[str | None]
    """When the list of available packages was last fetched, an RFC 3339 timestamp; null when it never was."""


_APT_CONF: Final = ("/etc/apt/apt.conf.d/*", "/etc/apt/apt.conf")
_APT_LISTS: Final = ("/etc/apt/sources.list", "/etc/apt/sources.list.d/*.list", "/etc/apt/sources.list.d/*.sources")
_APT_KEYS: Final = ("/etc/apt/trusted.gpg", "/etc/apt/trusted.gpg.d/*.gpg", "/etc/apt/trusted.gpg.d/*.asc")
_INI: Final = {
    "dnf": (("/etc/dnf/dnf.conf", "/etc/yum.conf"), ("/etc/yum.repos.d/*.repo",)),
    "zypper": (("/etc/zypp/zypp.conf",), ("/etc/zypp/repos.d/*.repo",)),
}
_ADDRESSES: Final = ("baseurl", "metalink", "mirrorlist")
_KEYS: Final = {"apt": _APT_KEYS, "dnf": ("/etc/pki/rpm-gpg/*",), "zypper": (), "apk": ("/etc/apk/keys/*",)}
_DNF_AUTOMATIC: Final = ("/etc/dnf/automatic.conf", "/etc/dnf/dnf5-plugins/automatic.conf")
_YUM_CRON: Final = "/etc/yum/yum-cron.conf"
_TIMERS: Final = "/etc/systemd/system/timers.target.wants"
_REBOOT: Final = ("/run/reboot-required", "/var/run/reboot-required", "/run/reboot-needed")
_UNATTENDED: Final = "/usr/bin/unattended-upgrade"
_FETCHED: Final = {
    "apt": ("/var/lib/apt/periodic/update-success-stamp", "/var/lib/apt/lists/partial", "/var/lib/apt/lists/*Release"),
    "dnf": ("/var/cache/dnf/*/repodata/repomd.xml", "/var/cache/libdnf5/*/repodata/repomd.xml"),
    "zypper": ("/var/cache/zypp/raw/*/repodata/repomd.xml",),
    "apk": ("/var/cache/apk/APKINDEX.*", "/lib/apk/db/installed"),
}

# One process instead of megabytes that would have to travel: the three fields of every package on offer.
_OFFERED: Final = (
    *("find", "/var/lib/apt/lists", "-maxdepth", "1", "-name", "*security*_Packages", "-exec", "awk"),
    "/^Package: /{p=$2} /^Version: /{v=$2} /^Architecture: /{a=$2} /^$/{print p, v, a}",
    *("{}", "+"),
)

TYPES: Final = (Repository, PackageManager, Updates)
NEEDS: Final = Needs(
    texts=(
        *(*_APT_CONF, *_APT_LISTS, "/etc/apk/repositories", *_DNF_AUTOMATIC, _YUM_CRON),
        *(pattern for files in _INI.values() for patterns in files for pattern in patterns),
        *("/proc/sys/kernel/osrelease"),
    ),
    stats=(
        *(pattern for patterns in (*_KEYS.values(), *_FETCHED.values()) for pattern in patterns),
        *(
            *_REBOOT,
            _UNATTENDED,
            "/var/lib/apt/lists/*security*_Packages",
            "/etc/apt",
            "/etc/apk",
            "/etc/dnf",
            "/etc/zypp",
            f"{_TIMERS}/*",
        ),
    ),
    lists=("/lib/modules",),
    commands=(_OFFERED,),
)


def collect(source: Source) -> Iterator[Resource | Problem]:
    """Read the package manager's configuration, its repositories, and what is set up for updates."""
    manager = _manager(source)
    options = _options(source, manager)
    yield settings(_package_manager(source, manager, options))
    for name, make in (("apt", _apt), ("dnf", _ini), ("zypper", _ini), ("apk", _apk)):
        if name == manager:
            yield from make(source, manager, options)
    yield settings(_updates(source, manager, options))


def _manager(source: Source) -> str | None:
    """Tell the package manager by its configuration."""
    for name, marks in (
        ("apt", ("/etc/apt",)),
        ("apk", ("/etc/apk",)),
        ("zypper", ("/etc/zypp",)),
        ("dnf", ("/etc/dnf", "/etc/yum.conf")),
    ):
        if exists(source, *marks):
            return name
    return None


def _options(source: Source, manager: str | None) -> Maybe[dict[str, str]]:
    """Return the manager's own settings, names in lower case."""
    if manager == "apt":
        return _apt_options(source)
    found: dict[str, str] = {}
    for path in _INI[manager][0] if manager in _INI else ():
        text = source.text(path)
        if isinstance(text, Unknown):
            return text
        if text is not None:
            found.update((key.lower(), setting.value) for _, key, setting in configuration.ini(text))
            break
    return found


def _apt_options(source: Source) -> Maybe[dict[str, str]]:
    """Return apt's settings, files in the order apt reads them."""
    found: dict[str, str] = {}
    for pattern in _APT_CONF:
        paths = source.glob(pattern)
        if isinstance(paths, Unknown):
            return paths
        for path in paths:
            name = path.rpartition("/")[2]
            if not (name.endswith((".conf", "apt.conf")) or "." not in name):
                continue
            text = source.text(path)
            if isinstance(text, Unknown) and text.cause == "access":
                return text
            found.update(apt_config.settings(text if isinstance(text, str) else ""))
    return found


def _flag(options: Maybe[dict[str, str]], name: str, default: str) -> Maybe[bool]:
    """Return a setting that is yes or no."""
    if isinstance(options, Unknown):
        return options
    return configuration.boolean(options.get(name, default)) is True


def _package_manager(source: Source, manager: str | None, options: Maybe[dict[str, str]]) -> PackageManager:
    """Describe what the package manager demands."""
    local: Maybe[bool | None] = None
    verifies: Maybe[bool] = True
    if manager == "apt":
        allowed = [_flag(options, "apt::get::allowunauthenticated", "no")]
        allowed += [
            _flag(options, f"acquire::allow{word}repositories", "no") for word in ("insecure", "downgradetoinsecure")
        ]
        verifies = both(*(flag if isinstance(flag, Unknown) else not flag for flag in allowed))
    elif manager in {"dnf", "zypper"}:
        # Without the setting dnf itself checks nothing, zypper does.
        if manager == "dnf" or isinstance(options, Unknown):
            verifies = _flag(options, "gpgcheck", "no")
        else:
            verifies = any(_zypper_checks(options))
        local = _flag(options, "localpkg_gpgcheck", "no") if manager == "dnf" else None
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
    tls = _flag(options, "acquire::https::verify-peer", "yes")
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
                verified=(not trusted and not insecure, not trusted and not insecure, tls is not False),
                signed_by="an embedded key" if signed and "BEGIN PGP" in signed else signed,
            )


def _ini(source: Source, manager: str, options: Maybe[dict[str, str]]) -> Iterator[Resource | Problem]:
    """Yield the repositories of dnf or zypper."""
    defaults = {} if isinstance(options, Unknown) else options
    for path, text in _texts(source, _INI[manager][1]):
        if isinstance(text, Unknown):
            yield unlisted(text, Repository)
            continue
        sections: dict[str, dict[str, configuration.Setting]] = {}
        for section, key, setting in configuration.ini(text, file=path):
            sections.setdefault(section, {})[key.lower()] = setting
        for section, keys in sections.items():

            def flag(name: str, default: str, keys: dict[str, configuration.Setting] = keys) -> bool:
                value = keys[name].value if name in keys else defaults.get(name, default)
                return configuration.boolean(value) is True

            if manager == "dnf":
                signed, index, tls = flag("gpgcheck", "no"), flag("repo_gpgcheck", "no"), True
            else:
                index, packages = _zypper_checks(defaults | {name: setting.value for name, setting in keys.items()})
                signed = index or packages
                tls = all(_address_checks_tls(keys[name].value) for name in _ADDRESSES if name in keys)
            address = next((keys[name].value for name in _ADDRESSES if name in keys), None)
            yield _repository(
                Origin(manager, path, min(setting.line for setting in keys.values()), section),
                address.split()[0].rstrip(",") if address and address.split() else None,
                enabled=flag("enabled", "yes"),
                verified=(signed, index, tls and flag("sslverify", "yes")),
                signed_by=keys["gpgkey"].value if "gpgkey" in keys else None,
            )


def _zypper_checks(options: dict[str, str]) -> tuple[bool, bool]:
    """Whether zypper demands a signature of the index, and of packages where the index has none.

    gpgcheck asks for both; repo_gpgcheck and pkg_gpgcheck, where they are set, decide for one of them.
    """
    both_checked = configuration.boolean(options.get("gpgcheck", "yes")) is True
    index, packages = (configuration.boolean(options.get(f"{word}_gpgcheck", "")) for word in ("repo", "pkg"))
    return both_checked if index is None else index, both_checked if packages is None else packages


def _address_checks_tls(addresses: str) -> bool:
    """Whether zypper checks the certificates of these addresses, as their parameter ssl_verify says."""
    for address in re.split(r"[\s,]+(?=[A-Za-z][\w+.-]*:)", addresses):
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


def _repository(
    origin: Origin, uri: str | None, *, enabled: bool, verified: tuple[bool, bool, bool], signed_by: str | None
) -> Resource:
    """Describe one repository."""
    scheme = re.match(r"[A-Za-z][A-Za-z0-9+.-]*(?=:)", uri) if uri else None
    words = set(scheme[0].lower().split("+")) if scheme else set()
    local = bool(words & {"file", "cdrom", "copy", "dir", "hd", "iso"}) or (uri or "").startswith("/")
    name = redact(origin.name)
    return resource(
        Repository(
            name=name,
            manager=origin.manager,
            file=origin.file,
            enabled=enabled,
            uri=redact(uri) if uri else None,
            scheme=scheme[0].lower() if scheme else None,
            network=not local,
            encrypted=local or bool(words & {"https", "ssh", "tor"}),
            verifies_signatures=verified[0],
            verifies_index=verified[1],
            verifies_tls=verified[2],
            signed_by=redact(" ".join(signed_by.split())) if signed_by else None,
        ),
        f"{origin.file}:{origin.line}:{name}",
        f"{name} ({redact(uri)})" if uri else name,
        at=(origin.file, origin.line),
    )


def _updates(source: Source, manager: str | None, options: Maybe[dict[str, str]]) -> Updates:
    """Describe how updates come."""
    mechanism = _mechanism(source, manager, options)
    return Updates(
        automatic=mechanism if isinstance(mechanism, Unknown) else mechanism is not None,
        mechanism=mechanism,
        reboot_required=_reboot_required(source),
        security_updates_pending=_pending(source, manager),
        metadata_updated=_fetched(source, manager),
    )


def _mechanism(source: Source, manager: str | None, options: Maybe[dict[str, str]]) -> Maybe[str | None]:
    """Return what installs security updates by itself."""
    if manager == "apt":
        if isinstance(options, Unknown):
            return options
        value = options.get("apt::periodic::unattended-upgrade", "0")
        on = value not in {"0", "", "no", "false"} and options.get("apt::periodic::enable", "1") != "0"
        return "unattended-upgrades" if on and exists(source, _UNATTENDED) else None
    if manager == "dnf":
        timers = source.glob(f"{_TIMERS}/dnf*-automatic*.timer")
        for path, name in (*((path, "dnf-automatic") for path in _DNF_AUTOMATIC), (_YUM_CRON, "yum-cron")):
            text = source.text(path)
            if isinstance(text, Unknown) or isinstance(timers, Unknown):
                return text if isinstance(text, Unknown) else timers if isinstance(timers, Unknown) else None
            values = {key: setting.value for _, key, setting in configuration.ini(text or "")}
            installing = any("automatic-install" in timer for timer in timers)
            if installing or (
                configuration.boolean(values.get("apply_updates", "no")) and (timers or name == "yum-cron")
            ):
                return name
    if manager == "zypper" and exists(source, f"{_TIMERS}/transactional-update.timer"):
        return "transactional-update"
    return None


def _reboot_required(source: Source) -> Maybe[bool]:
    """Whether the distribution left its mark, or a newer kernel than the running one is installed."""
    if not source.live:
        return NOT_LIVE
    if exists(source, *_REBOOT):
        return True
    release, kernels = source.text("/proc/sys/kernel/osrelease"), source.list("/lib/modules")
    if isinstance(release, str) and isinstance(kernels, list) and release.strip() in kernels:
        return max(kernels, key=_natural) != release.strip()
    return release if isinstance(release, Unknown) else False


def _natural(text: str) -> list[tuple[int, str]]:
    """Return what sorts numbers in a text as numbers."""
    return [(int(digits or 0), word) for digits, word in re.findall(r"(\d*)(\D*)", text)]


def _pending(source: Source, manager: str | None) -> Maybe[int]:
    """Count installed packages for which the security archive's list on this host has a newer version."""
    if manager != "apt":
        return Unknown("no local data says which updates are security updates", cause="missing")
    lists = source.glob("/var/lib/apt/lists/*security*_Packages")
    if isinstance(lists, Unknown):
        return lists
    if not lists:
        return Unknown("no list of the security archive is kept on this host", cause="missing")
    _, packages, _ = read(source)
    if isinstance(packages, Unknown):
        return packages
    installed = {(package.name, package.architecture): package for package in packages}
    offered = _offered(source, lists)
    if isinstance(offered, Unknown):
        return offered
    waiting = set()
    for name, version, architecture in offered:
        held = installed.get((name, architecture))
        if held and apt_config.version_key(version) > apt_config.version_key(held.version):
            waiting.add((name, architecture))
    return len(waiting)


def _offered(source: Source, lists: Names) -> Maybe[list[tuple[str, str, str]]]:
    """Return name, version and architecture of what the security archive offers."""
    output = source.run(*_OFFERED) if source.live else None
    if isinstance(output, Unknown):
        return output
    if output is not None and output.status == 0:
        return [(row[0], row[1], row[2]) for line in output.stdout.splitlines() if len(row := line.split()) == 3]
    found = []
    for path in lists:
        text = source.text(path, STATUS_LIMIT)
        if not isinstance(text, str):
            return text or Unknown(f"not there any more: {path}", cause="missing")
        for paragraph in text.split("\n\n"):
            fields = dict(re.findall(r"(?m)^(Package|Version|Architecture): (\S+)", paragraph))
            if len(fields) == 3:
                found.append((fields["Package"], fields["Version"], fields["Architecture"]))
    return found


def _fetched(source: Source, manager: str | None) -> Maybe[str | None]:
    """Return when the newest list of packages was fetched."""
    newest = 0
    for pattern in _FETCHED.get(manager or "", ()):
        paths = source.glob(pattern)
        if isinstance(paths, Unknown):
            return paths
        stats = (source.stat(path) for path in paths)
        newest = max([newest, *(found.modified_seconds for found in stats if isinstance(found, Stat))])
        if newest:
            break
    return datetime.fromtimestamp(newest, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if newest else None
