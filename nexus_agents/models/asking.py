"""One question to a model server about itself, in JSON, with little patience."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlsplit

__all__ = ["ask", "entries"]

LARGEST = 4_000_000
"""Bytes of an answer that are read: a list of models is far smaller."""


def ask(base: str, path: str, *, timeout: float, body: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
    """Return the JSON object that a server answers, or None where it does not.

    Args:
        base: Its address, for instance http://127.0.0.1:11434.
        path: What is asked for, with its slash.
        timeout: Seconds, for each wait on the network.
        body: What is posted; a GET without.
    """
    address = urlsplit(base)
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = kind(address.hostname or "127.0.0.1", address.port, timeout=timeout)
    try:
        data = json.dumps(body) if body is not None else None
        headers = {"Content-Type": "application/json"} if data else {}
        connection.request("POST" if data else "GET", address.path.rstrip("/") + path, data, headers)
        response = connection.getresponse()
        answer: Any = json.loads(response.read(LARGEST)) if response.status == 200 else None
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return cast("dict[str, Any]", answer) if isinstance(answer, dict) else None


def entries(answer: Mapping[str, Any] | None, key: str) -> list[dict[str, Any]]:
    """Return the objects of a list in an answer; none where it has no such list."""
    listed: Any = (answer or {}).get(key)
    items = cast("list[Any]", listed) if isinstance(listed, list) else []
    return [cast("dict[str, Any]", item) for item in items if isinstance(item, dict)]
