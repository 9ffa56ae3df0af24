"""Installed packages: dpkg, rpm and apk."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final, TypeAlias

from xspm.connectors.linux import rpm_database
from xspm.connectors.linux.records import exists, fill, resource, settings, unlisted
from xspm.connectors.linux.transport import Needs
from xspm.model.asset import Problem
from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.connectors.linux.transport import Source
    from xspm.model.asset import Resource


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
    """`dpkg`, `rpm` or `apk`; null when neither a package database nor a trace of one was found."""
    names: Maybe[list[str]]
    """Names of the installed packages, sorted, each once; unknown where a record of the database is damaged."""
    count: Maybe[int]
    """How many packages are installed."""


DATABASE_LIMIT: Final = 512 * 1024 * 1024
"""Bytes of rpm's database that are read at most."""
STATUS_LIMIT: Final = 64 * 1024 * 1024
"""Bytes of dpkg's or apk's database that are read at most."""
_DPKG: Final = "/var/lib/dpkg/status"
_APK: Final = "/lib/apk/db/installed"
_RPM_FOLDERS: Final = ("/usr/lib/sysimage/rpm", "/var/lib/rpm")
_RPM_FILES: Final = ("rpmdb.sqlite", "Packages.db", "Packages")
_TRACES: Final = {
    "dpkg": ("/var/lib/dpkg", "/usr/bin/dpkg", "/etc/debian_version"),
    "apk": ("/lib/apk/db", "/sbin/apk", "/etc/alpine-release"),
    "rpm": ("/var/lib/rpm", "/usr/bin/rpm", "/etc/redhat-release"),
}
"""What is there on a host with this manager, even where its database is gone."""
_RPM_QUERY: Final = (
    "rpm", "-qa", "--qf", "%{NAME}\\t%{EPOCH}:%{VERSION}-%{RELEASE}\\t%{ARCH}\\t%{SOURCERPM}\\n"
)  # fmt: skip

TYPES: Final = (Package, Packages)
NEEDS: Final = Needs(
    texts=(_DPKG, "/var/lib/dpkg/status.d/*", _APK),
    stats=(
        *(f"{folder}/{name}" for folder in _RPM_FOLDERS for name in _RPM_FILES),
        *(path for paths in _TRACES.values() for path in paths),
    ),
    commands=(_RPM_QUERY,),
)

Read: TypeAlias = "tuple[str, Maybe[list[Package]], int]"
"""Manager, packages, and how many records were damaged."""


def collect(source: Source) -> Iterator[Resource | Problem]:
    """Read the package database that is there."""
    manager, packages, damaged = read(source)
    if isinstance(packages, Unknown):
        yield unlisted(packages, Package)
        yield settings(fill(Packages, packages, {"manager": manager or None}))
        return
    if damaged:
        yield Problem("format", f"{damaged} damaged records in the package database", resource_types=(Package.TYPE,))
    found: dict[str, Package] = {}
    for package in packages:
        # Two versions of one package (kernels) and two architectures are different packages.
        found[f"{package.name}:{package.architecture}={package.version}"] = package
    for package in found.values():
        several = f"{package.name}:{package.architecture}"
        yield resource(package, several if manager == "dpkg" else f"{several}={package.version}", package.name)
    if damaged:
        lost = Unknown(f"{damaged} damaged records in the package database", cause="format")
        yield settings(fill(Packages, lost, {"manager": manager or None}))
        return
    names = sorted({package.name for package in packages})
    yield settings(Packages(manager=manager or None, names=names, count=len(found)))


def read(source: Source) -> Read:
    """Return the installed packages, by the first database that is there."""
    text = source.text(_DPKG, STATUS_LIMIT)
    if isinstance(text, Unknown):
        return "dpkg", text, 0
    if text:
        return ("dpkg", *_whole(_DPKG, text, "Package: ", list(_dpkg(text)), _DPKG_WHOLE))
    parts = source.glob("/var/lib/dpkg/status.d/*")
    if isinstance(parts, list) and parts:  # images without a shell keep one file for each package
        texts = [text for path in parts if not path.endswith(".md5sums") and isinstance(text := source.text(path), str)]
        return (
            "dpkg",
            [package for text in texts for package in _dpkg(f"{text.strip()}\nStatus: install ok installed\n")],
            0,
        )
    if text is not None:
        return "dpkg", Unknown(f"empty: {_DPKG}", cause="format"), 0
    text = source.text(_APK, STATUS_LIMIT)
    if isinstance(text, Unknown):
        return "apk", text, 0
    if text is not None:
        return ("apk", *_whole(_APK, text, "P:", list(_apk(text)), _APK_WHOLE))
    for folder in _RPM_FOLDERS:
        for name in _RPM_FILES:
            if exists(source, f"{folder}/{name}"):
                return _rpm(source, f"{folder}/{name}")
    for manager, traces in _TRACES.items():
        if exists(source, *traces):
            return manager, Unknown(f"the package database of {manager} is not there", cause="missing"), 0
    return "", Unknown("no database of dpkg, rpm or apk is here", cause="missing"), 0


