"""Container image references taken apart, as the container runtimes do it.

A reference without a registry belongs to Docker Hub, and there one without an organisation to `library`:
https://github.com/distribution/reference/blob/main/normalize.go.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")


class Image(NamedTuple):
    """The parts of an image reference."""

    registry: str
    """Host, with its port if it has one."""
    repository: str
    """Path within the registry."""
    tag: str | None
    digest: str | None
    """`sha256:` and 64 hexadecimal digits; what else stands behind an `@` names no content."""


def parse_image(reference: str) -> Image:
    """Return the parts of a reference; no tag is made up where there is none."""
    rest, _, digest = reference.strip().partition("@")
    first, slash, remainder = rest.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost" or first != first.lower()):
        registry, path = first, remainder
    else:
        registry, path = "docker.io", rest
    if registry == "index.docker.io":
        registry = "docker.io"
    repository, colon, tag = path.rpartition(":")
    if not colon:
        repository, tag = path, ""
    if registry == "docker.io" and "/" not in repository and repository:
        repository = f"library/{repository}"
    return Image(registry, repository, tag or None, digest if _DIGEST.fullmatch(digest) else None)
