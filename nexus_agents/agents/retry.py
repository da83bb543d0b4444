"""Transient faults are met again, with growing pauses; everything else is not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from nexus_agents.core.errors import BackendDown, ConfigError, NexusError
from nexus_agents.core.events import Retried

if TYPE_CHECKING:
    from nexus_agents.core.ports import Kit

__all__ = ["is_transient", "with_retries"]

T = TypeVar("T")

STATUSES = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
NAMES = frozenset({"TransportError", "APIConnectionError", "APITimeoutError", "ConnectError"})
"""Faults of the HTTP clients that providers use, by name, since no client is imported here."""


def is_transient(error: BaseException) -> bool:
    """Return whether the same call may succeed a moment later: a timeout, a lost connection, 408, 429 or 5xx."""
    status = getattr(error, "status_code", None) or getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(status, int):
        return status in STATUSES
    if isinstance(error, NexusError):
        return False
    if isinstance(error, ConnectionError | TimeoutError | asyncio.TimeoutError):
        return True
    return any(kind.__name__ in NAMES for kind in type(error).__mro__)


async def with_retries(call: Callable[[], Awaitable[T]], *, what: str, kit: Kit, attempts: int | None = None) -> T:
    """Await a call, again after transient faults; each pause is an event.

    Args:
        call: Makes the call.
        what: What is called, for messages.
        kit: What wiring put together for this run.
        attempts: How often at most; as agents.yaml says by default.

    Raises:
        BackendDown: The last attempt met a transient fault too.
        ConfigError: The server refused the call (a wrong key, an unknown model).
    """

    async def tell(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        wait = state.next_action.sleep if state.next_action else 0.0
        await kit.recorder.emit(
            Retried(what=what, attempt=state.attempt_number, wait=round(wait, 2), reason=_reason(error))
        )

    async def once() -> T:
        return await call()

    retrying = AsyncRetrying(
        stop=stop_after_attempt(attempts or kit.config.retries),
        wait=wait_exponential_jitter(initial=0.5, max=20, jitter=0.5),
        retry=retry_if_exception(is_transient),
        before_sleep=tell,
        reraise=True,
    )
    try:
        return await retrying(once)
    except Exception as error:
        if is_transient(error):
            raise BackendDown(
                f"{what} does not answer: {_reason(error)}",
                "Check the server or the network, then run: nexus resume. Nothing that was finished is lost.",
            ) from error
        if isinstance(getattr(error, "status_code", None), int):
            raise ConfigError(
                f"{what} refused the call: {_reason(error)}",
                "Check the key and the model's name; `nexus doctor` shows which model is used and why.",
            ) from error
        raise


def _reason(error: BaseException | None) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:200]}" if text else type(error).__name__