def _whole(
    path: str, text: str, first: str, packages: list[Package], whole: re.Pattern[str]
) -> tuple[Maybe[list[Package]], int]:
    """Return the packages with how many records are damaged; unknown where the file holds no record at all."""
    records = [record for record in text.split("\n\n") if record.strip()]
    bad = sum(not f"\n{record}".count(f"\n{first}") or whole.search(f"{record}\n") is None for record in records)
    if bad == len(records):
        return Unknown(f"not a package database: {path}", cause="format"), 0
    return packages, bad


_DPKG_WHOLE: Final = re.compile(r"^Status: \S+ \S+ \S+$", re.MULTILINE)
_APK_WHOLE: Final = re.compile(r"^V:\S", re.MULTILINE)


def _dpkg(text: str) -> Iterator[Package]:
    """Yield the installed packages of dpkg's status file."""
    for paragraph in text.split("\n\n"):
        if " installed\n" not in paragraph and not paragraph.endswith(" installed"):
            continue
        fields: dict[str, str] = {}
        for line in paragraph.split("\n"):
            key, colon, value = line.partition(": ")
            if colon and key in _DPKG_FIELDS:
                fields[key] = value
        name, version = fields.get("Package"), fields.get("Version")
        if not name or not version or not fields.get("Status", "").endswith(" installed"):
            continue
        source, _, built = fields.get("Source", name).partition(" (")
        yield Package(
            name=name,
            version=version,
            architecture=fields.get("Architecture"),
            manager="dpkg",
            source=source,
            source_version=built.rstrip(")") or version,
        )


_DPKG_FIELDS: Final = frozenset({"Package", "Version", "Architecture", "Status", "Source"})


def _apk(text: str) -> Iterator[Package]:
    """Yield the packages of apk's database."""
    for paragraph in text.split("\n\n"):
        fields = {line[0]: line[2:] for line in paragraph.split("\n") if line[1:2] == ":" and line[0] in "PVAo"}
        name, version = fields.get("P"), fields.get("V")
        if name and version:
            yield Package(
                name=name,
                version=version,
                architecture=fields.get("A"),
                manager="apk",
                source=fields.get("o") or name,
                source_version=version,
            )


def _rpm(source: Source, path: str) -> Read:
    """Read rpm's database, by rpm itself where it can be run."""
    output = source.run(*_RPM_QUERY)
    if output is not None and not isinstance(output, Unknown) and output.status == 0:
        rows = [line.split("\t") for line in output.stdout.splitlines()]
        return "rpm", [_rpm_package(row[0], row[1], row[2], row[3]) for row in rows if len(row) == 4], 0
    if not path.endswith(".sqlite"):
        reason = "an rpm database of the older kind can be read only by rpm itself"
        return "rpm", Unknown(f"{reason}: {path}", cause="format"), 0
    data = source.data(path, DATABASE_LIMIT)
    if not isinstance(data, bytes):
        return "rpm", data or Unknown(f"not there any more: {path}", cause="missing"), 0
    try:
        found, damaged = rpm_database.read(data)
    except ValueError as error:
        return "rpm", Unknown(f"{error}: {path}", cause="format"), 0
    return "rpm", [_rpm_package(*row) for row in found], damaged


def _rpm_package(name: str, version: str, architecture: str, source: str) -> Package:
    """Describe one rpm; `name-version-release.src.rpm` names what it was built from."""
    version = re.sub(r"^(?:\(none\)|0):", "", version)
    built = source.removesuffix(".src.rpm").removesuffix(".nosrc.rpm").rsplit("-", 2)
    return Package(
        name=name,
        version=version,
        architecture=None if architecture in {"", "(none)"} else architecture,
        manager="rpm",
        source=built[0] if len(built) == 3 else name,
        source_version=f"{built[1]}-{built[2]}" if len(built) == 3 else version,
    )
