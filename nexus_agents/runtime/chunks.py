"""What models say, piece by piece, as events to be shown; imports LangChain."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from langchain_core.callbacks import BaseCallbackHandler
from langgraph.constants import TAG_NOSTREAM

from nexus_agents.core.events import TextChunk

if TYPE_CHECKING:
    from uuid import UUID

    from langchain_core.messages import BaseMessage
    from langchain_core.outputs import ChatGenerationChunk, GenerationChunk

__all__ = ["Chunks"]

T = TypeVar("T")


class Chunks(BaseCallbackHandler):
    """Shows each piece of text as the model says it, those of agents inside agents included.

    LangGraph's stream of messages would also look through all that goes into each node and comes out of it, for
    messages that are no news here: with a long conversation that is most of what a step costs beside the agent itself.

    Args:
        show: Called with each chunk.
        graph: Who speaks where a model is called outside of all agents and nodes.
    """

    run_inline = True
    """In the order in which the model speaks, and before whatever follows from it."""

    ignore_chain = True  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]
    ignore_agent = True  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]
    ignore_retriever = True  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]

    def __init__(self, show: Callable[[TextChunk], None], graph: str) -> None:
        self._show = show
        self._graph = graph
        self._speakers: dict[UUID, str] = {}

    def on_chat_model_start(
        self,
        serialized: dict[str, Any],
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Note who speaks, unless nobody shall hear it."""
        if TAG_NOSTREAM in (tags or ()):
            return
        told = metadata or {}
        # A graph inside a tool inherits the name of the agent that called it: only its own loop speaks by that.
        node = told.get("langgraph_node")
        speaker = told.get("lc_agent_name" if node == "model" else "nexus_role") or node or self._graph
        self._speakers[run_id] = str(speaker)

    def on_llm_new_token(
        self,
        token: str | list[str | dict[str, Any]],
        *,
        chunk: GenerationChunk | ChatGenerationChunk | None = None,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        **kwargs: Any,
    ) -> None:
        """Show a piece of text."""
        speaker = self._speakers.get(run_id)
        text = getattr(getattr(chunk, "message", None), "text", "")
        if speaker and text:
            self._show(TextChunk(agent=speaker, text=str(text)))

    def on_llm_end(self, *args: Any, run_id: UUID, **kwargs: Any) -> None:
        """Forget who spoke."""
        self._speakers.pop(run_id, None)

    def on_llm_error(self, *args: Any, run_id: UUID, **kwargs: Any) -> None:
        """Forget who spoke."""
        self._speakers.pop(run_id, None)

    # A model streams for a handler that has these two (langchain_core.tracers._streaming, a protocol).

    def tap_output_aiter(self, run_id: UUID, output: AsyncIterator[T]) -> AsyncIterator[T]:
        """Leave what comes out of a runnable as it is."""
        return output

    def tap_output_iter(self, run_id: UUID, output: Iterator[T]) -> Iterator[T]:
        """Leave what comes out of a runnable as it is."""
        return output
