"""Model servers on this machine: found by asking loopback ports, quickly and all at once."""

from __future__ import annotations

import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, cast

__all__ = ["LocalServer", "find_servers"]

PORTS = ((11434, "Ollama"), (1234, "LM Studio"), (8080, "llama.cpp"), (8000, "vLLM or transformers serve"))
TIMEOUT = 0.15
"""Seconds: a server on loopback that does not answer in this time is busy or is not one."""


@dataclass(frozen=True)
class LocalServer:
    """An OpenAI-compatible server that answered."""

    kind: str
    base_url: str
    model: str
    """The first model that it lists."""


def find_servers() -> list[LocalServer]:
    """Return the local servers that list at least one model, in the order of preference."""
    with ThreadPoolExecutor(len(PORTS)) as pool:
        return [server for server in pool.map(_ask, *zip(*PORTS, strict=True)) if server]


def _ask(port: int, kind: str) -> LocalServer | None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    try:
        connection.request("GET", "/v1/models")
        response = connection.getresponse()
        body: Any = json.loads(response.read(1_000_000)) if response.status == 200 else {}
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    listed = cast("dict[str, Any]", body).get("data") if isinstance(body, dict) else None
    if not isinstance(listed, list) or not listed:
        return None
    first = cast("list[Any]", listed)[0]
    name = str(cast("dict[str, Any]", first).get("id", "")) if isinstance(first, dict) else ""
    return LocalServer(kind, f"http://127.0.0.1:{port}/v1", name) if name else None
