from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from target import level_named

from nexus_agents.core.errors import ConfigError, SandboxNeeded
from nexus_agents.core.sandbox import SandboxPolicy
from tools.sandbox import run
from tools.sandbox.levels import Level
from tools.sandbox.proxy import check_domains, is_allowed, open_proxy, public_addresses

NAME = "packages.example.org"

FETCH = """
import os, sys, urllib.request
for address in sys.argv[1:]:
    try:
        with urllib.request.urlopen(address, timeout=5) as page:
            print(page.status, page.read().decode())
    except urllib.error.HTTPError as error:
        print(error.code, error.read().decode().strip())
    except OSError as error:
        print("failed")
"""


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        said = f"{self.path} {self.headers['Host']} {self.headers['Proxy-Connection']}".encode()
        self.server.seen.append(self.path)  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    made = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    made.seen = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


async def here(host: str, port: int) -> list[str]:
    """The name is this machine's: what a public one is, is not for a test to reach."""
    return ["127.0.0.1"] if host == NAME else []


@pytest.fixture
async def proxy(tmp_path: Path) -> AsyncIterator[str]:
    async with open_proxy(tmp_path / "s", [NAME, "*.example.net"], here) as path:
        yield path


async def asked(path: str, request: bytes) -> bytes:
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(request)
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return answer


async def test_a_request_for_a_named_host_is_carried(proxy: str, server: ThreadingHTTPServer) -> None:
    port = server.server_port
    head = f"GET http://{NAME}:{port}/a?b=c HTTP/1.1\r\nHost: {NAME}\r\nProxy-Connection: keep-alive\r\n\r\n"
    answer = await asked(proxy, head.encode())
    assert answer.startswith(b"HTTP/1.0 200")
    assert answer.endswith(f"/a?b=c {NAME} None".encode())


async def test_a_tunnel_to_a_named_host_is_made(proxy: str, server: ThreadingHTTPServer) -> None:
    reader, writer = await asyncio.open_unix_connection(proxy)
    writer.write(f"CONNECT {NAME}:{server.server_port} HTTP/1.1\r\n\r\n".encode())
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    writer.write(b"GET /through HTTP/1.0\r\nHost: x\r\n\r\n")
    assert (await asyncio.wait_for(reader.read(), 5)).endswith(b"/through x None")
    writer.close()


@pytest.mark.parametrize(
    "wanted",
    [
        "example.org",
        "evil.example.com",
        f"{NAME}.evil.com",
        f"evil-{NAME}",
        "example.net",
        "127.0.0.1",
        "2130706433",
        "0x7f.1",
        "localhost",
        "169.254.169.254",
    ],
)
async def test_other_hosts_are_refused(proxy: str, server: ThreadingHTTPServer, wanted: str) -> None:
    for request in (
        f"CONNECT {wanted}:{server.server_port} HTTP/1.1\r\n\r\n",
        f"GET http://{wanted}:{server.server_port}/ HTTP/1.1\r\n\r\n",
    ):
        assert (await asked(proxy, request.encode())).startswith(b"HTTP/1.1 403")
    assert server.seen == []  # type: ignore[attr-defined]


async def test_what_is_no_request_for_a_host_is_refused(proxy: str) -> None:
    for request in (b"GET / HTTP/1.1", b"CONNECT [::1]:80 HTTP/1.1", b"nonsense", b"GET http://a@b/ HTTP/1.1"):
        assert (await asked(proxy, request + b"\r\n\r\n")).startswith(b"HTTP/1.1 400")


async def test_a_name_without_a_public_address_leads_nowhere(proxy: str) -> None:
    assert (await asked(proxy, b"CONNECT a.example.net:443 HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 502")


async def test_this_machine_is_not_public() -> None:
    assert await public_addresses("localhost", 80) == []
    for address in ("127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "::1", "fe80::1", "::ffff:127.0.0.1"):
        assert await public_addresses(address, 80) == [], address
    assert await public_addresses("1.1.1.1", 80) == ["1.1.1.1"]


def test_names_match_as_they_are_written() -> None:
    domains = ["PyPI.org", "*.pythonhosted.org"]
    assert is_allowed("pypi.org", domains)
    assert is_allowed("pypi.org.", domains)
    assert is_allowed("files.PythonHosted.org", domains)
    assert not is_allowed("pythonhosted.org", domains)
    assert not is_allowed("xpypi.org", domains)
    assert not is_allowed("pypi.org@evil.com", domains)


@pytest.mark.parametrize("wrong", ["10.0.0.1", "*", "*.*", "https://pypi.org", "pypi.org:443", "a b", "", "::1"])
def test_settings_that_are_no_names_are_refused(wrong: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_domains([wrong])
    assert "sandbox.domains" in caught.value.message


@pytest.mark.parametrize("column", ["bubblewrap", "landlock"])
async def test_a_command_reaches_what_is_named_and_nothing_else(
    column: str, tmp_path: Path, server: ThreadingHTTPServer
) -> None:
    level = level_named(column)
    if level is None:
        pytest.skip(f"this machine does not have the level {column}")
    (tmp_path / "fetch.py").write_text(FETCH)
    port = server.server_port
    done = await run(
        [sys.executable, "fetch.py", f"http://{NAME}:{port}/named", f"http://other.example.org:{port}/other"],
        tmp_path,
        policy=SandboxPolicy(domains=(NAME,)),
        level=level,
        addresses=here,
    )
    assert done.stdout.splitlines() == [
        f"200 /named {NAME}:{port} None",
        "403 other.example.org is not among sandbox.domains.",
    ], done.stderr
    assert server.seen == ["/named"]  # type: ignore[attr-defined]
    # Past the proxy there is nothing, not even this machine.
    past = "import os\nfor name in [*os.environ]:\n    name.lower().endswith('_proxy') and os.environ.pop(name)\n"
    (tmp_path / "fetch.py").write_text(past + FETCH)
    done = await run(
        [sys.executable, "fetch.py", f"http://127.0.0.1:{port}/past"],
        tmp_path,
        policy=SandboxPolicy(domains=(NAME,)),
        level=level,
        addresses=here,
    )
    assert done.stdout == "failed\n"
    assert server.seen == ["/named"]  # type: ignore[attr-defined]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Landlock is a part of Linux")
async def test_landlock_alone_cannot_keep_a_command_to_hosts(tmp_path: Path) -> None:
    with pytest.raises(SandboxNeeded, match="ports, not hosts"):
        await run(["true"], tmp_path, policy=SandboxPolicy(domains=(NAME,)), level=Level("landlock", namespaces=False))
