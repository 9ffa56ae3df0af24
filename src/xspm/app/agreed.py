"""A scan under a contract: exactly the policies and exceptions that the parties signed, and nothing from nearby."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xspm.app.exceptions import agreed
from xspm.app.policies import InForce, default_cache
from xspm.app.types import asset_types, resource_types
from xspm.contract.folder import bundle_path, read_bundle
from xspm.errors import ContractError
from xspm.model.verdict import ContractRef
from xspm.policy import loading
from xspm.policy.bundle import MAX_BUNDLE, decode_bundle
from xspm.policy.plan import policies_in_force

if TYPE_CHECKING:
    from xspm.app.trust import Trusted
    from xspm.contract.terms import Bundle
    from xspm.policy.library import Library


def under(trusted: Trusted, now: str, *, cached: bool) -> tuple[InForce, ContractRef]:
    """Return what a scan under a contract works with.

    Args:
        trusted: the contract, verified.
        now: RFC 3339, UTC.
        cached: whether earlier compilations may be used.

    Raises:
        ContractError: the contract has no policies in force, or their bundle is not at hand as it was signed.
        PolicyError, CelError, DocumentError: the bundle is not sound.
    """
    terms = trusted.terms
    if terms.policies is None:
        raise ContractError(
            f"version {terms.version} of the contract has no policies in force",
            file=str(trusted.folder),
            hint="xspm policy bundle, then xspm contract propose --bundle",
        )
    loaded, names = load_bundle(trusted, terms.policies, cached=cached)
    found = agreed(trusted, now)
    degraded = terms.degraded if terms.degraded is not None and terms.degraded.holds(now) else None
    reference = ContractRef(
        name=terms.name,
        version=terms.version,
        digest=trusted.digest,
        root=trusted.root,
        bundle=terms.policies.digest,
        bundle_version=terms.policies.version,
        expires=terms.expires,
        degraded=degraded.reason if degraded else None,
        degraded_until=degraded.until if degraded else None,
        exceptions=found.digests,
        refused=found.refused,
    )
    return InForce(loaded, policies_in_force(loaded, names, ()), found.declared), reference


def load_bundle(trusted: Trusted, bundle: Bundle, *, cached: bool) -> tuple[Library, tuple[str, ...]]:
    """Compile a bundle that the contract names; the names are of its policies in force.

    Raises:
        ContractError: it is not at hand as it was signed.
        PolicyError, CelError, DocumentError: it is not sound.
    """
    data = read_bundle(trusted.folder, bundle.digest, MAX_BUNDLE)
    path = str(bundle_path(trusted.folder, bundle.digest))
    if data is None:
        raise ContractError(
            f"the policies in force, {bundle.digest}, are not at hand", file=path, hint="copy the bundle there"
        )
    read = decode_bundle(data, path)
    return loading.load(
        list(read.folders), resource_types, default_cache() if cached else None, asset_types
    ), read.policies
