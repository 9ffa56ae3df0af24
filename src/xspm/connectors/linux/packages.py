"""Installed packages: dpkg, rpm and apk."""

from __future__ import annotations

from typing import ClassVar

from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe


class Package(ResourceType, frozen=True, kw_only=True):
    """An installed package of the operating system."""

    TYPE: ClassVar[str] = "linux.package"

    name: str
    """Name in its own distribution."""
    version: str
    """Version as the package manager writes it, with epoch and release."""
    architecture: str | None
    """`amd64`, `x86_64`, `all`, `noarch`."""
    manager: str
    """`dpkg`, `rpm` or `apk`."""
    source: str
    """Name of the source package it was built from; its own name when that is not said."""
    source_version: str
    """Version of the source package; its own version when that is not said."""


class Packages(ResourceType, frozen=True, kw_only=True):
    """All installed packages by name, for checks on what must or must not be installed."""

    TYPE: ClassVar[str] = "linux.packages"

    manager: str | None
    """`dpkg`, `rpm` or `apk`; null when no package database was found."""
    names: Maybe[list[str]]
    """Names of the installed packages, sorted, each once."""
    count: Maybe[int]
    """How many packages are installed."""
