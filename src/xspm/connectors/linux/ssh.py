"""A host over ssh: one script, one round trip, everything else is worked out here.

Nothing is installed or written there. The host's key must be known; logins are by key, agent or certificate;
`ssh_config`, `ProxyJump` included, holds as for `ssh` itself. What the first trip did not foresee, such as a file that
a configuration includes from elsewhere, is brought by a few more.
"""

from __future__ import annotations

import asyncio
import getpass
import os
import secrets
import shlex
import socket
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

import msgspec

from xspm.connectors.linux.capture import Capture, CaptureSource
from xspm.connectors.linux.collecting import needs, snapshot
from xspm.connectors.linux.script import commands_of, make
from xspm.errors import ConnectorError

if TYPE_CHECKING:
    from collections.abc import Callable

    import asyncssh

    from xspm.connector import Options
    from xspm.connectors.linux.transport import Needs
    from xspm.model.asset import Snapshot

OUTPUT_LIMIT: Final = 256 * 1024 * 1024
"""Bytes that a host may send."""
_MORE_TRIPS: Final = 4
"""Round trips for what the one before did not foresee: links that lead to links, files that name files."""
_INSTALL: Final = "pip install 'xspm[ssh]'"


class Address(msgspec.Struct, frozen=True):
    """Where to log in."""

    host: str
    port: int | None
    user: str | None

    @property
    def shown(self) -> str:
        """The host and the port as they were given: what tells two targets apart, whatever they call themselves."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"


def parse_target(target: str) -> Address:
    """Read `ssh://[USER@]HOST[:PORT]`.

    Raises:
        ConnectorError: it is not written so.
    """
    form = "write ssh://[USER@]HOST[:PORT]"
    try:
        parts = urlsplit(target)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ConnectorError(f"not an ssh address: {error}", hint=form) from error
    if parts.password is not None:
        raise ConnectorError("a password does not belong into an address", hint="log in by key or agent")
    if not host or parts.path.strip("/") or parts.query or parts.fragment or host.startswith("-"):
        raise ConnectorError("not an ssh address", hint=form)
    if any(character.isspace() or not character.isprintable() for character in unquote(target)):
        raise ConnectorError("an ssh address has no blanks or control characters", hint=form)
    return Address(host, port, unquote(parts.username) if parts.username else None)


def capture(target: str, options: Options, progress: Callable[[str], None]) -> Snapshot:
    """Read a host over ssh.

    Raises:
        ConnectorError: it could not be reached, or would not run the script.
    """
    address = parse_target(target)
    try:
        import asyncssh  # noqa: F401, PLC0415 - an extra, and slow to import
    except ImportError as error:
        raise ConnectorError("hosts over ssh need asyncssh, which is not installed", hint=_INSTALL) from error
    return asyncio.run(_read(address, options, progress))


async def _read(address: Address, options: Options, progress: Callable[[str], None]) -> Snapshot:
    """Log in and collect, all within the time that is given."""
    try:
        async with asyncio.timeout(options.timeout):
            progress(f"connecting to {address.host}")
            connection = await _connect(address, options)
            try:
                return await _collect(connection, address, options, progress)
            finally:
                connection.abort()
    except TimeoutError as error:
        message = f"{address.host}: no answer in {options.timeout:g} s"
        raise ConnectorError(message, hint="a longer --timeout gives it more time") from error


async def _collect(
    connection: asyncssh.SSHClientConnection, address: Address, options: Options, progress: Callable[[str], None]
) -> Snapshot:
    """Run the script, and run it again for what it did not foresee."""
    held = Capture(needs())
    progress("collecting")
    await _run(connection, held, held.needs, options)
    source = CaptureSource(held)
    found = snapshot(source, progress, fallback=address.shown, identity=f"ssh:{address.shown}")
    for _ in range(_MORE_TRIPS if options.collector is None else 0):
        missed = source.missed
        if missed is None or missed in held.needs:
            break
        progress("collecting what configuration files name")
        held.needs.append(missed)
        await _run(connection, held, [missed], options)
        source = CaptureSource(held)
        found = snapshot(source, progress, fallback=address.shown, identity=f"ssh:{address.shown}")
    return found


async def _connect(address: Address, options: Options) -> asyncssh.SSHClientConnection:
    """Log in.

    Raises:
        ConnectorError: with the reason in one line.
    """
    import asyncssh  # noqa: PLC0415

    given: dict[str, Any] = {
        "port": address.port,
        "username": address.user,
        "known_hosts": options.known_hosts,
        "config": [options.ssh_config] if options.ssh_config else None,
        "client_keys": [options.identity] if options.identity else None,
        "login_timeout": options.timeout,
        "keepalive_interval": 15,
    }
    # What is not given must not be passed: for asyncssh, known_hosts=None would mean that any key is welcome.
    arguments = {name: value for name, value in given.items() if value is not None}
    _refuse_unreadable(address, options)
    where = f"{address.user or getpass.getuser()}@{address.host}"
    try:
        return await asyncssh.connect(address.host, **arguments)
    except asyncssh.HostKeyNotVerifiable as error:
        reason = _key_reason(address, options)
        raise ConnectorError(f"{address.host}: {reason}", hint=_key_hint(address, reason)) from error
    except asyncssh.PermissionDenied as error:
        hint = "give a key with --identity, or load it into ssh-agent"
        raise ConnectorError(f"{where}: login refused", hint=hint) from error
    except asyncssh.ConfigParseError as error:
        raise ConnectorError(f"{address.host}: {error}", hint="see --ssh-config") from error
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        named = f"{error}: {options.identity}" if options.identity else str(error)
        raise ConnectorError(f"{address.host}: {named}", hint="see --ssh-config and --identity") from error
    except asyncssh.Error as error:
        raise ConnectorError(f"{address.host}: {error.reason}") from error
    except socket.gaierror as error:
        raise ConnectorError(f"{address.host}: no such host name") from error
    except TimeoutError:
        raise
    except ValueError as error:
        # What asyncssh says of a known_hosts file that it cannot make sense of.
        hint = "see --known-hosts, --ssh-config and --identity"
        raise ConnectorError(f"{address.host}: {error}", hint=hint) from error
    except OSError as error:
        if error.filename is not None:
            named = f"{(error.strerror or str(error)).lower()}: {error.filename}"
            raise ConnectorError(f"{address.host}: {named}", hint="see --identity and --ssh-config") from error
        reason = "connection refused" if isinstance(error, ConnectionRefusedError) else (error.strerror or str(error))
        raise ConnectorError(f"{address.host}: {reason.lower()}") from error


def _refuse_unreadable(address: Address, options: Options) -> None:
    """Refuse a file of the user's that cannot be read by its option: asyncssh says neither which it was nor always why.

    Raises:
        ConnectorError: naming the option and the file.
    """
    given = {
        "--known-hosts": options.known_hosts,
        "--identity": options.identity,
        "--ssh-config": options.ssh_config,
    }
    for option, path in given.items():
        if path is None or os.access(_expand(path), os.R_OK):
            continue
        why = "may not be read" if os.path.lexists(_expand(path)) else "does not exist"
        raise ConnectorError(f"{address.host}: {path} {why}", hint=f"see {option}; without it ssh's own files are used")


def _key_reason(address: Address, options: Options) -> str:
    """Tell a key that is not known from one that is not the known one."""
    import asyncssh  # noqa: PLC0415

    path = options.known_hosts or "~/.ssh/known_hosts"
    try:
        known = asyncssh.read_known_hosts(_expand(path)).match(address.host, "", address.port)
    except (OSError, ValueError):
        return f"its host key is not known: {path} cannot be read"
    if any(known[:2]):
        return f"its host key is not the one in {path}: somebody may be listening in, or the host was set up anew"
    return f"its host key is not known: it is not in {path}"


def _key_hint(address: Address, reason: str) -> str:
    """Return how to mend an unknown key, or one that changed, with which ssh would not log in either."""
    if "is not the one" in reason:
        name = f"[{address.host}]:{address.port}" if address.port not in {None, 22} else address.host
        return f"ask who runs it for the fingerprint; if the new key is right: ssh-keygen -R '{name}', then log in once"
    port = f"-p {address.port} " if address.port else ""
    user = f"{address.user}@" if address.user else ""
    return f"check its fingerprint, then log in once with: ssh {port}{user}{address.host}"


def _expand(path: str) -> str:
    """Return a path with the home folder filled in."""
    from pathlib import Path  # noqa: PLC0415 - only on the way to an error

    return str(Path(path).expanduser())


async def _run(connection: asyncssh.SSHClientConnection, held: Capture, wanted: list[Needs], options: Options) -> None:
    """Run a collector script and take in what it prints.

    Raises:
        ConnectorError: it could not be run, or sent too much.
    """
    import asyncssh  # noqa: PLC0415

    boundary = secrets.token_hex(24)
    if options.collector is None:
        script, commands = make(wanted, boundary)
        command = "sudo -n -- /bin/sh -s" if options.sudo else "/bin/sh -s"
    else:
        script, commands = f"{boundary}\n", commands_of(wanted)
        command = f"sudo -n -- {shlex.quote(options.collector)}"
    try:
        async with connection.create_process(command, encoding=None) as process:
            process.stdin.write(script.encode())
            process.stdin.write_eof()
            errors = asyncio.create_task(_complaint(process.stderr))
            data = await _whole(process.stdout)
            complaint = await errors
    except (asyncssh.Error, OSError) as error:
        raise ConnectorError(f"the connection broke while collecting: {error}") from error
    if not data and options.collector:
        hint = "install the collector of this version anew: xspm connectors permissions linux"
        raise ConnectorError(_collector_reason(options.collector, complaint), hint=hint)
    if not data and options.sudo and complaint:
        raise ConnectorError(f"sudo refused: {complaint}", hint="allow password-less sudo for sh, or leave --sudo out")
    held.read(data, boundary, commands)


def _collector_reason(program: str, complaint: str) -> str:
    """Say in one line why the collector kept on a host printed nothing."""
    if "command not found" in complaint or "No such file" in complaint:
        return f"{program} is not there: {complaint}"
    if "password is required" in complaint or "not allowed" in complaint:
        return f"sudo does not allow this login {program} as it is there: it was changed, or is another version's"
    return f"{program} printed nothing: {complaint or 'it is another version'}"


async def _complaint(stream: asyncssh.SSHReader[bytes]) -> str:
    """Read what was said on standard error to its end, and return the first line that says something."""
    said = b""
    while chunk := await stream.read(4096):
        said = (said + chunk)[:4096]
    lines = (line.strip() for line in said.decode("utf-8", "replace").splitlines())
    return next((line for line in lines if line), "")


async def _whole(stream: asyncssh.SSHReader[bytes]) -> bytes:
    """Read a stream to its end, within the limit."""
    chunks: list[bytes] = []
    size = 0
    while chunk := await stream.read(1 << 18):
        chunks.append(chunk)
        size += len(chunk)
        if size > OUTPUT_LIMIT:
            raise ConnectorError(f"the host sent more than {OUTPUT_LIMIT} bytes")
    return b"".join(chunks)
