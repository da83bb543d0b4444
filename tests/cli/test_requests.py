"""Applications asked for in other words: built, tested, and started by the command that is printed."""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

REQUESTS = {
    "an app for rooms and bookings: a room has a number; "
    "a booking has a guest name, start date and belongs to a room": {
        "/rooms": {"number": "12"},
        "/bookings": {"guest_name": "Ada", "start_date": "2026-03-01", "room_id": 1},
    },
    "make a REST API for books with title, isbn (unique) and published date": {
        "/books": {"title": "Emma", "isbn": "9780141439587", "published_date": "1815-12-23"},
    },
    "create an invoice service with number, amount and due date": {
        "/invoices": {"number": "A-1", "amount": "12.50", "due_date": "2026-03-01"},
    },
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.slow  # what is made of any request is checked by tests/models/builtin/scaffold
@pytest.mark.parametrize(
    "request_text",
    REQUESTS,
    ids=["relation", "unique", "date"],
)
def test_application(nexus: Any, here: Path, request_text: str) -> None:
    done = nexus("run", "--json", "--yes", request_text, "-w", "w", timeout=120)
    assert done.rc == 0, done.out[-3000:]
    finished = json.loads(done.out.splitlines()[-1])
    assert finished["status"] == "done"
    assert "tests passed" in finished["summary"]
    start, test = finished["next"][:2]
    workspace = here / "w"
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("NEXUS", "PYTEST"))}
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"], cwd=workspace, env=clean, capture_output=True, text=True, timeout=120
    )
    assert tested.returncode == 0, tested.stdout
    assert shlex.split(test)[-2:] == ["-m", "pytest"]
    port = free_port()
    assert "uvicorn" in start
    command = f"exec {start.split('&& ')[1]} --port {port}"
    app = subprocess.Popen(["bash", "-c", command], cwd=workspace, env=clean, stderr=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            for _ in range(200):
                try:
                    health = client.get("/health")
                    break
                except httpx.ConnectError:
                    time.sleep(0.05)
            assert health.status_code == 200
            for path, item in REQUESTS[request_text].items():
                made = client.post(f"/api{path}", json=item)
                assert made.status_code == 201, made.text
                assert client.get(f"/api{path}/{made.json()['id']}").json() == made.json()
    finally:
        app.terminate()
        app.wait(10)
