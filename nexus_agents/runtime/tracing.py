"""Spans for LangSmith that nobody sends cost no thread."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from contextvars import Context

__all__ = ["spare_threads"]


def spare_threads() -> None:
    """Let LangSmith begin and end its spans where they are, unless tracing is on.

    LangChain wraps each hook of a middleware for LangSmith, which begins and ends a span in a thread of its own each,
    whether it is sent or not: half a millisecond for each hook around each call of a model or a tool. This is a setting
    of the process; where somebody has switched tracing on, all is as it was.
    """
    import langsmith
    from langsmith import utils

    # Its declared type has a hole.
    is_on = cast("Callable[[], object]", cast("Any", utils).tracing_is_enabled)

    async def here(
        elsewhere: Callable[..., Awaitable[Any]],
        context: Context,
        work: Callable[..., Any],
        /,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        if is_on():
            return await elsewhere(context, work, *args, **kwargs)
        return context.run(work, *args, **kwargs)

    # Older ones have no such setting, and their own threads.
    if settle := cast("Callable[..., None] | None", getattr(langsmith, "set_runtime_overrides", None)):
        settle(aio_to_thread=here)
