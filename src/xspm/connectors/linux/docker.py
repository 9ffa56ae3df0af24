"""Docker's daemon: its configuration file and command line, effective values, and who may command it."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any, ClassVar, Final

from xspm.connectors.linux import configuration
from xspm.connectors.linux.group_members import group_members
from xspm.connectors.linux.logic import NOT_LIVE, both, opposite
from xspm.connectors.linux.records import fill, not_installed, present, settings, unlisted
from xspm.connectors.linux.redact import redact
from xspm.connectors.linux.transport import Needs
from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.connectors.linux.transport import Source
    from xspm.model.asset import Problem, Resource


class Docker(ResourceType, frozen=True, kw_only=True):
    """The effective configuration of Docker's daemon."""

    TYPE: ClassVar[str] = "linux.docker"

    installed: Maybe[bool]
    """Whether the daemon is installed."""
    running: Maybe[bool]
    """Whether it runs."""
    config_path: Maybe[str | None]
    """Path of its configuration file; null when there is none and the defaults hold."""
    hosts: Maybe[list[str]]
    """Where it listens: `unix:///var/run/docker.sock`, `tcp://0.0.0.0:2375`, sorted."""
    tls_verify: Maybe[bool]
    """Whether clients over TCP must show a certificate."""
    exposed_without_tls: Maybe[bool]
    """Whether it listens on TCP without demanding clients' certificates, which gives root to all who reach it."""
    inter_container_communication: Maybe[bool]
    """`icc`: whether containers on the default bridge reach each other; true unless set."""
    user_namespace_remap: Maybe[str | None]
    """`userns-remap`; null when containers' root is the host's root."""
    rootless: Maybe[bool]
    """Whether the daemon itself runs without root."""
    no_new_privileges: Maybe[bool]
    """Whether processes in containers cannot gain privileges by default; false unless set."""
    live_restore: Maybe[bool]
    """Whether containers survive the daemon; false unless set."""
    userland_proxy: Maybe[bool]
    """Whether ports are forwarded by a process; true unless set."""
    iptables: Maybe[bool]
    """Whether it keeps its own firewall rules; true unless set."""
    experimental: Maybe[bool]
    """Whether experimental features are on; false unless set."""
    log_driver: Maybe[str]
    """Default log driver; `json-file` unless set."""
    log_level: Maybe[str]
    """`debug`, `info`, `warn`, `error` or `fatal`; `info` unless set."""
    log_size_limited: Maybe[bool]
    """Whether containers' logs cannot fill the disk: a `max-size` is set, or the driver does not write files."""
    storage_driver: Maybe[str | None]
    """As configured; null when Docker chooses."""
    insecure_registries: Maybe[list[str]]
    """Registries that are spoken to without TLS or with any certificate, sorted."""
    authorization_plugins: Maybe[list[str]]
    """Plugins that decide on each request, sorted."""
    seccomp_profile: Maybe[str | None]
    """Default profile of system calls; null means Docker's own, `unconfined` means none."""
    default_ulimits: Maybe[list[str]]
    """Resource limits every container gets, by name, sorted."""
    group_members: Maybe[list[str]]
    """Members of the group `docker`, who are as good as root, those with it as primary group included, sorted."""


