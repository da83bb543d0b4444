"""LangGraph's own suite for checkpointers: every capability there, and every check of it passed."""

from __future__ import annotations

import base64
import os
from collections.abc import AsyncGenerator, Callable

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.conformance import validate
from langgraph.checkpoint.conformance.capabilities import Capability
from langgraph.checkpoint.conformance.initializer import RegisteredCheckpointer

from memory import open_memory

CHECKS = 81

Savers = Callable[[str], AsyncGenerator[BaseCheckpointSaver[str], None]]
"""Makes a saver on a database."""


async def plain(url: str) -> AsyncGenerator[BaseCheckpointSaver[str], None]:
    async with open_memory(url) as memory:
        yield memory.checkpointer


async def encrypted(url: str) -> AsyncGenerator[BaseCheckpointSaver[str], None]:
    pytest.importorskip("cryptography")
    async with open_memory(url, encrypted=True) as memory:
        yield memory.checkpointer


@pytest.mark.parametrize("savers", [plain, encrypted])
async def test_every_capability_is_there_and_passes(url: str, savers: Savers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXUS_MEMORY_KEY", base64.urlsafe_b64encode(os.urandom(32)).decode())
    report = await validate(RegisteredCheckpointer(name=savers.__name__, factory=lambda: savers(url)))
    assert report.results.keys() == {capability.value for capability in Capability}
    assert all(result.detected for result in report.results.values()), "the suite calls it FULL without these"
    assert [failure for result in report.results.values() for failure in result.failures] == []
    assert sum(result.tests_passed for result in report.results.values()) == CHECKS
    assert report.conformance_level() == "FULL"
