"""The boot chain: boot loader and its password, Secure Boot, the kernel's command line, the rescue shell."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final

from xspm.connectors.linux import configuration
from xspm.connectors.linux.boot_arguments import arguments
from xspm.connectors.linux.boot_entries import PATTERNS, BootEntry, boot_entries
from xspm.connectors.linux.logic import NOT_LIVE
from xspm.connectors.linux.records import exists, settings
from xspm.connectors.linux.transport import Needs
from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.connectors.linux.transport import Source
    from xspm.model.asset import Problem, Resource


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
    entries: Maybe[list[BootEntry]]
    """The kernels that the boot loader can start, with their arguments: GRUB's menu, entries of the Boot Loader
    Specification, extlinux' labels.
    """
    rescue_needs_password: Maybe[bool | None]
    """Whether the rescue and emergency shells ask for root's password; null on hosts without systemd."""


_GRUB: Final = (*("/boot/grub/grub.cfg", "/boot/grub2/grub.cfg", "/boot/efi/EFI/*/grub.cfg"),)
_GRUB_USERS: Final = (
    "/boot/grub2/user.cfg",
    "/boot/efi/EFI/*/user.cfg",
    "/boot/grub/user.cfg",
    "/boot/grub/custom.cfg",
)
_LOADERS: Final = {
    "grub": _GRUB,
    "systemd-boot": ("/boot/loader/loader.conf", "/efi/loader/loader.conf", "/boot/efi/loader/loader.conf"),
    "extlinux": ("/boot/extlinux/extlinux.conf", "/boot/extlinux.conf", "/boot/syslinux/syslinux.cfg"),
}
_SETTINGS: Final = ("/etc/default/grub", "/etc/default/grub.d/*.cfg")
_SECURE_BOOT: Final = "/sys/firmware/efi/efivars/SecureBoot-*"
_RESCUE_FOLDERS: Final = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
)
_RESCUE_UNITS: Final = ("rescue.service", "emergency.service")

TYPES: Final = (Boot,)
NEEDS: Final = Needs(
    texts=(
        *(pattern for patterns in _LOADERS.values() for pattern in patterns),
        *(*PATTERNS, *_GRUB_USERS, *_SETTINGS, _SECURE_BOOT, "/proc/cmdline"),
        *(f"{folder}/{unit}" for folder in _RESCUE_FOLDERS for unit in _RESCUE_UNITS),
        *(f"{folder}/{unit}.d/*.conf" for folder in _RESCUE_FOLDERS for unit in _RESCUE_UNITS),
    ),
    stats=("/sys/firmware/efi", "/sys/firmware", "/boot/efi/EFI", "/efi/EFI"),
)


def collect(source: Source) -> Iterator[Resource | Problem]:
    """Read the boot loader's configuration, the firmware's mark and the kernel's command line."""
    loader, config = _loader(source)
    uefi = _uefi(source)
    running = source.text("/proc/cmdline") if source.live else NOT_LIVE
    yield settings(
        Boot(
            loader=loader,
            config_path=config,
            password_set=_password_set(source, loader, config),
            uefi=uefi,
            secure_boot=_secure_boot(source, uefi),
            command_line=arguments(running) if isinstance(running, str) else running or [],
            configured_command_line=_configured(source),
            entries=boot_entries(source),
            rescue_needs_password=_rescue(source),
        )
    )


def _loader(source: Source) -> tuple[Maybe[str | None], Maybe[str | None]]:
    """Return the boot loader and its configuration's path."""
    for name, patterns in _LOADERS.items():
        for pattern in patterns:
            paths = source.glob(pattern)
            if isinstance(paths, Unknown):
                return paths, paths
            if paths:
                return name, paths[0]
    return None, None


