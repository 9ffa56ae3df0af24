"""Kernel modules that hosts rarely need: loaded, loadable, blocked; and the kernel's own protection."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

from xspm.connectors.linux import configuration
from xspm.connectors.linux.logic import NOT_LIVE, both, either, opposite
from xspm.connectors.linux.records import resource, settings, unlisted
from xspm.connectors.linux.redact import redact
from xspm.connectors.linux.transport import Needs
from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.connectors.linux.transport import Source
    from xspm.model.asset import Problem, Resource


class KernelModule(ResourceType, frozen=True, kw_only=True):
    """A kernel module that most hosts do not need and that widens what can be attacked.

    There is one resource for each name xspm knows of, whether the host has it or not.
    """

    TYPE: ClassVar[str] = "linux.kernel_module"

    name: str
    """With underscores or hyphens as distributions write it: `cramfs`, `usb-storage`, `dccp`."""
    kind: str
    """`filesystem`, `network` or `storage`."""
    loaded: Maybe[bool]
    """Whether it is in the kernel now (/proc/modules)."""
    built_in: Maybe[bool]
    """Whether it is compiled into the kernel, so that it cannot be blocked."""
    available: Maybe[bool]
    """Whether a module file for the kernel is installed."""
    blocked: Maybe[bool]
    """Whether modprobe refuses to load it: `install NAME /bin/false` (or true) is configured."""
    blacklisted: Maybe[bool]
    """Whether `blacklist NAME` keeps it from being loaded automatically; people and programs still can load it."""
    loadable: Maybe[bool]
    """Whether it is in use or can come into use: loaded, built in, or available and not blocked."""
    configured_in: Maybe[str | None]
    """Path of the file that blocks or blacklists it; null when none does."""


class Kernel(ResourceType, frozen=True, kw_only=True):
    """The running kernel's protection of itself."""

    TYPE: ClassVar[str] = "linux.kernel"

    lockdown: Maybe[str | None]
    """Lockdown mode: `none`, `integrity` or `confidentiality`; null when the kernel has no lockdown."""
    security_modules: Maybe[list[str]]
    """Active security modules in order (/sys/kernel/security/lsm)."""
    modules_disabled: Maybe[bool]
    """Whether no module can be loaded any more: `kernel.modules_disabled` is 1, or the kernel has no modules at all."""
    module_signatures_enforced: Maybe[bool | None]
    """Whether unsigned modules are refused; null when the kernel cannot check them."""


class CpuVulnerability(ResourceType, frozen=True, kw_only=True):
    """A flaw of the processor, and what the kernel does about it."""

    TYPE: ClassVar[str] = "linux.cpu_vulnerability"

    name: str
    """As the kernel names it: `meltdown`, `spectre_v2`, `mds`."""
    state: Maybe[str]
    """`not_affected`, `mitigated`, `vulnerable` or `unknown` (the kernel cannot tell)."""
    description: Maybe[str]
    """The kernel's own words (/sys/devices/system/cpu/vulnerabilities)."""


MODULES: Final[dict[str, tuple[str, ...]]] = {
    "filesystem": (
        *("afs", "ceph", "cifs", "cramfs", "exfat", "freevxfs", "fuse", "gfs2", "hfs", "hfsplus", "jffs2", "minix"),
        *("nfs", "nfsd", "overlay", "reiserfs", "squashfs", "udf"),
    ),
    "network": (
        *("appletalk", "atm", "ax25", "bluetooth", "can", "dccp", "decnet", "ipx", "netrom", "rds", "rose", "sctp"),
        *("tipc", "x25"),
    ),
    "storage": ("firewire-core", "thunderbolt", "uas", "usb-storage"),
}
"""Names by kind; there is a resource for each."""
_FOLDERS: Final = (
    *("/etc/modprobe.d", "/run/modprobe.d", "/usr/local/lib/modprobe.d", "/usr/lib/modprobe.d", "/lib/modprobe.d"),
)
_VULNERABILITIES: Final = "/sys/devices/system/cpu/vulnerabilities"
_SECURITY: Final = "/sys/kernel/security"
_SIGNATURES: Final = "/sys/module/module/parameters/sig_enforce"
_NO_MODULES: Final = Unknown("no kernel modules are installed here to look at", cause="missing")

