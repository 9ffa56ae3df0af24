"""Kernel parameters that matter for security, running and persisted.

What is persisted follows systemd-sysctl: the files of all `sysctl.d` folders sorted by name, a name in an earlier
folder hiding the same name in later ones; the last assignment wins, one by name over one by pattern. Without
systemd-sysctl, /etc/sysctl.conf comes last, as `sysctl --system` reads it; with it, only a link in `sysctl.d` does.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final

from xspm.connectors.linux import configuration
from xspm.connectors.linux.logic import NOT_LIVE
from xspm.connectors.linux.parameter_names import NAMES
from xspm.connectors.linux.pattern import matcher
from xspm.connectors.linux.records import exists, resource
from xspm.connectors.linux.redact import redact
from xspm.connectors.linux.transport import Needs, Stat
from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.connectors.linux.transport import Names, Source
    from xspm.model.asset import Problem, Resource


class KernelParameter(ResourceType, frozen=True, kw_only=True):
    """A kernel parameter (sysctl) that matters for security.

    There is one resource for each name xspm knows of, whether the host sets it or not, so that a check can say
    `applies: resource.name in params.names`.
    """

    TYPE: ClassVar[str] = "linux.kernel_parameter"

    name: str
    """With dots, as sysctl writes it: `net.ipv4.conf.all.rp_filter`."""
    running: Maybe[str | None]
    """Value in force now (/proc/sys), fields separated by one blank; null when this kernel has no such parameter."""
    persisted: Maybe[str | None]
    """Value the configuration sets at boot, last one wins; null when no file sets it and the kernel's default holds."""
    persisted_in: Maybe[str | None]
    """Path of the file that sets the persisted value."""


_FOLDERS: Final = ("/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d")
_MAIN: Final = "/etc/sysctl.conf"
_APPLIERS: Final = ("/usr/lib/systemd/systemd-sysctl", "/lib/systemd/systemd-sysctl")
_UFW: Final = "/etc/ufw/sysctl.conf"

TYPES: Final = (KernelParameter,)
NEEDS: Final = Needs(
    texts=(
        *(f"/proc/sys/{name.replace('.', '/')}" for name in NAMES),
        *(f"{folder}/*.conf" for folder in _FOLDERS),
        *(_MAIN, _UFW, "/etc/ufw/ufw.conf"),
    ),
    stats=_APPLIERS,
)


def collect(source: Source) -> Iterator[Resource | Problem]:
    """Read /proc/sys and the files that set it at boot."""
    persisted = Persisted()
    files = sysctl_files(source)
    for path in [files] if isinstance(files, Unknown) else files:
        persisted.read(source, path)
    for name in NAMES:
        setting = persisted.of(name)
        known = setting if isinstance(setting, configuration.Setting) else None
        rest = setting if isinstance(setting, Unknown) else None
        yield resource(
            KernelParameter(
                name=name,
                running=running(source, name),
                persisted=redact(known.value) if known else rest,
                persisted_in=known.file if known else rest,
            ),
            name,
            at=(known.file, known.line) if known else None,
        )


def running(source: Source, name: str) -> Maybe[str | None]:
    """Return a parameter's value in force."""
    if not source.live:
        return NOT_LIVE
    text = source.text(f"/proc/sys/{name.replace('.', '/')}")
    return redact(" ".join(text.split())) if isinstance(text, str) else text


def sysctl_files(source: Source) -> Maybe[Names]:
    """Return the files that set parameters at boot, in the order they are applied."""
    chosen: dict[str, str] = {}
    for folder in _FOLDERS:
        found = source.glob(f"{folder}/*.conf")
        if isinstance(found, Unknown):
            return found
        for path in found:
            chosen.setdefault(path.rpartition("/")[2], path)
    files = [chosen[name] for name in sorted(chosen)]
    if not exists(source, *_APPLIERS):
        files.append(_MAIN)
    firewall = source.text("/etc/ufw/ufw.conf")
    if isinstance(firewall, str) and re.search(r"(?mi)^\s*ENABLED\s*=\s*[\"']?yes", firewall):
        files.append(_UFW)
    return files


class Persisted:
    """Assignments read so far, in order."""

    def __init__(self) -> None:
        """Start with none."""
        self._named: dict[str, configuration.Setting] = {}
        self._patterns: list[tuple[str, configuration.Setting]] = []
        self._excluded: set[str] = set()
        self._doubt: Unknown | None = None

    def read(self, source: Source, path: str | Unknown) -> None:
        """Take in one file; what one that cannot be read would have set is unknown."""
        text = path if isinstance(path, Unknown) else source.text(path)
        if isinstance(path, Unknown) or isinstance(text, Unknown):
            if isinstance(path, Unknown) or not _masked(source, path):
                self._named, self._patterns = {}, []
                self._doubt = text if isinstance(text, Unknown) else None
            return
        for line in configuration.lines(text or "", comments="#;"):
            key, equals, value = line.text.partition("=")
            name = normalised(key.strip().removeprefix("-").strip())
            if not equals:
                if line.text.startswith("-"):
                    self._excluded.add(name)
                continue
            setting = configuration.Setting(" ".join(value.split()), path, line.number)
            if any(character in name for character in "*?["):
                self._patterns.append((name, setting))
            else:
                self._named[name] = setting

    def of(self, name: str) -> Maybe[configuration.Setting | None]:
        """Return the assignment that holds at boot."""
        if name in self._named:
            return self._named[name]
        if name not in self._excluded:
            for pattern, setting in reversed(self._patterns):
                if matches(name, pattern):
                    return setting
        return self._doubt


def normalised(key: str) -> str:
    """Return a key with dots; in one whose first separator is a slash, dots and slashes change places."""
    first = re.search(r"[./]", key)
    if first is None or first[0] == ".":
        return key
    return key.translate(str.maketrans("/.", "./")).lstrip(".")


def matches(name: str, pattern: str) -> bool:
    """Whether a key's pattern means a name, component by component."""
    parts, wanted = name.split("."), pattern.split(".")
    return len(parts) == len(wanted) and all(matcher(want)(part) for part, want in zip(parts, wanted, strict=True))


def _masked(source: Source, path: str) -> bool:
    """Whether a file is a link to /dev/null, which switches off those it hides."""
    found = source.stat(path)
    return isinstance(found, Stat) and found.target == "/dev/null"
