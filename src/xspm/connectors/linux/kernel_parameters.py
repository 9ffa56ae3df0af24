"""Kernel parameters that matter for security, running and persisted."""

from __future__ import annotations

from typing import ClassVar

from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe


class KernelParameter(ResourceType):
    """A kernel parameter (sysctl) that matters for security.

    There is one resource for each name xspm knows of, whether the host sets it or not, so that a check can say
    `applies: resource.name in params.names`.
    """

    TYPE: ClassVar[str] = "linux.kernel_parameter"

    name: str
    """With dots, as sysctl writes it: `net.ipv4.conf.all.rp_filter`."""
    running: Maybe[str | None]
    """Value in force now, from /proc/sys, with fields separated by one blank; null when this kernel has no such parameter."""
    persisted: Maybe[str | None]
    """Value the configuration sets at boot, last one wins; null when no file sets it, so that the kernel's default holds."""
    persisted_in: Maybe[str | None]
    """Path of the file that sets the persisted value."""