TYPES: Final = (KernelModule, Kernel, CpuVulnerability)
NEEDS: Final = Needs(
    texts=(
        *("/proc/modules", "/proc/cmdline", "/proc/filesystems", "/proc/sys/kernel/modules_disabled"),
        *("/proc/sys/kernel/osrelease", _SIGNATURES, f"{_SECURITY}/lockdown", f"{_SECURITY}/lsm"),
        *(f"{folder}/*.conf" for folder in _FOLDERS),
        *("/lib/modules/{kernel}/modules.dep", "/lib/modules/{kernel}/modules.builtin", f"{_VULNERABILITIES}/*"),
    ),
    lists=("/lib/modules", _VULNERABILITIES),
)


class Installed(NamedTuple):
    """The module names that a kernel was installed with."""

    files: Maybe[frozenset[str]]
    built_in: Maybe[frozenset[str]]


class Rules(NamedTuple):
    """What modprobe's configuration and the kernel's command line forbid: by name, the place that does."""

    blocked: dict[str, str]
    blacklisted: dict[str, str]
    doubt: Unknown | None
    """Why there may be more."""


def collect(source: Source) -> Iterator[Resource | Problem]:
    """Read the module lists, the rules on them, and what the kernel says of itself."""
    installed, rules = _installed(source), _rules(source)
    loaded = _loaded(source)
    for kind, names in MODULES.items():
        for name in names:
            yield resource(_module(name, kind, source, loaded, installed, rules), name)
    yield settings(_kernel(source, loaded))
    if not source.live:
        yield unlisted(NOT_LIVE, CpuVulnerability)
        return
    flaws = source.list(_VULNERABILITIES)
    if not isinstance(flaws, list):
        reason = flaws or Unknown(f"this kernel does not tell of its processor's flaws: {_VULNERABILITIES}", "missing")
        yield unlisted(reason, CpuVulnerability)
        return
    for name in flaws:
        yield resource(_vulnerability(source, name), name)


def plain(name: str) -> str:
    """Return a module's name as the kernel writes it: hyphens are underscores."""
    return name.replace("-", "_")


def _module(  # noqa: PLR0917 - all that bears on one module
    name: str, kind: str, source: Source, loaded: Maybe[frozenset[str]], installed: Installed, rules: Rules
) -> KernelModule:
    """Put together what is known of one module."""
    key = plain(name)
    doubt: Maybe[bool] = rules.doubt or False
    is_loaded = loaded if isinstance(loaded, Unknown) else key in loaded
    available = installed.files if isinstance(installed.files, Unknown) else key in installed.files
    built_in = installed.built_in if isinstance(installed.built_in, Unknown) else key in installed.built_in
    blocked = key in rules.blocked or doubt
    return KernelModule(
        name=name,
        kind=kind,
        loaded=is_loaded,
        built_in=built_in,
        available=available,
        blocked=blocked,
        blacklisted=key in rules.blacklisted or doubt,
        loadable=either(is_loaded if source.live else False, built_in, both(available, opposite(blocked))),
        configured_in=rules.blocked.get(key) or rules.blacklisted.get(key) or rules.doubt,
    )


def _loaded(source: Source) -> Maybe[frozenset[str]]:
    """Return the names in /proc/modules; a kernel without that file cannot load modules."""
    if not source.live:
        return NOT_LIVE
    text = source.text("/proc/modules")
    if isinstance(text, Unknown):
        return text
    return frozenset(line.split(" ", 1)[0] for line in (text or "").splitlines())


def _installed(source: Source) -> Installed:
    """Return the modules of the running kernel, or of all kernels of an unpacked root file system."""
    releases = source.list("/lib/modules")
    if source.live:
        if source.text("/proc/modules") is None and isinstance(source.text("/proc/filesystems"), str):
            return Installed(frozenset(), _file_systems(source))
        release = source.text("/proc/sys/kernel/osrelease")
        releases = [release.strip()] if isinstance(release, str) else release
    if isinstance(releases, Unknown):
        return Installed(releases, releases)
    files: set[str] = set()
    built_in: set[str] = set()
    found = False
    for release in releases or ():
        for target, name in ((files, "modules.dep"), (built_in, "modules.builtin")):
            text = source.text(f"/lib/modules/{release}/{name}")
            if isinstance(text, Unknown):
                return Installed(text, text)
            found = found or text is not None
            target.update(_names(text or ""))
    if not found:
        return Installed(_NO_MODULES, _file_systems(source) if source.live else _NO_MODULES)
    return Installed(frozenset(files), frozenset(built_in))


