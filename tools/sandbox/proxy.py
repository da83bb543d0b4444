"""The one way out of a sandbox: a proxy that connects to named hosts and to no others (RFC 9110, 9.3.6 and 7.6)."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import re
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from nexus_agents.core.errors import BackendDown, ConfigError

__all__ = ["Addresses", "check_domains", "is_allowed", "open_proxy", "public_addresses"]

Addresses = Callable[[str, int], Awaitable[list[str]]]
"""Returns the addresses of a host that may be connected to."""

HEAD_SECONDS = 15.0
CONNECT_SECONDS = 15.0
MOST_CONNECTIONS = 64
LARGEST_HEAD = 64 << 10

_NAME = re.compile(r"(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.?", re.I)
_CONNECT = re.compile(rb"CONNECT ([^\s:\[\]]+):(\d{1,5}) HTTP/1\.[01]")
_PLAIN = re.compile(rb"([A-Z]+) http://([^\s:/\[\]@?#]+)(?::(\d{1,5}))?(/\S*)? HTTP/1\.[01]", re.I)


def check_domains(domains: Sequence[str]) -> None:
    """Refuse what is no name of a host.

    Raises:
        ConfigError: An address, a port or a pattern of another kind stands among them.
    """
    for domain in domains:
        if not _NAME.fullmatch(domain) or _is_address(domain.removeprefix("*.")):
            raise ConfigError(
                f"sandbox.domains: {domain!r} is not the name of a host.",
                'Write names such as pypi.org, or "*.pythonhosted.org" for all below one; no addresses, no ports.',
            )


def is_allowed(host: str, domains: Sequence[str]) -> bool:
    """Return whether a host may be reached: named itself, or below a name with `*.` in front."""
    name = host.lower().rstrip(".")
    if not _NAME.fullmatch(name) or _is_address(name):
        return False
    for domain in domains:
        wanted = domain.lower().rstrip(".")
        if wanted.startswith("*."):
            if name.endswith(wanted[1:]) and name != wanted[2:]:
                return True
        elif name == wanted:
            return True
    return False


async def public_addresses(host: str, port: int) -> list[str]:
    """Look a host up, and leave out addresses of this machine and of networks that are not public."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = dict.fromkeys(str(address[0]) for *_, address in found)
    return [address for address in addresses if _is_public(address)]


@asynccontextmanager
async def open_proxy(
    path: Path, domains: Sequence[str], addresses: Addresses = public_addresses
) -> AsyncGenerator[str]:
    """Listen on a socket in a folder that nobody else may enter; yields its path.

    Args:
        path: Where the socket is made.
        domains: What may be reached.
        addresses: Looks hosts up. A connection goes to what it returns, not to what a second look-up says.

    Raises:
        BackendDown: The socket cannot be made.
    """
    proxy = _Proxy(domains, addresses)
    try:
        server = await asyncio.start_unix_server(proxy.serve, path, limit=LARGEST_HEAD)
    except OSError as error:
        raise BackendDown(
            f"The way out of the sandbox could not be made: {error.strerror}.", "Look at the folder $TMPDIR."
        ) from error
    try:
        yield str(path)
    finally:
        server.close()
        await proxy.aclose()


class _Proxy:
    def __init__(self, domains: Sequence[str], addresses: Addresses) -> None:
        self._domains = domains
        self._addresses = addresses
        self._serving: set[asyncio.Task[None]] = set()

    async def aclose(self) -> None:
        for task in self._serving:
            task.cancel()
        if self._serving:
            await asyncio.wait(self._serving)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            if len(self._serving) > MOST_CONNECTIONS:
                await _refuse(writer, "503 Service Unavailable", "Too many connections at once.")
                return
            await self._answer(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            pass
        except asyncio.CancelledError:
            pass  # the command has ended
        finally:
            self._serving.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), HEAD_SECONDS)
        line, _, rest = head.partition(b"\r\n")
        if tunnel := _CONNECT.fullmatch(line):
            host, port, first = tunnel[1].decode("latin-1"), int(tunnel[2]), b""
        elif plain := _PLAIN.fullmatch(line):
            host, port = plain[2].decode("latin-1"), int(plain[3] or 80)
            first = b"%s %s HTTP/1.1\r\n%s" % (plain[1], plain[4] or b"/", _own_headers(rest))
        else:
            await _refuse(writer, "400 Bad Request", "CONNECT host:port, or a request for http://host/.")
            return
        if not is_allowed(host, self._domains) or not 0 < port < 65536:
            await _refuse(writer, "403 Forbidden", f"{host} is not among sandbox.domains.")
            return
        far = await self._connect(host, port)
        if far is None:
            await _refuse(writer, "502 Bad Gateway", f"{host} has no public address that answers.")
            return
        far_reader, far_writer = far
        try:
            if first:
                far_writer.write(first)
            else:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(_carry(reader, far_writer), _carry(far_reader, writer))
        finally:
            far_writer.close()

    async def _connect(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        with contextlib.suppress(OSError, UnicodeError):
            for address in await self._addresses(host, port):
                with contextlib.suppress(OSError, TimeoutError):
                    return await asyncio.wait_for(asyncio.open_connection(address, port), CONNECT_SECONDS)
        return None


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(65536):
        writer.write(piece)
        await writer.drain()
    with contextlib.suppress(OSError):
        writer.write_eof()


def _own_headers(rest: bytes) -> bytes:
    """Leave out what is said to the proxy; one request a connection, so that no second one goes unread."""
    lines = [line for line in rest.split(b"\r\n") if line]
    kept = [line for line in lines if not line.lower().startswith((b"proxy-", b"connection:"))]
    return b"\r\n".join([*kept, b"Connection: close", b"", b""])


async def _refuse(writer: asyncio.StreamWriter, status: str, why: str) -> None:
    body = f"{why}\n".encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()


def _is_address(name: str) -> bool:
    # `socket` also reads 2130706433, 0x7f.1 and the like as addresses: a name does not end in a number.
    last = name.rstrip(".").rpartition(".")[2]
    return ":" in name or last.isdigit() or last.lower().startswith("0x")


def _is_public(address: str) -> bool:
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address) and (inner := found.ipv4_mapped or found.sixtofour):
        found = inner
    return found.is_global and not found.is_multicast
