"""Which package manager a host has, and what its own configuration says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xspm.connectors.linux import apt_config, configuration
from xspm.connectors.linux.records import exists
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from xspm.connectors.linux.transport import Source

APT_CONF: Final = ("/etc/apt/apt.conf.d/*", "/etc/apt/apt.conf")
INI: Final = {
    "dnf": (("/etc/dnf/dnf.conf", "/etc/yum.conf"), ("/etc/yum.repos.d/*.repo",)),
    "zypper": (("/etc/zypp/zypp.conf",), ("/etc/zypp/repos.d/*.repo",)),
}


def manager_of(source: Source) -> str | None:
    """Tell the package manager by its configuration."""
    for name, marks in (
        ("apt", ("/etc/apt",)),
        ("apk", ("/etc/apk",)),
        ("zypper", ("/etc/zypp",)),
        ("dnf", ("/etc/dnf", "/etc/yum.conf")),
    ):
        if exists(source, *marks):
            return name
    return None


def manager_options(source: Source, manager: str | None) -> Maybe[dict[str, str]]:
    """Return the manager's own settings, names in lower case."""
    if manager == "apt":
        return _apt_options(source)
    found: dict[str, str] = {}
    for path in INI[manager][0] if manager in INI else ():
        text = source.text(path)
        if isinstance(text, Unknown):
            return text
        if text is not None:
            found.update((key.lower(), setting.value) for _, key, setting in configuration.ini(text))
            break
    return found


def _apt_options(source: Source) -> Maybe[dict[str, str]]:
    """Return apt's settings, files in the order apt reads them."""
    found: dict[str, str] = {}
    for pattern in APT_CONF:
        paths = source.glob(pattern)
        if isinstance(paths, Unknown):
            return paths
        for path in paths:
            name = path.rpartition("/")[2]
            if not (name.endswith((".conf", "apt.conf")) or "." not in name):
                continue
            text = source.text(path)
            if isinstance(text, Unknown) and text.cause == "access":
                return text
            found.update(apt_config.settings(text if isinstance(text, str) else ""))
    return found


def flag(options: Maybe[dict[str, str]], name: str, default: str) -> Maybe[bool]:
    """Return a setting that is yes or no."""
    if isinstance(options, Unknown):
        return options
    return configuration.boolean(options.get(name, default)) is True
