"""Kubernetes manifests: files, folders and standard input, before they are applied.

Whatever a cluster would be given is read: YAML and JSON with any number of documents, lists, the output of helm and
kustomize. Every object comes with its file and line, every pod with the defaults that the API server would fill in.
Nothing is imported before it is needed.
"""

from __future__ import annotations

import os
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from xspm.errors import ConnectorError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from xspm.connector import Grant, Options
    from xspm.model.asset import Snapshot
    from xspm.model.check import Example, Remediation
    from xspm.model.schema import TypeSpec

FORM: Final = "manifest"
"""The form of examples and remediations: YAML text."""

_SUFFIXES: Final = (".yaml", ".yml", ".json")
_STREAM: Final = r"/dev/(?:stdin|fd/[0-9]{1,5})"
"""Paths by which a shell gives a pipe as a file: `<(helm template …)`."""
_OTHER: Final = r"host\Z|[A-Za-z][A-Za-z0-9+.-]*:"
"""Targets that are written in another connector's form, even where a path of that name exists."""


class KubernetesConnector:
    """Reads Kubernetes manifests; see `xspm.connector.Connector`."""

    name = "kubernetes"
    title = "Kubernetes manifests: files, folders, standard input"
    targets: tuple[str, ...] = ("FILE.yaml", "FILE.json", "FOLDER", "-")
    permissions: tuple[str, ...] = ("read access to the files; nothing is executed and no cluster is asked",)
    assets: Mapping[str, tuple[str, ...]] = MappingProxyType({"kubernetes.manifests": ()})

    def grants(self) -> Sequence[Grant]:
        """Nothing but reading what is named as a target."""
        from xspm.connector import Grant  # noqa: PLC0415 - only `xspm connectors permissions` asks

        return (Grant("reads", "the files and folders that are named as targets", "TARGET"),)

    def types(self) -> Sequence[TypeSpec]:
        """Every resource type it fills."""
        from xspm.connectors.kubernetes.collecting import type_specs  # noqa: PLC0415 - a scan of a host never needs it

        return type_specs()

    def recognises(self, target: str) -> bool:
        """Whether it is `-`, a pipe that the shell names, a folder, or a file called `*.yaml`, `*.yml` or `*.json`."""
        if target == "-":
            return True
        if re.fullmatch(_STREAM, target):
            return os.path.exists(target)
        if not target or "\0" in target or re.match(_OTHER, target):
            return False
        return os.path.isdir(target) or (target.lower().endswith(_SUFFIXES) and os.path.isfile(target))

    def collect(
        self,
        target: str,
        options: Options,  # noqa: ARG002 - files need none
        progress: Callable[[str], None],
    ) -> Snapshot:
        """Read manifests.

        Raises:
            ConnectorError: the target cannot be read, or holds no Kubernetes object.
        """
        from xspm.connectors.kubernetes.collecting import collect  # noqa: PLC0415

        return collect(target, progress)

    def example(self, form: str, content: Any) -> Snapshot:
        """Read an example's manifest.

        Raises:
            ConnectorError: it is not of the form `manifest`, or not readable as such.
        """
        from xspm.connectors.kubernetes.collecting import collect_example  # noqa: PLC0415

        if form != FORM or not isinstance(content, str):
            raise ConnectorError(f"an example for Kubernetes is `{FORM}:` with YAML text, not {form!r}")
        return collect_example(content)

    def remediate(self, example: Example, remediation: Remediation) -> Any:
        """Return an example's manifest with a patch applied.

        Raises:
            ConnectorError: the remediation is not a patch that fits the example.
        """
        from xspm.connectors.kubernetes.patch import apply  # noqa: PLC0415

        if example.form != FORM or remediation.form != FORM:
            raise ConnectorError(
                f"a remediation of the form {remediation.form!r} does not fit an example of the form {example.form!r}"
            )
        return apply(example.content, remediation.content)


CONNECTOR: Final = KubernetesConnector()