def _names(text: str) -> Iterator[str]:
    """Yield the module names of `modules.dep` or `modules.builtin`."""
    for line in text.splitlines():
        yield plain(line.partition(":")[0].rpartition("/")[2].partition(".ko")[0])


def _file_systems(source: Source) -> Maybe[frozenset[str]]:
    """Return the file systems in a kernel whose module files are not here: those it knows and has not loaded."""
    text, loaded = source.text("/proc/filesystems"), _loaded(source)
    if not isinstance(text, str) or isinstance(loaded, Unknown):
        return text if isinstance(text, Unknown) else _NO_MODULES
    return frozenset(plain(line.split()[-1]) for line in text.splitlines() if line.split()) - loaded


def _rules(source: Source) -> Rules:
    """Read modprobe's configuration, a name in an earlier folder hiding the same name in later ones."""
    rules = Rules({}, {}, None)
    chosen: dict[str, str] = {}
    for folder in _FOLDERS:
        found = source.glob(f"{folder}/*.conf")
        if isinstance(found, Unknown):
            return Rules({}, {}, found)
        for path in found:
            chosen.setdefault(path.rpartition("/")[2], path)
    for _, path in sorted(chosen.items()):
        text = source.text(path)
        if isinstance(text, Unknown):
            if text.cause == "access":
                rules = rules._replace(doubt=text)
            continue
        for line in configuration.lines(text or "", joined=True):
            words = line.text.split()
            if words[0] == "blacklist" and len(words) > 1:
                rules.blacklisted[plain(words[1])] = path
            elif words[0] == "install" and len(words) > 2 and words[2].rpartition("/")[2] in {"false", "true"}:
                rules.blocked[plain(words[1])] = path
    command_line = source.text("/proc/cmdline") if source.live else None
    for option, names in re.findall(
        r"(?:^|\s)(module_blacklist|modprobe\.blacklist)=(\S+)", command_line if isinstance(command_line, str) else ""
    ):
        target = rules.blocked if option == "module_blacklist" else rules.blacklisted
        target.update(dict.fromkeys(map(plain, names.split(",")), "/proc/cmdline"))
    return rules


def _kernel(source: Source, loaded: Maybe[frozenset[str]]) -> Kernel:
    """Read how the kernel protects itself."""
    if isinstance(loaded, Unknown) and not source.live:
        return Kernel(
            lockdown=NOT_LIVE, security_modules=NOT_LIVE, modules_disabled=NOT_LIVE, module_signatures_enforced=NOT_LIVE
        )
    lockdown, active = source.text(f"{_SECURITY}/lockdown"), source.text(f"{_SECURITY}/lsm")
    disabled, signatures = source.text("/proc/sys/kernel/modules_disabled"), source.text(_SIGNATURES)
    mode = re.search(r"\[(\w+)\]", lockdown) if isinstance(lockdown, str) else None
    return Kernel(
        lockdown=mode[1] if mode else lockdown if isinstance(lockdown, Unknown) else None,
        security_modules=[name for name in active.strip().split(",") if name]
        if isinstance(active, str)
        else active or Unknown(f"not shown here: {_SECURITY}/lsm", cause="missing"),
        modules_disabled=disabled.strip() == "1"
        if isinstance(disabled, str)
        else (disabled if isinstance(disabled, Unknown) else source.text("/proc/modules") is None),
        module_signatures_enforced=signatures.strip() in {"Y", "1"} if isinstance(signatures, str) else signatures,
    )


def _vulnerability(source: Source, name: str) -> CpuVulnerability:
    """Read what the kernel says of one flaw."""
    text = source.text(f"{_VULNERABILITIES}/{name}")
    if not isinstance(text, str):
        reason = text or Unknown(f"not there any more: {name}", cause="missing")
        return CpuVulnerability(name=name, state=reason, description=reason)
    shown = text.strip()
    states = {"Not affected": "not_affected", "Mitigation": "mitigated", "Vulnerable": "vulnerable"}
    state = next((value for start, value in states.items() if start in shown.split(";", 1)[0]), "unknown")
    return CpuVulnerability(name=name, state=state, description=redact(shown))
