"""Logging: journald and rsyslog as their drop-ins leave them, and which daemons there are.

journald takes the last assignment over journald.conf and its drop-in directories, where a file in /etc hides one of the
same name in /run and /usr/lib. rsyslog is read in both its legacy and its RainerScript form, as far as modes, inputs
and remote targets go.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

import msgspec

from xspm.connectors.linux import rsyslog
from xspm.connectors.linux.configuration import boolean, drop_ins, ini, seconds
from xspm.connectors.linux.init import Init, init_of
from xspm.connectors.linux.records import exists, fill, not_installed, settings
from xspm.connectors.linux.redact import redact
from xspm.connectors.linux.transport import Needs
from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from xspm.connectors.linux.transport import Source
    from xspm.model.asset import Problem, Resource


class Journald(ResourceType, frozen=True, kw_only=True):
    """systemd's journal.

    When it is not installed, all other fields are unknown with cause `missing`.
    """

    TYPE: ClassVar[str] = "linux.journald"

    installed: bool
    """systemd-journald or its configuration is there."""
    storage: Maybe[str]
    """`persistent`, `auto`, `volatile` or `none`."""
    persistent: Maybe[bool]
    """Logs survive a reboot: storage is persistent, or auto and /var/log/journal exists."""
    compress: Maybe[bool]
    """Compress."""
    seal: Maybe[bool]
    """Seal (has effect only with a sealing key)."""
    forward_to_syslog: Maybe[bool]
    """ForwardToSyslog."""
    forward_to_wall: Maybe[bool]
    """ForwardToWall."""
    system_max_use: Maybe[str | None]
    """SystemMaxUse as written; null when not set."""
    system_keep_free: Maybe[str | None]
    """SystemKeepFree as written; null when not set."""
    runtime_max_use: Maybe[str | None]
    """RuntimeMaxUse as written; null when not set."""
    max_retention_seconds: Maybe[int | None]
    """MaxRetentionSec; null when not set or 0."""
    max_file_seconds: Maybe[int | None]
    """MaxFileSec; null when 0."""
    audit: Maybe[str]
    """Audit: `yes`, `no` or `keep`."""
    uploads: Maybe[bool]
    """systemd-journal-upload is enabled with a URL."""
    receives: Maybe[bool]
    """systemd-journal-remote's socket is enabled: the host takes journals from others."""
    files: list[str]
    """Configuration files read, in order."""
    defaulted: list[str]
    """Fields whose value is the program's default."""


class RemoteTarget(msgspec.Struct, frozen=True, kw_only=True):
    """A host that logs are sent to."""

    host: str
    """Name or address."""
    port: int | None
    """Port; null when the default."""
    protocol: Literal["udp", "tcp", "relp", "https"]
    """Transport."""
    tls: bool
    """Encrypted."""


class Rsyslog(ResourceType, frozen=True, kw_only=True):
    """rsyslog.

    When it is not installed, all other fields are unknown with cause `missing`.
    """

    TYPE: ClassVar[str] = "linux.rsyslog"

    installed: bool
    """The daemon or its configuration is there."""
    enabled: Maybe[bool | None]
    """It starts at boot; null when no init system is there."""
    running: Maybe[bool | None]
    """It runs now; null when no init system is in charge."""
    file_create_mode: Maybe[str]
    """Mode of new log files, four octal digits; the most open one where several are set."""
    file_create_mode_strict: Maybe[bool]
    """New log files give nothing to others and no writing to the group (0640 or stricter)."""
    directory_create_mode: Maybe[str]
    """Mode of new directories, four octal digits."""
    remote_targets: Maybe[list[RemoteTarget]]
    """Hosts that logs are sent to."""
    receives: Maybe[list[str]]
    """Inputs that take logs from the network: `udp`, `tcp`, `relp`."""
    log_files: Maybe[list[str]]
    """Files that rules write to, sorted."""
    logs_authentication: Maybe[bool]
    """A rule covers the facilities auth and authpriv."""
    files: list[str]
    """Configuration files read, in order."""
    defaulted: list[str]
    """Fields whose value is the program's default."""


class Logging(ResourceType, frozen=True, kw_only=True):
    """Logging as a whole."""

    TYPE: ClassVar[str] = "linux.logging"

    daemons: Maybe[list[str]]
    """Log daemons installed: `journald`, `rsyslog`, `syslog-ng`, `busybox`."""
    enabled_daemons: Maybe[list[str]]
    """Those that start at boot; journald always does under systemd."""
    persistent: Maybe[bool]
    """Some daemon keeps logs over a reboot."""
    remote: Maybe[bool]
    """Logs are sent to another host."""
    rotated: Maybe[bool]
    """logrotate is installed with a configuration."""


