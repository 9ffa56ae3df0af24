"""Which operating system it is, on what it runs, and until when its publisher mends it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar, Final

from xspm.connectors.linux import configuration
from xspm.connectors.linux.lifecycle import end_of_life
from xspm.connectors.linux.logic import NOT_LIVE
from xspm.connectors.linux.records import exists, settings, unlisted
from xspm.connectors.linux.transport import Needs, Stat
from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.connectors.linux.transport import Source
    from xspm.model.asset import Problem, Resource


class Os(ResourceType, frozen=True, kw_only=True):
    """The operating system of the host."""

    TYPE: ClassVar[str] = "linux.os"

    family: Maybe[str]
    """Family of distributions: `debian`, `rhel`, `suse`, `alpine`, `arch` or `other`."""
    name: Maybe[str | None]
    """Distribution, the `ID` of os-release: `debian`, `ubuntu`, `rhel`, `alpine`; null where nothing says so."""
    version: Maybe[str | None]
    """`VERSION_ID` of os-release: `12`, `24.04`, `9.4`; null for rolling releases."""
    title: Maybe[str | None]
    """`PRETTY_NAME` of os-release."""
    codename: Maybe[str | None]
    """`VERSION_CODENAME` of os-release: `bookworm`."""
    end_of_life: Maybe[str | None]
    """When the publisher's free security support ends, an RFC 3339 timestamp; null for rolling releases."""
    hostname: Maybe[str | None]
    """Name the machine gives itself."""
    architecture: Maybe[str | None]
    """Machine's architecture as the kernel names it: `x86_64`, `aarch64`."""
    kernel_release: Maybe[str | None]
    """Release of the running kernel, as `uname -r` prints it."""
    virtualization: Maybe[str | None]
    """What it runs in: `container`, `vm` or `none` (bare metal)."""
    init: Maybe[str | None]
    """What runs as the first process: `systemd`, `openrc`, `sysvinit`, `busybox`; null for a program of a container."""


_CONTAINER_MARKS: Final = ("/.dockerenv", "/run/.containerenv", "/run/systemd/container")
_MACHINE: Final = ("/sys/class/dmi/id/sys_vendor", "/sys/class/dmi/id/product_name", "/sys/hypervisor/type")

TYPES: Final = (Os,)
NEEDS: Final = Needs(
    texts=(
        *("/etc/os-release", "/usr/lib/os-release", "/etc/hostname", "/proc/sys/kernel/hostname"),
        *("/proc/sys/kernel/osrelease", "/proc/sys/kernel/arch", "/proc/cpuinfo", "/proc/1/cgroup", "/proc/1/comm"),
        *(*_MACHINE, "/run/systemd/container", "/etc/redhat-release", "/etc/alpine-release"),
        "/var/lib/dpkg/arch",
    ),
    stats=(*_CONTAINER_MARKS, "/run/systemd/system", "/sbin/init", "/sbin/openrc", "/bin/busybox", "/lib64"),
    commands=(("uname", "-m"),),
)

_FAMILIES: Final = {
    "debian": frozenset({"debian", "ubuntu", "raspbian", "kali", "linuxmint", "devuan"}),
    "rhel": frozenset({"rhel", "centos", "fedora", "rocky", "almalinux", "ol", "amzn"}),
    "suse": frozenset({"suse", "sles", "opensuse", "opensuse-leap", "opensuse-tumbleweed"}),
    "alpine": frozenset({"alpine"}),
    "arch": frozenset({"arch", "manjaro"}),
}
_HYPERVISORS: Final = re.compile(
    r"(?i)qemu|kvm|vmware|virtualbox|innotek|xen|bochs|parallels|amazon ec2|google compute|microsoft corporation"
    r"|openstack|digitalocean|hetzner|alibaba|nutanix|firecracker|cloud hypervisor"
)
_CONTAINER_CGROUP: Final = re.compile(r"/(?:docker|kubepods|lxc|libpod|containerd|machine\.slice/machine-)")


def collect(source: Source) -> Iterator[Resource | Problem]:
    """Read os-release, the kernel's names."""
    told = release_of(source)
    if isinstance(told, Unknown):
        # Without a type: the unknown fields speak for the checks, and other services may have gone by the name.
        yield unlisted(told)
    yield settings(
        Os(
            **_release(told),
            hostname=host_name(source),
            architecture=_architecture(source),
            kernel_release=_kernel(source, "/proc/sys/kernel/osrelease"),
            virtualization=_virtualization(source),
            init=_init(source),
        )
    )


