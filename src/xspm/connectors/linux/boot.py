"""The boot chain: boot loader and its password, Secure Boot, the kernel's command line, the rescue shell."""

from __future__ import annotations

from typing import ClassVar

from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe


class Boot(ResourceType, frozen=True, kw_only=True):
    """How the host starts."""

    TYPE: ClassVar[str] = "linux.boot"

    loader: Maybe[str | None]
    """`grub`, `systemd-boot`, `extlinux`; null when none is installed, as in containers."""
    config_path: Maybe[str | None]
    """Path of the boot loader's configuration."""
    password_set: Maybe[bool]
    """Whether changing boot entries needs a password; false without a boot loader."""
    uefi: Maybe[bool | None]
    """Whether the host was started by UEFI; null when neither firmware nor boot loader tells."""
    secure_boot: Maybe[bool | None]
    """Whether Secure Boot is on; null on hosts not started by UEFI."""
    command_line: Maybe[list[str]]
    """The running kernel's command line, in order, secrets masked."""
    configured_command_line: Maybe[list[str] | None]
    """What the boot loader's settings give the next kernel (/etc/default/grub); null when there are none."""
    rescue_needs_password: Maybe[bool | None]
    """Whether the rescue and emergency shells ask for root's password; null on hosts without systemd."""