TYPES: tuple[type[ResourceType], ...] = (Journald, Rsyslog, Logging)

_JOURNALD: Final = "/etc/systemd/journald.conf"
_UPLOAD: Final = "/etc/systemd/journal-upload.conf"
_RSYSLOG: Final = "/etc/rsyslog.conf"


def _folders(name: str) -> tuple[str, ...]:
    return tuple(f"{base}/systemd/{name}.d" for base in ("/etc", "/run", "/usr/local/lib", "/usr/lib"))


NEEDS: Final = Needs(
    texts=(
        _JOURNALD,
        "/usr/lib/systemd/journald.conf",
        *(f"{folder}/*.conf" for folder in _folders("journald.conf")),
        _UPLOAD,
        "/usr/lib/systemd/journal-upload.conf",
        *(f"{folder}/*.conf" for folder in _folders("journal-upload.conf")),
        _RSYSLOG,
        "/etc/rsyslog.d/*",
    ),
    stats=(
        "/usr/lib/systemd/systemd-journald",
        "/lib/systemd/systemd-journald",
        "/var/log/journal",
        "/usr/sbin/rsyslogd",
        "/usr/sbin/syslog-ng",
        "/etc/syslog-ng/syslog-ng.conf",
        "/etc/conf.d/syslog",
        "/etc/logrotate.conf",
        "/usr/sbin/logrotate",
    ),
)

_DAEMONS: Final[dict[str, tuple[str, ...]]] = {
    "journald": ("/usr/lib/systemd/systemd-journald", "/lib/systemd/systemd-journald", _JOURNALD),
    "rsyslog": ("/usr/sbin/rsyslogd", _RSYSLOG),
    "syslog-ng": ("/usr/sbin/syslog-ng", "/etc/syslog-ng/syslog-ng.conf"),
    "busybox": ("/etc/conf.d/syslog",),
}
_SERVICES: Final = {"rsyslog": ("rsyslog",), "syslog-ng": ("syslog-ng",), "busybox": ("syslog",)}


def _text(value: str) -> str | None:
    return value or None


def _switch(value: str) -> bool | None:
    return boolean(value)


def _span(value: str) -> int | None:
    return seconds(value) or None


_MONTH: Final = 2629800
_JOURNAL: Final[dict[str, tuple[str, Callable[[str], Any], Any]]] = {
    "storage": ("Storage", str.lower, "auto"),
    "compress": ("Compress", lambda value: boolean(value) is not False, True),
    "seal": ("Seal", _switch, True),
    "forward_to_syslog": ("ForwardToSyslog", _switch, False),
    "forward_to_wall": ("ForwardToWall", _switch, True),
    "system_max_use": ("SystemMaxUse", _text, None),
    "system_keep_free": ("SystemKeepFree", _text, None),
    "runtime_max_use": ("RuntimeMaxUse", _text, None),
    "max_retention_seconds": ("MaxRetentionSec", _span, None),
    "max_file_seconds": ("MaxFileSec", _span, _MONTH),
    "audit": ("Audit", str.lower, "yes"),
}
"""Field to setting, reading and journald's default."""


def collect(source: Source) -> Iterator[Resource | Problem]:
    """Read the log daemons."""
    manager = init_of(source)
    daemons = [name for name, paths in _DAEMONS.items() if exists(source, *paths)]
    journal = _journald(source, manager) if "journald" in daemons else None
    system = _rsyslog(source, manager) if "rsyslog" in daemons else None
    nothing: dict[str, Any] = {"installed": False, "files": [], "defaulted": []}
    yield settings(journal or fill(Journald, not_installed("journald"), nothing))
    yield settings(system or fill(Rsyslog, not_installed("rsyslog"), nothing))
    yield settings(_logging(source, manager, daemons, (journal, system)))


def _merged(source: Source, path: str, name: str, section: str) -> tuple[dict[str, str], list[str]] | Unknown:
    """Read a systemd-style configuration with its drop-ins: settings of one section, and the files."""
    paths = drop_ins(source, path, _folders(name))
    if isinstance(paths, Unknown):
        return paths
    values: dict[str, str] = {}
    for item in paths:
        text = source.text(item)
        if isinstance(text, Unknown):
            return text
        for where, key, setting in ini(text or "", file=item):
            if where == section:
                values[key] = setting.value
    return values, paths