def _release(told: Maybe[dict[str, str]]) -> dict[str, Any]:
    """Return the fields that os-release tells."""
    if isinstance(told, Unknown):
        return dict.fromkeys(("family", "name", "version", "title", "codename", "end_of_life"), told)
    name, version = told.get("ID"), told.get("VERSION_ID")
    return {
        "family": family(told),
        "name": name,
        "version": version,
        "title": told.get("PRETTY_NAME"),
        "codename": told.get("VERSION_CODENAME"),
        "end_of_life": end_of_life(name, version),
    }


def release_of(source: Source) -> Maybe[dict[str, str]]:
    """Return the assignments of os-release, ID among them; or why they are not known."""
    doubt: Unknown | None = None
    for path in ("/etc/os-release", "/usr/lib/os-release"):
        text = source.text(path)
        if isinstance(text, str):
            found = {key: setting.value for key, setting in configuration.shell_assignments(text).items()}
            if found.get("ID"):
                return found
            doubt = doubt or Unknown(f"it does not say what system it is: {path}", cause="format")
        elif isinstance(text, Unknown):
            doubt = doubt or text
    return doubt or Unknown("os-release is not there: it does not say what system it is", cause="missing")


def family(release: dict[str, str]) -> str:
    """Return the family of distributions that os-release tells."""
    for word in (release.get("ID", ""), *release.get("ID_LIKE", "").split()):
        for name, members in _FAMILIES.items():
            if word in members:
                return name
    return "other"


def _kernel(source: Source, path: str) -> Maybe[str | None]:
    """Return one word that the running kernel says."""
    if not source.live:
        return NOT_LIVE
    text = source.text(path)
    return text.strip() if isinstance(text, str) else text


def host_name(source: Source) -> Maybe[str | None]:
    """Return the name in force, else the configured one."""
    running = _kernel(source, "/proc/sys/kernel/hostname")
    if isinstance(running, str) and running:
        return running
    text = source.text("/etc/hostname")
    if isinstance(text, str):
        return next((line.text for line in configuration.lines(text)), None)
    return text


def _architecture(source: Source) -> Maybe[str | None]:
    """Return what `uname -m` prints."""
    running = _kernel(source, "/proc/sys/kernel/arch")
    if not source.live or (isinstance(running, str) and running):
        return running
    output = source.run("uname", "-m")
    if output is None or isinstance(output, Unknown):
        return output
    return output.stdout.strip() or None


def _virtualization(source: Source) -> Maybe[str | None]:
    """Tell container, virtual machine and bare metal apart by the marks each leaves."""
    if not source.live:
        return NOT_LIVE
    cgroup = source.text("/proc/1/cgroup")
    if exists(source, *_CONTAINER_MARKS) or (isinstance(cgroup, str) and _CONTAINER_CGROUP.search(cgroup)):
        return "container"
    cpu = source.text("/proc/cpuinfo")
    flags = re.search(r"(?m)^flags\s*:(.*)$", cpu) if isinstance(cpu, str) else None
    if flags and " hypervisor" in flags[1]:
        return "vm"
    marks = [text for path in _MACHINE if isinstance(text := source.text(path), str)]
    if any(_HYPERVISORS.search(text) for text in marks):
        return "vm"
    return "none" if flags or marks else Unknown("nothing tells what the machine is", cause="missing")


def _init(source: Source) -> Maybe[str | None]:
    """Tell what starts the services."""
    if source.live and exists(source, "/run/systemd/system"):
        return "systemd"
    if exists(source, "/sbin/openrc"):
        return "openrc"
    first = source.text("/proc/1/comm") if source.live else None
    if isinstance(first, str) and first.strip() in {"systemd", "init", "busybox"}:
        return {"init": "sysvinit"}.get(first.strip(), first.strip())
    link = source.stat("/sbin/init")
    if not source.live and isinstance(link, Stat):
        target = link.target or ""
        return "systemd" if "systemd" in target else "busybox" if "busybox" in target else "sysvinit"
    return link if isinstance(link, Unknown) else None