_PROGRAMS: Final = ("/usr/bin/dockerd", "/usr/sbin/dockerd", "/usr/local/bin/dockerd", "/snap/bin/dockerd")
_CONFIG: Final = "/etc/docker/daemon.json"
_PIDS: Final = ("/run/docker.pid", "/var/run/docker.pid")
_UNITS: Final = tuple(
    f"{folder}/docker.service"
    for folder in ("/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
)
_DROP_INS: Final = "/etc/systemd/system/docker.service.d/*.conf"
_OPENRC: Final = ("/etc/conf.d/docker", "/etc/default/docker")
_LISTS: Final = {
    "insecure-registry": "insecure-registries",
    "host": "hosts",
    "authorization-plugin": "authorization-plugins",
}
_ALIASES: Final = {"H": "host", "l": "log-level", "s": "storage-driver", "D": "debug"}
_LOGS_WITHOUT_FILES: Final = frozenset(
    {"journald", "syslog", "none", "local", "gelf", "fluentd", "awslogs", "splunk", "gcplogs", "etwlogs"}
)

TYPES: Final = (Docker,)
NEEDS: Final = Needs(
    texts=(_CONFIG, *_PIDS, *_UNITS, _DROP_INS, *_OPENRC, "/etc/group", "/etc/passwd"),
    stats=(*_PROGRAMS, "/run/docker.sock", "/var/run/docker.sock"),
)


def collect(source: Source) -> Iterator[Resource | Problem]:
    """Read daemon.json and the options on the daemon's command line, which may not both set the same thing."""
    members = _group_members(source)
    installed = present(source, *_PROGRAMS)
    if installed is not True:
        rest = installed if isinstance(installed, Unknown) else not_installed("docker")
        running = installed if isinstance(installed, Unknown) else False
        known = {"installed": installed, "running": running, "group_members": members}
        yield settings(fill(Docker, rest, known))
        return
    running = present(source, *_PIDS) if source.live else NOT_LIVE
    text = source.text(_CONFIG)
    options = _options(source, text)
    if isinstance(options, Unknown):
        yield settings(fill(Docker, options, {"installed": True, "running": running, "group_members": members}))
        if options.cause != "access":
            # Without a type: the unknown fields above speak for every check already.
            yield unlisted(options)
        return
    hosts = [_address(host) for host in _texts(options, "hosts")] or ["unix:///var/run/docker.sock"]
    verified = _flag(options, "tlsverify", default=False)
    exposed = any(host.startswith("tcp://") for host in hosts)
    driver = _text(options, "log-driver") or "json-file"
    sizes = options.get("log-opts")
    yield settings(
        Docker(
            installed=True,
            running=running,
            config_path=_CONFIG if text is not None else None,
            hosts=sorted(hosts),
            tls_verify=verified,
            exposed_without_tls=both(exposed, opposite(verified)),
            inter_container_communication=_flag(options, "icc", default=True),
            user_namespace_remap=_text(options, "userns-remap"),
            rootless=_flag(options, "rootless", default=False),
            no_new_privileges=_flag(options, "no-new-privileges", default=False),
            live_restore=_flag(options, "live-restore", default=False),
            userland_proxy=_flag(options, "userland-proxy", default=True),
            iptables=_flag(options, "iptables", default=True),
            experimental=_flag(options, "experimental", default=False),
            log_driver=driver,
            log_level=_text(options, "log-level") or "info",
            log_size_limited=driver in _LOGS_WITHOUT_FILES or (isinstance(sizes, dict) and "max-size" in sizes),
            storage_driver=_text(options, "storage-driver"),
            insecure_registries=sorted(
                redact(item.rpartition("@")[2]) for item in _texts(options, "insecure-registries")
            ),
            authorization_plugins=sorted(_texts(options, "authorization-plugins")),
            seccomp_profile=_text(options, "seccomp-profile"),
            default_ulimits=_ulimits(options.get("default-ulimits")),
            group_members=members,
        ),
        _CONFIG if text is not None else None,
    )


def _options(source: Source, text: Maybe[str | None]) -> Maybe[dict[str, Any]]:
    """Return the options of daemon.json and of the command line, by their names in the file."""
    if isinstance(text, Unknown):
        return text
    try:
        found: Any = json.loads(text) if text and text.strip() else {}
    except (ValueError, RecursionError):
        return Unknown(f"not JSON, so that the daemon would not start: {_CONFIG}", cause="format")
    if not isinstance(found, dict):
        return Unknown(f"not a JSON object: {_CONFIG}", cause="format")
    for name, value in _flags(_command_line(source)):
        key = _LISTS.get(name, name)
        if key in _LISTS.values():
            found[key] = [*_texts(found, key), value]
        elif name == "log-opt":
            option, _, setting = value.partition("=")
            sizes = found.get("log-opts")
            found["log-opts"] = {**(sizes if isinstance(sizes, dict) else {}), option: setting}
        elif name == "default-ulimit":
            limit = value.partition("=")[0]
            limits = found.get("default-ulimits")
            found["default-ulimits"] = {**(limits if isinstance(limits, dict) else {}), limit: value}
        else:
            found[key] = value
    return found


def _command_line(source: Source) -> str:
    """Return the arguments that the unit, its drop-ins or the init script's settings give the daemon."""
    command = ""
    unit = next((text for path in _UNITS if isinstance(text := source.text(path), str)), "")
    paths = source.glob(_DROP_INS)
    texts = [source.text(path) for path in paths] if isinstance(paths, list) else []
    for text in (unit, *(text for text in texts if isinstance(text, str))):
        for section, key, setting in configuration.ini(text):
            if (section, key) == ("Service", "ExecStart"):
                command = setting.value
    extra = []
    for path in _OPENRC:
        text = source.text(path)
        values = configuration.shell_assignments(text) if isinstance(text, str) else {}
        extra += [values[name].value for name in ("DOCKER_OPTS", "OPTIONS") if name in values]
    return " ".join([command, *(extra if not command or "$DOCKER_OPTS" in command else ())])


def _flags(command: str) -> Iterator[tuple[str, str]]:
    """Yield the options of a command line with their values."""
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    for index, word in enumerate(words):
        if not word.startswith("-"):
            continue
        name, equals, value = word.lstrip("-").partition("=")
        follows = words[index + 1] if index + 1 < len(words) else "-"
        if not equals:
            value = "true" if follows.startswith("-") or "/dockerd" in follows else follows
        yield _ALIASES.get(name, name), value


def _address(host: str) -> str:
    """Return an address with its scheme: `fd://` is the socket that systemd opens."""
    return host if "://" in host else f"tcp://{host}"


def _flag(options: dict[str, Any], name: str, *, default: bool) -> Maybe[bool]:
    """Return an option that is true or false."""
    value = options.get(name, default)
    if isinstance(value, bool):
        return value
    answer = configuration.boolean(value) if isinstance(value, str) else None
    return Unknown(f"{name} is neither true nor false: {_CONFIG}", cause="format") if answer is None else answer


def _text(options: dict[str, Any], name: str) -> str | None:
    """Return an option that is a text; the empty one is none."""
    value = options.get(name)
    return redact(value) if isinstance(value, str) and value else None


def _texts(options: dict[str, Any], name: str) -> list[str]:
    """Return an option that is a list of texts."""
    value = options.get(name)
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _ulimits(value: Any) -> list[str]:
    """Return the names of limits."""
    return sorted(value) if isinstance(value, dict) and all(isinstance(name, str) for name in value) else []


def _group_members(source: Source) -> Maybe[list[str]]:
    """Return the members of the group docker."""
    found = group_members(source, "docker")
    return found if isinstance(found, Unknown) else found or []
