"""The system-wide cryptography policy (RHEL family, SUSE) and FIPS mode."""

from __future__ import annotations

from typing import ClassVar

from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe


class CryptoPolicy(ResourceType, frozen=True, kw_only=True):
    """The host's cryptography policy."""

    TYPE: ClassVar[str] = "linux.crypto_policy"

    installed: Maybe[bool]
    """Whether crypto-policies are installed."""
    configured: Maybe[str | None]
    """Policy that is configured: `DEFAULT`, `FUTURE`, `FIPS`, `LEGACY`, without its modules; null where not installed."""
    modules: Maybe[list[str]]
    """Modules that change the policy, in order: `NO-SHA1`."""
    applied: Maybe[str | None]
    """Policy the programs' configuration was last generated from; null where that is not told."""
    fips_enabled: Maybe[bool]
    """Whether the running kernel is in FIPS mode."""
