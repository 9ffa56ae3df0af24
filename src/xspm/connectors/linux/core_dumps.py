"""Core dumps: what keeps the memory of crashed programs from being written to disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from xspm.connectors.linux import configuration
from xspm.connectors.linux.kernel_parameters import running
from xspm.connectors.linux.records import present, settings
from xspm.connectors.linux.transport import Needs
from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.connectors.linux.transport import Source
    from xspm.model.asset import Problem, Resource


class CoreDumps(ResourceType, frozen=True, kw_only=True):
    """Whether crashed programs leave their memory on disk."""

    TYPE: ClassVar[str] = "linux.core_dumps"

    hard_limit_zero: Maybe[bool]
    """Whether limits.conf gives everybody (`*`) a hard limit of 0 for core files, and nobody another."""
    raised_for: Maybe[list[str]]
    """Users and groups that a line of limits.conf gives another hard limit, or none: `bob`, `@staff`."""
    limit_set_in: Maybe[str | None]
    """Path of the file that gives that limit."""
    systemd_storage: Maybe[str | None]
    """`Storage` of systemd-coredump: `none`, `external` (its default), `journal`; null where it is not installed."""
    systemd_process_size_max: Maybe[str | None]
    """`ProcessSizeMax` of systemd-coredump as configured; null when not set."""
    handler: Maybe[str | None]
    """Program that the kernel hands dumps to (`kernel.core_pattern` with `|`); null when it writes a file itself."""


_LIMITS: Final = ("/etc/security/limits.conf", "/etc/security/limits.d/*.conf")
_MAIN: Final = "/etc/systemd/coredump.conf"
_FOLDERS: Final = (
    *("/etc/systemd/coredump.conf.d", "/run/systemd/coredump.conf.d", "/usr/lib/systemd/coredump.conf.d"),
)
_HANDLER: Final = ("/usr/lib/systemd/systemd-coredump", "/lib/systemd/systemd-coredump")

TYPES: Final = (CoreDumps,)
NEEDS: Final = Needs(
    texts=(
        *(*_LIMITS, _MAIN, "/usr/lib/systemd/coredump.conf", "/proc/sys/kernel/core_pattern"),
        *(f"{folder}/*.conf" for folder in _FOLDERS),
    ),
    stats=_HANDLER,
)


def collect(source: Source) -> Iterator[Resource | Problem]:
    """Read limits.conf, systemd-coredump's settings and the kernel's handler."""
    limits = _hard_limits(source)
    limit = limits if isinstance(limits, Unknown) else limits.pop("*", None)
    raised: Maybe[list[str]] = (
        limits if isinstance(limits, Unknown) else sorted(who for who, item in limits.items() if item.value != "0")
    )
    installed = present(source, *_HANDLER)
    values = _coredump(source)
    storage: Maybe[str | None] = installed if isinstance(installed, Unknown) else None
    size: Maybe[str | None] = storage
    if installed is True:
        storage = values if isinstance(values, Unknown) else values.get("Storage", "external").lower()
        size = values if isinstance(values, Unknown) else values.get("ProcessSizeMax")
    pattern = running(source, "kernel.core_pattern")
    yield settings(
        CoreDumps(
            hard_limit_zero=limit
            if isinstance(limit, Unknown)
            else limit is not None and limit.value == "0" and not raised,
            raised_for=raised,
            limit_set_in=limit if isinstance(limit, Unknown) else limit.file if limit else None,
            systemd_storage=storage,
            systemd_process_size_max=size,
            handler=pattern[1:].strip().split(" ")[0]
            if isinstance(pattern, str) and pattern.startswith("|")
            else pattern
            if isinstance(pattern, Unknown)
            else None,
        )
    )


def _hard_limits(source: Source) -> dict[str, configuration.Setting] | Unknown:
    """Return the hard limits on core files, for each user or group the last one."""
    found: dict[str, configuration.Setting] = {}
    for pattern in _LIMITS:
        paths = source.glob(pattern)
        if isinstance(paths, Unknown):
            return paths
        for path in paths:
            text = source.text(path)
            if isinstance(text, Unknown):
                return text
            for line in configuration.lines(text or ""):
                words = line.text.split("#")[0].split()
                if len(words) >= 4 and words[1].lower() in {"hard", "-"} and words[2].lower() == "core":
                    found[words[0]] = configuration.Setting(words[3], path, line.number)
                elif len(words) == 2 and words[1] == "-":
                    # limits.conf(5): a lone dash takes all limits from that user or group.
                    found[words[0]] = configuration.Setting("-", path, line.number)
    return found


def _coredump(source: Source) -> Maybe[dict[str, str]]:
    """Return systemd-coredump's settings, the last of each."""
    paths = configuration.drop_ins(source, _MAIN, _FOLDERS)
    if isinstance(paths, Unknown):
        return paths
    values: dict[str, str] = {}
    for path in paths:
        text = source.text(path)
        if isinstance(text, Unknown):
            return text
        items = configuration.ini(text or "", file=path)
        values.update((key, item.value) for section, key, item in items if section == "Coredump")
    return values
