"""What the boot loader starts: one entry per kernel line of its configuration, with the arguments it passes.

GRUB's menu, entries of the Boot Loader Specification and extlinux' labels are read alike. Variables of GRUB are
replaced by what its environment block or its own configuration sets; what neither sets is empty, as for GRUB.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from xspm.connectors.linux.boot_arguments import arguments
from xspm.connectors.linux.configuration import LINE_LIMIT, lines
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.connectors.linux.transport import Source

_GRUB: Final = (
    "/boot/grub/grub.cfg",
    "/boot/grub2/grub.cfg",
    "/boot/efi/EFI/*/grub.cfg",
    "/boot/grub/custom.cfg",
    "/boot/grub2/custom.cfg",
)
_ENVIRONMENTS: Final = ("/boot/grub/grubenv", "/boot/grub2/grubenv", "/boot/efi/EFI/*/grubenv")
_ENTRIES: Final = tuple(f"{folder}/loader/entries/*.conf" for folder in ("/boot", "/efi", "/boot/efi"))
_KERNEL_ARGUMENTS: Final = ("/etc/kernel/cmdline",)
"""What kernel-install writes into the entry of the next kernel."""
_EXTLINUX: Final = ("/boot/extlinux/extlinux.conf", "/boot/extlinux.conf", "/boot/syslinux/syslinux.cfg")
PATTERNS: Final = (*_GRUB, *_ENVIRONMENTS, *_ENTRIES, *_KERNEL_ARGUMENTS, *_EXTLINUX)
"""Files that are read."""

_ENTRY_LIMIT: Final = 1000
_VARIABLE_LIMIT: Final = 64
"""Variables of one line that are replaced; no distribution writes more than three."""
_TITLE: Final = re.compile(r"""(?:menuentry|submenu)\s+(?:'([^']*)'|"([^"]*)"|(\S+))""")
_KERNEL: Final = re.compile(r"(?:linux|linux16|linuxefi|kernel)\s+\S+(.*)")
_SET: Final = re.compile(r"""set\s+(\w+)=(?:"([^"]*)"|'([^']*)'|(\S*))""")
_VARIABLE: Final = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


class BootEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A kernel that the boot loader can start."""

    title: str
    """What the menu shows; empty where it has no name."""
    file: str
    """Path of the file that declares it."""
    line: int
    """1-based, of the arguments."""
    arguments: list[str]
    """What the kernel is given, in order, secrets masked."""
    recovery: bool
    """It is by its title the recovery entry that distributions add besides the usual one."""


def boot_entries(source: Source) -> Maybe[list[BootEntry]]:
    """Read every entry; empty where there is no boot loader."""
    texts = _texts(source)
    if isinstance(texts, Unknown):
        return texts
    variables = _variables(texts)
    found: list[BootEntry] = []
    for path, text in texts.items():
        if path.endswith("/grubenv"):
            continue
        if path.endswith(("/grub.cfg", "/custom.cfg")):
            entries = _grub(path, text, variables)
        elif path in _KERNEL_ARGUMENTS:
            entries = (_entry("", (path, line.number), line.text, {}) for line in lines(text))
        else:
            entries = _labels(path, text, variables)
        for entry in entries:
            found.append(entry)
            if len(found) > _ENTRY_LIMIT:
                return Unknown(f"more than {_ENTRY_LIMIT} boot entries", cause="limit")
    return found


def _texts(source: Source) -> dict[str, str] | Unknown:
    """Read all files, by path."""
    found: dict[str, str] = {}
    for pattern in PATTERNS:
        paths = source.glob(pattern)
        if isinstance(paths, Unknown):
            return paths
        for path in paths:
            text = source.text(path)
            if isinstance(text, Unknown):
                return text
            found[path] = text or ""
    return found


def _variables(texts: dict[str, str]) -> dict[str, str]:
    """Return what variables of GRUB may hold: every value that is set for one, after another."""
    values: dict[str, dict[str, None]] = {}
    for path, text in texts.items():
        if path.endswith("/grubenv"):
            for line in lines(text):
                name, equals, value = line.text.partition("=")
                if equals:
                    values.setdefault(name, {})[value] = None
        elif path.endswith(".cfg"):
            for match in _SET.finditer(text):
                values.setdefault(match[1], {})[match[2] or match[3] or match[4] or ""] = None
    return {name: " ".join(found)[:LINE_LIMIT] for name, found in values.items()}


def _grub(path: str, text: str, variables: dict[str, str]) -> Iterator[BootEntry]:
    """Read the menu of GRUB."""
    title = ""
    for line in lines(text, joined=True):
        named = _TITLE.match(line.text)
        kernel = _KERNEL.match(line.text)
        if named:
            title = named[1] or named[2] or named[3] or ""
        elif kernel:
            yield _entry(title, (path, line.number), kernel[1], variables)


def _labels(path: str, text: str, variables: dict[str, str]) -> Iterator[BootEntry]:
    """Read an entry of the Boot Loader Specification, or the labels of extlinux."""
    title = ""
    for line in lines(text):
        key, _, rest = line.text.replace("\t", " ").partition(" ")
        word = key.lower()
        if word in {"title", "label"} or (word == "menu" and rest.lower().startswith("label")):
            title = rest.strip()
        elif word in {"options", "append"}:
            yield _entry(title, (path, line.number), rest, variables)


def _entry(title: str, place: tuple[str, int], text: str, variables: dict[str, str]) -> BootEntry:
    """Make an entry of a kernel's arguments."""
    for _ in range(3):
        if text.count("$") > _VARIABLE_LIMIT:
            break
        text = _VARIABLE.sub(lambda match: variables.get(match[1] or match[2], ""), text)[: LINE_LIMIT * 4]
    return BootEntry(
        title=title[:200],
        file=place[0],
        line=place[1],
        arguments=arguments(text),
        recovery="recovery" in title.lower(),
    )
