"""Whether updates come by themselves, what waits to be installed, and how old the list of packages is."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, Final

from xspm.connectors.linux import apt_config, configuration
from xspm.connectors.linux.logic import NOT_LIVE
from xspm.connectors.linux.package_managers import APT_CONF, manager_of, manager_options
from xspm.connectors.linux.packages import STATUS_LIMIT, read
from xspm.connectors.linux.records import exists, settings
from xspm.connectors.linux.transport import Needs, Stat
from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.connectors.linux.transport import Names, Source
    from xspm.model.asset import Problem, Resource


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

TYPES: Final = (Updates,)
NEEDS: Final = Needs(
    texts=(*APT_CONF, *_DNF_AUTOMATIC, _YUM_CRON, "/proc/sys/kernel/osrelease"),
    stats=(
        *(pattern for patterns in _FETCHED.values() for pattern in patterns),
        *(*_REBOOT, _UNATTENDED, "/var/lib/apt/lists/*security*_Packages", f"{_TIMERS}/*"),
        *("/etc/apt", "/etc/apk", "/etc/dnf", "/etc/zypp", "/etc/yum.conf"),
    ),
    lists=("/lib/modules",),
    commands=(_OFFERED,),
)


def collect(source: Source) -> Iterator[Resource | Problem]:
    """Read what is set up for updates."""
    manager = manager_of(source)
    yield settings(_updates(source, manager, manager_options(source, manager)))


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
