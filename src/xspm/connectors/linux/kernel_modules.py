"""Kernel modules that hosts rarely need: loaded, loadable, blocked; and the kernel's own protection."""

from __future__ import annotations

from typing import ClassVar

from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe


class KernelModule(ResourceType):
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


class Kernel(ResourceType):
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


class CpuVulnerability(ResourceType):
    """A flaw of the processor, and what the kernel does about it."""

    TYPE: ClassVar[str] = "linux.cpu_vulnerability"

    name: str
    """As the kernel names it: `meltdown`, `spectre_v2`, `mds`."""
    state: Maybe[str]
    """`not_affected`, `mitigated`, `vulnerable` or `unknown` (the kernel cannot tell)."""
    description: Maybe[str]
    """The kernel's own words (/sys/devices/system/cpu/vulnerabilities)."""
