"""Linux hosts: this machine, a machine over ssh, an unpacked root file system.

Everything is read through one interface (`transport.Source`) by services that each hold their resource types, the
fetching and the normalising; nothing is imported before it is needed.
"""

from __future__ import annotations

# Not `os` itself: a service of this package is called so.
from os.path import abspath, basename, isfile, islink
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from xspm.errors import ConnectorError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from xspm.connector import Grant, Options
    from xspm.model.asset import Snapshot
    from xspm.model.check import Example, Remediation
    from xspm.model.schema import TypeSpec


class LinuxConnector:
    """Reads Linux hosts; see `xspm.connector.Connector`."""

    name = "linux"
    title = "Linux hosts: this machine, over ssh, or an unpacked root file system"
    targets: tuple[str, ...] = ("host", "ssh://[USER@]HOST[:PORT]", "dir:PATH")
    permissions: tuple[str, ...] = (
        "host: none; as root it reads everything (shadow, sudoers, firewall rules, sockets' processes)",
        "ssh: a login with a POSIX shell; for the same, --collector and one line of sudoers, or --sudo and all of sudo",
        "dir: read access to the folder; nothing in it is executed",
    )
    assets: Mapping[str, tuple[str, ...]] = MappingProxyType({
        "host": (
            "host.name", "os.family", "os.name", "os.version", "architecture", "virtualization", "kernel",
        ),
    })  # fmt: skip

    def grants(self) -> Sequence[Grant]:
        """The collector script as one program that sudo allows by its digest, and what it reads and runs."""
        from xspm.connectors.linux.grants import grants  # noqa: PLC0415 - only `xspm connectors permissions` asks

        return grants()

    def types(self) -> Sequence[TypeSpec]:
        """Every resource type the services fill."""
        from xspm.connectors.linux.collecting import services  # noqa: PLC0415 - a scan of manifests never needs it
        from xspm.model.schema import typed  # noqa: PLC0415

        return [typed(item) for _, service in services() for item in service.TYPES]

    def recognises(self, target: str) -> bool:
        """Whether it is `host`, `ssh://…`, `dir:…`, or the path of a root file system."""
        if target == "host" or target.startswith(("ssh://", "dir:")):
            return True
        places = (f"{target}/{release}" for release in ("etc/os-release", "usr/lib/os-release"))
        return bool(target) and "\0" not in target and any(islink(place) or isfile(place) for place in places)

    def collect(self, target: str, options: Options, progress: Callable[[str], None]) -> Snapshot:
        """Read a host.

        Raises:
            ConnectorError: it could not be reached or read at all.
        """
        from xspm.connectors.linux.collecting import snapshot  # noqa: PLC0415

        if target == "host":
            from xspm.connectors.linux.host import HostSource  # noqa: PLC0415

            return snapshot(HostSource(), progress, fallback="localhost")
        if target.startswith("ssh://"):
            from xspm.connectors.linux.ssh import capture  # noqa: PLC0415

            return capture(target, options, progress)
        path = target.removeprefix("dir:")
        if not path:
            raise ConnectorError("dir: names no folder", hint="write dir:PATH")
        from xspm.connectors.linux.directory import DirectorySource  # noqa: PLC0415
        from xspm.connectors.linux.records import present  # noqa: PLC0415
        from xspm.connectors.linux.walk import clean  # noqa: PLC0415

        source, where = DirectorySource(path), clean(abspath(path))
        if present(source, "/etc/os-release", "/usr/lib/os-release", "/etc/passwd") is False:
            message = f"{path} is not the root of a host's file system: no os-release and no passwd are in it"
            raise ConnectorError(message, hint="give the folder that holds its etc and usr")
        return snapshot(source, progress, fallback=basename(where) or "root", identity=f"dir:{where}")

    def example(self, form: str, content: Any) -> Snapshot:
        """Read an example of a check through the same services."""
        from xspm.connectors.linux.example import read  # noqa: PLC0415

        return read(form, content)

    def remediate(self, example: Example, remediation: Remediation) -> Any:
        """Write a remediation's files over an example."""
        from xspm.connectors.linux.example import remediate  # noqa: PLC0415

        return remediate(example, remediation)


CONNECTOR: Final = LinuxConnector()