def _password_set(source: Source, loader: Maybe[str | None], config: Maybe[str | None]) -> Maybe[bool]:
    """Whether boot entries can be changed only with a password; the password itself is never kept."""
    if isinstance(loader, Unknown) or isinstance(config, Unknown):
        return loader if isinstance(loader, Unknown) else False
    if loader == "systemd-boot":
        text = source.text(config or "")
        return text if isinstance(text, Unknown) else bool(re.search(r"(?m)^\s*editor\s+(?:no|0|false)", text or ""))
    if loader == "extlinux":
        text = source.text(config or "")
        return text if isinstance(text, Unknown) else bool(re.search(r"(?mi)^\s*menu master passwd\s", text or ""))
    if loader != "grub":
        return False
    texts: list[str] = []
    for pattern in (*_GRUB, *_GRUB_USERS):
        paths = source.glob(pattern)
        if isinstance(paths, Unknown):
            return paths
        for path in paths:
            text = source.text(path)
            if isinstance(text, Unknown):
                return text
            texts.append(text or "")
    # RHEL's grub.cfg names a superuser always and takes the password from user.cfg, which exists only when one is set.
    whole = "\n".join(texts)
    named = re.search(r"(?m)^\s*set superusers=[\"']?\w", whole)
    hashed = re.search(
        r"(?m)^\s*(?:password_pbkdf2\s+\w\S*\s+grub\.|password\s+\w\S*\s+\S|GRUB2_PASSWORD=grub\.)", whole
    )
    return bool(named and hashed)


def _uefi(source: Source) -> Maybe[bool | None]:
    """Whether the host was started by UEFI."""
    if source.live:
        if exists(source, "/sys/firmware/efi"):
            return True
        return False if exists(source, "/sys/firmware") else None
    return True if exists(source, "/boot/efi/EFI", "/efi/EFI") else None


def _secure_boot(source: Source, uefi: Maybe[bool | None]) -> Maybe[bool | None]:
    """Read the firmware's variable: four bytes of attributes, then one that is 1."""
    if not source.live:
        return NOT_LIVE
    if uefi is not True:
        return uefi if isinstance(uefi, Unknown) else None
    paths = source.glob(_SECURE_BOOT)
    if isinstance(paths, Unknown):
        return paths
    if not paths:
        return False if exists(source, "/sys/firmware/efi/efivars") else Unknown("efivars is not mounted", "missing")
    data = source.data(paths[0])
    return data[4:5] == b"\x01" if isinstance(data, bytes) else data


def _configured(source: Source) -> Maybe[list[str] | None]:
    """Return what GRUB's settings give the kernel."""
    values: dict[str, str] = {}
    found = False
    for pattern in _SETTINGS:
        paths = source.glob(pattern)
        if isinstance(paths, Unknown):
            return paths
        for path in paths:
            text = source.text(path)
            if isinstance(text, Unknown):
                return text
            found = True
            for key, item in configuration.shell_assignments(text or "").items():
                # Drop-ins usually add to what was set before: NAME="$NAME more".
                before = values.get(key, "")
                values[key] = item.value.replace(f"${{{key}}}", before).replace(f"${key}", before)
    if not found:
        return None
    return arguments(f"{values.get('GRUB_CMDLINE_LINUX', '')} {values.get('GRUB_CMDLINE_LINUX_DEFAULT', '')}")


def _rescue(source: Source) -> Maybe[bool | None]:
    """Whether both rescue shells go through sulogin, which asks for root's password."""
    answers: list[bool] = []
    for unit in _RESCUE_UNITS:
        commands: list[str] = []
        main = next((text for folder in _RESCUE_FOLDERS if (text := source.text(f"{folder}/{unit}")) is not None), None)
        if main is None:
            return None
        if isinstance(main, Unknown):
            return main
        for text in (main, *_drop_ins(source, unit)):
            for section, key, setting in configuration.ini(text):
                if (section, key) == ("Service", "ExecStart"):
                    commands = [*commands, setting.value] if setting.value else []
        answers.append(any("sulogin" in command for command in commands) and not any("--force" in c for c in commands))
    return all(answers)


def _drop_ins(source: Source, unit: str) -> Iterator[str]:
    """Yield the texts that change a unit, in order of their names."""
    chosen: dict[str, str] = {}
    for folder in _RESCUE_FOLDERS:
        paths = source.glob(f"{folder}/{unit}.d/*.conf")
        for path in paths if isinstance(paths, list) else ():
            chosen.setdefault(path.rpartition("/")[2], path)
    for _, path in sorted(chosen.items()):
        text = source.text(path)
        if isinstance(text, str):
            yield text
