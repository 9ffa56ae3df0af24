"""The system-wide cryptography policy (RHEL family, SUSE) and FIPS mode."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from xspm.connectors.linux import configuration
from xspm.connectors.linux.kernel_parameters import running
from xspm.connectors.linux.records import settings
from xspm.connectors.linux.transport import Needs
from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.connectors.linux.transport import Source
    from xspm.model.asset import Problem, Resource


class CryptoPolicy(ResourceType, frozen=True, kw_only=True):
    """The host's cryptography policy."""

    TYPE: ClassVar[str] = "linux.crypto_policy"

    installed: Maybe[bool]
    """Whether crypto-policies are installed."""
    configured: Maybe[str | None]
    """Configured policy without its modules: `DEFAULT`, `FUTURE`, `FIPS`, `LEGACY`; null where not installed."""
    modules: Maybe[list[str]]
    """Modules that change the policy, in order: `NO-SHA1`."""
    applied: Maybe[str | None]
    """Policy with modules that programs were last configured from; null where that is not told."""
    fips_enabled: Maybe[bool]
    """Whether the running kernel is in FIPS mode."""


_CONFIG: Final = "/etc/crypto-policies/config"
_APPLIED: Final = "/etc/crypto-policies/state/current"

TYPES: Final = (CryptoPolicy,)
NEEDS: Final = Needs(texts=(_CONFIG, _APPLIED, "/proc/sys/crypto/fips_enabled"))


def collect(source: Source) -> Iterator[Resource | Problem]:
    """Read the configured and the applied policy."""
    config, applied = source.text(_CONFIG), source.text(_APPLIED)
    fips = running(source, "crypto.fips_enabled")
    words = _words(config)
    state = _words(applied)
    yield settings(
        CryptoPolicy(
            installed=config is not None,
            configured=words if isinstance(words, Unknown) else words[0] if words else None,
            modules=words if isinstance(words, Unknown) else words[1:],
            applied=state if isinstance(state, Unknown) else ":".join(state) or None,
            fips_enabled=fips if isinstance(fips, Unknown) else fips == "1",
        ),
        _CONFIG if isinstance(config, str) else None,
    )


def _words(text: Maybe[str | None]) -> Maybe[list[str]]:
    """Return a policy's name and modules."""
    if isinstance(text, Unknown):
        return text
    line = next(iter(configuration.lines(text or "")), None)
    return line.text.split(":") if line else []
