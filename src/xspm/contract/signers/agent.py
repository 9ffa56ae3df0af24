"""Keys that the ssh-agent holds.

An agent signs bytes as they are, with Ed25519 or ECDSA, so its signatures serve here; only OpenSSH's wrapping is taken
off. Security keys (`sk-…`) sign a counter and flags with the bytes, and RSA is not accepted. The agent is asked anew
for each signature and may be locked, restarted or gone by then.

Protocol: https://www.ietf.org/archive/id/draft-ietf-sshm-ssh-agent-05.html
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from xspm.contract.keys import read_public_key
from xspm.contract.signers.interface import PATIENCE, checked
from xspm.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from asyncssh.agent import SSHAgentClient

    from xspm.contract.keys import PublicKey
    from xspm.contract.signers.interface import Passphrase, Signer

_ED25519: Final = "ssh-ed25519"
_ECDSA: Final = "ecdsa-sha2-nistp"
_UNLOCK: Final = "ssh-add -l lists its keys, ssh-add FILE adds one, ssh-add -X unlocks it"
_SHOWN: Final = 5
_LISTING: Final = 5.0
"""Seconds to wait for the list of keys, for which nobody is asked anything."""

_Answer = TypeVar("_Answer")


class _Held(NamedTuple):
    """A key as the agent lists it."""

    algorithm: str
    blob: bytes
    comment: str

    @property
    def fingerprint(self) -> str:
        """As ssh-add -l shows it."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip("=")

    @property
    def shown(self) -> str:
        return f"{self.fingerprint} {self.comment} ({self.algorithm})"

    def usable(self) -> bool:
        return self.algorithm == _ED25519 or self.algorithm in {f"{_ECDSA}{size}" for size in (256, 384, 521)}

    def public(self) -> PublicKey:
        return read_public_key(f"{self.algorithm} {base64.b64encode(self.blob).decode()}")


class AgentSigner:
    """A key in the ssh-agent."""

    def __init__(self, key: PublicKey, held: _Held) -> None:
        self.key = key
        self._held = held

    def sign(self, data: bytes) -> bytes:
        """Have the agent sign.

        Raises:
            ContractError: it does not.
        """
        blob = _ask(lambda agent: agent.sign(self._held.blob, data), "sign", PATIENCE)
        return checked(self.key, _bare(blob), data, "the ssh-agent")


def open_here(where: str, _passphrase: Passphrase) -> Signer:
    """Return the signer for one key of the agent.

    Args:
        where: `agent:`, alone or with a comment, a fingerprint, or a key id as contracts write it.

    Raises:
        ContractError: there is no agent, or not exactly one such key that may sign.
    """
    wanted = where.removeprefix("agent:")
    held = [_Held(*one) for one in _ask(_list, "list its keys", min(_LISTING, PATIENCE))]
    named = [one for one in held if _is(one, wanted)]
    found = {one.blob: one for one in named if one.usable()}
    if len(found) == 1:
        (one,) = found.values()
        return AgentSigner(one.public(), one)
    if found:
        raise ContractError(
            f"the ssh-agent has {len(found)} keys {f'named {wanted!r}' if wanted else 'that could sign'}:"
            f" {_some(list(found.values()))}",
            hint="name one by its fingerprint: agent:SHA256:…",
        )
    if named:
        raise ContractError(
            f"the ssh-agent's key cannot sign here: {_some(named)}",
            hint="accepted are ssh-ed25519 and ecdsa-sha2-nistp256, 384 and 521; neither RSA nor security keys (sk-…)",
        )
    if held:
        raise ContractError(f"the ssh-agent has no key {wanted!r}; it has {_some(held)}", hint=_UNLOCK)
    raise ContractError("the ssh-agent shows no key: it holds none, or is locked", hint=_UNLOCK)


def _is(one: _Held, wanted: str) -> bool:
    if wanted.startswith("sha256:") and one.usable():
        return one.public().id == wanted
    return wanted in {"", one.comment, one.fingerprint}


def _some(held: Sequence[_Held]) -> str:
    rest = len(held) - _SHOWN
    return ", ".join(one.shown for one in held[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


async def _list(agent: SSHAgentClient) -> list[tuple[str, bytes, str]]:
    return [
        (
            pair.algorithm.decode("ascii", "replace"),
            pair.public_data,
            (pair.get_comment_bytes() or b"").decode("utf-8", "replace"),
        )
        for pair in await agent.get_keys()
    ]


def _ask(question: Callable[[SSHAgentClient], Awaitable[_Answer]], what: str, seconds: float) -> _Answer:
    """Ask the agent, and wait only so many seconds.

    Raises:
        ContractError: there is none, or it does not answer.
    """
    try:
        from asyncssh import connect_agent  # noqa: PLC0415 - an extra, and slow to import
    except ImportError as error:
        raise ContractError(
            "the ssh-agent needs asyncssh, which is not installed", hint="pip install 'xspm[ssh]'"
        ) from error
    path = os.environ.get("SSH_AUTH_SOCK")
    if not path:
        raise ContractError("there is no ssh-agent: SSH_AUTH_SOCK is not set", hint='eval "$(ssh-agent)" starts one')

    async def ask() -> _Answer:
        async with asyncio.timeout(seconds), connect_agent(path) as agent:
            return await question(agent)

    try:
        return asyncio.run(ask())
    except TimeoutError as error:
        raise ContractError(f"the ssh-agent gave no answer in {seconds:g} s", file=path, hint=_UNLOCK) from error
    except OSError as error:
        raise ContractError(f"the ssh-agent cannot be reached: {error.strerror or error}", file=path) from error
    except ValueError as error:
        raise ContractError(
            f"the ssh-agent would not {what}: {error}", file=path, hint="it may be locked, or wait for a confirmation"
        ) from error


def _bare(blob: bytes) -> bytes:
    """Take a signature out of OpenSSH's wrapping (RFC 5656 section 3.1.2, RFC 8709 section 6).

    Raises:
        ContractError: it is none.
    """
    from asyncssh.packet import PacketDecodeError, SSHPacket  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature  # noqa: PLC0415

    try:
        outer = SSHPacket(blob)
        algorithm, signature = outer.get_string(), outer.get_string()
        outer.check_end()
        if not algorithm.startswith(_ECDSA.encode()):
            return signature
        inner = SSHPacket(signature)
        r, s = inner.get_mpint(), inner.get_mpint()
        inner.check_end()
        return encode_dss_signature(r, s)
    except (PacketDecodeError, ValueError) as error:
        raise ContractError("the ssh-agent answered with something that is no signature") from error
