"""Threads for spans: none where nobody traces, LangSmith's own where somebody does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import langsmith
import pytest
from langsmith import traceable
from langsmith.run_helpers import tracing_context

from nexus_agents.runtime.tracing import spare_threads


class Counting(ThreadPoolExecutor):
    """Counts what it is given to do."""

    given = 0

    def submit(self, *args: Any, **kwargs: Any) -> Any:
        self.given += 1
        return super().submit(*args, **kwargs)


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    # A run that was worked in this process has made the setting already.
    langsmith.set_runtime_overrides()
    yield
    langsmith.set_runtime_overrides()


@traceable
async def hook(number: int) -> int:
    return number + 1


async def handed_over(enabled: Any) -> int:
    executor = Counting(1)
    asyncio.get_running_loop().set_default_executor(executor)
    # A client without a thread of its own; nothing is sent.
    client = langsmith.Client(api_url="http://127.0.0.1:9", api_key="none", auto_batch_tracing=False)
    with tracing_context(enabled=enabled, client=client):
        assert await hook(1) == 2
    return executor.given


async def test_a_span_that_is_not_sent_takes_no_thread() -> None:
    assert await handed_over(False) == 2
    spare_threads()
    assert await handed_over(False) == 0


async def test_a_span_that_is_kept_takes_its_threads() -> None:
    spare_threads()
    assert await handed_over("local") == 2