def _journald(source: Source, manager: Init) -> Journald:
    merged = _merged(source, _JOURNALD, "journald.conf", "Journal")
    uploading = _merged(source, _UPLOAD, "journal-upload.conf", "Upload")
    boots = manager.boots("systemd-journal-upload")
    uploads: Maybe[bool] = boots is True
    if isinstance(uploading, Unknown) or isinstance(boots, Unknown):
        uploads = uploading if isinstance(uploading, Unknown) else boots if isinstance(boots, Unknown) else False
    elif boots:
        uploads = bool(uploading[0].get("URL"))
    receives = manager.boots("systemd-journal-remote.socket", "systemd-journal-remote")
    known: dict[str, Any] = {
        "installed": True,
        "uploads": uploads,
        "receives": receives if isinstance(receives, Unknown) else receives is True,
    }
    if isinstance(merged, Unknown):
        return fill(Journald, merged, {**known, "files": [], "defaulted": []})
    given, files = merged
    shown = _shown(source, files)
    for field, (name, convert, default) in _JOURNAL.items():
        text = given.get(name) or shown.get(name)
        value = convert(text) if text else None
        known[field] = default if value is None and not (text and default == _MONTH) else value
    known["persistent"] = _persistent(source, known["storage"])
    return Journald(
        **known, files=files, defaulted=sorted(field for field, (name, _, _) in _JOURNAL.items() if name not in given)
    )


def _shown(source: Source, files: list[str]) -> dict[str, str]:
    """Read the commented lines of the main file: they show the defaults that this build was made with."""
    text = source.text(files[0]) if files and files[0].endswith("/journald.conf") else None
    return dict(re.findall(r"^#(\w+)=(\S.*?)\s*$", text, re.MULTILINE)) if isinstance(text, str) else {}


def _persistent(source: Source, storage: str) -> Maybe[bool]:
    """Whether the journal is kept on disk."""
    if storage != "auto":
        return storage == "persistent"
    found = source.stat("/var/log/journal", follow=True)
    return found if isinstance(found, Unknown) else found is not None and found.kind == "directory"


def _rsyslog(source: Source, manager: Init) -> Rsyslog:
    known: dict[str, Any] = {
        "installed": True,
        "enabled": manager.boots("rsyslog"),
        "running": manager.runs("rsyslog"),
    }
    found = rsyslog.read(source, _RSYSLOG)
    if isinstance(found, Unknown):
        return fill(Rsyslog, found, {**known, "files": [], "defaulted": []})
    modes = found.file_modes or ["0644"]
    widest = f"{max((int(mode, 8) for mode in modes), key=lambda mode: (mode & 0o137).bit_count()):04o}"
    defaulted = [] if found.file_modes else ["file_create_mode", "file_create_mode_strict"]
    defaulted += [] if found.directory_modes else ["directory_create_mode"]
    return Rsyslog(
        **known,
        file_create_mode=widest,
        file_create_mode_strict=all(int(mode, 8) & 0o137 == 0 for mode in modes),
        directory_create_mode=found.directory_modes[-1] if found.directory_modes else "0700",
        remote_targets=[
            RemoteTarget(host=redact(item.host), port=item.port, protocol=item.protocol, tls=item.tls)
            for item in found.targets
        ],
        receives=sorted(found.inputs),
        log_files=sorted(found.log_files),
        logs_authentication=found.authentication,
        files=found.files,
        defaulted=sorted(defaulted),
    )


def _logging(
    source: Source, manager: Init, daemons: list[str], parts: tuple[Journald | None, Rsyslog | None]
) -> Logging:
    """Return what the daemons do together."""
    journal, system = parts
    enabled: list[str] = []
    doubt: Unknown | None = None
    for name in daemons:
        boots = True if name == "journald" else manager.boots(*_SERVICES[name])
        if isinstance(boots, Unknown):
            doubt = boots
        elif boots:
            enabled.append(name)
    kept: list[Maybe[bool]] = [name != "journald" for name in enabled]
    sent: list[Maybe[bool]] = []
    if journal:
        kept.append(journal.persistent)
        sent.append(journal.uploads)
    if system:
        targets = system.remote_targets
        sent.append(targets if isinstance(targets, Unknown) else bool(targets))
    if "syslog-ng" in daemons:
        sent.append(Unknown("syslog-ng's configuration is not read", cause="format"))
    return Logging(
        daemons=daemons,
        enabled_daemons=doubt or enabled,
        persistent=doubt if doubt and True not in kept else _some(kept),
        remote=_some(sent),
        rotated=exists(source, "/usr/sbin/logrotate", "/etc/logrotate.conf") and exists(source, "/etc/logrotate.conf"),
    )


def _some(answers: list[Maybe[bool]]) -> Maybe[bool]:
    """Whether one holds; in doubt only when none is known to."""
    if True in answers:
        return True
    return next((answer for answer in answers if isinstance(answer, Unknown)), False)
