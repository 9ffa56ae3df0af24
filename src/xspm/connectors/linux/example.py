"""Examples of checks in the form `host`, and code remediations in the form `files`."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final

from xspm.connectors.linux.collecting import snapshot
from xspm.connectors.linux.memory import MemorySource
from xspm.errors import ConnectorError

if TYPE_CHECKING:
    from xspm.model.asset import Snapshot
    from xspm.model.check import Example, Remediation

_KEYS: Final = frozenset({"files", "commands", "live", "root", "only"})


def read(form: str, content: Any) -> Snapshot:
    """Read an example as if it were a host.

    Raises:
        ConnectorError: the form is not `host`, or the content is malformed.
    """
    if form != "host":
        raise ConnectorError(f"the linux connector reads examples of the form host, not {form}")
    if not isinstance(content, dict) or content.keys() - _KEYS:
        raise ConnectorError(f"a host is a mapping of {', '.join(sorted(_KEYS))}")
    files, commands = ({} if content.get(key) is None else content[key] for key in ("files", "commands"))
    only = content.get("only")
    if not isinstance(files, dict) or not isinstance(commands, dict):
        raise ConnectorError("files and commands are mappings: by path, and by command line")
    if not all(isinstance(name, str) for name in (*files, *commands)):
        raise ConnectorError("paths and command lines are texts")
    if only is not None and not (isinstance(only, list) and all(isinstance(name, str) for name in only)):
        raise ConnectorError("only is a list of resource types")
    source = MemorySource(
        files, commands, live=content.get("live", True) is not False, root=content.get("root", True) is not False
    )
    return snapshot(source, lambda _: None, fallback="example", only=only)


def remediate(example: Example, remediation: Remediation) -> Any:
    """Return the example's content with `files` written over it.

    A text replaces the content and keeps the metadata, `{append: …}` adds to it, `mode`, `uid`, `gid` change it, null
    removes the file.

    Raises:
        ConnectorError: the remediation does not fit the example.
    """
    changes = remediation.content
    if example.form != "host" or not isinstance(example.content, dict):
        raise ConnectorError(f"files can be written over an example of the form host, not {example.form}")
    if remediation.form != "files" or not isinstance(changes, dict):
        raise ConnectorError(f"the linux connector applies remediations of the form files, not {remediation.form}")
    content = copy.deepcopy(example.content)
    files = content.setdefault("files", {})
    for path, change in changes.items():
        if change is None:
            files.pop(path, None)
        else:
            files[path] = _changed(files.get(path), change, path)
    return content


def _changed(before: Any, change: Any, path: str) -> Any:
    """Return one file after a change."""
    old = dict(before) if isinstance(before, dict) else {} if before is None else {"content": before}
    if isinstance(change, str):
        return {**old, "content": change}
    if not isinstance(change, dict) or change.keys() - {"append", "content", "mode", "uid", "gid", "kind", "link"}:
        raise ConnectorError(
            f"files: {path}: a change is a text, null, or a mapping of append, content, mode, uid, gid"
        )
    new = {**old, **{key: value for key, value in change.items() if key != "append"}}
    if "append" in change:
        content = str(new.get("content", ""))
        gap = "\n" if content and not content.endswith("\n") else ""
        new["content"] = content + gap + str(change["append"])
    return new
