"""The workflow with Microsoft Agent Framework, each agent given what the last one said.

Variants: `chain` calls three agents one after the other; `workflow` has them in a `SequentialBuilder`. Nothing is kept:
a run that is cut off begins anew (where a storage is given a workflow is checkpointed at its supersteps, here an agent
each; the calls of an agent are not written down). The client has the layers that the framework's own clients have:
calls of functions, middleware, telemetry (which is off).
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

from agent_framework import (
    Agent,
    BaseChatClient,
    ChatMiddlewareLayer,
    ChatResponse,
    Content,
    FunctionInvocationLayer,
    Message,
)
from agent_framework.observability import ChatTelemetryLayer
from agent_framework.orchestrations import SequentialBuilder
from stage import AGENTS, PROMPT, TASK, add, decide, imported, lookup, measure, options, run

IMPORTED = imported()


class InstantClient(FunctionInvocationLayer, ChatMiddlewareLayer, ChatTelemetryLayer, BaseChatClient):
    """Says what `decide` says."""

    def _inner_get_response(
        self, *, messages: Sequence[Message], stream: bool, options: Mapping[str, Any], **kwargs: Any
    ) -> Awaitable[ChatResponse]:
        async def answer() -> ChatResponse:
            await self._validate_options(options)
            # What the agent before it has called comes along with what it said.
            asked = max(place for place, message in enumerate(messages) if message.text)
            contents = [content for message in messages[asked + 1 :] for content in message.contents]
            results = [str(content.result) for content in contents if content.type == "function_result"]
            said = decide(messages[asked].text, results)
            if isinstance(said, str):
                content: Any = Content.from_text(said)
            else:
                content = Content.from_function_call(f"call-{len(messages)}", said[0], arguments=said[1])
            return ChatResponse(messages=[Message(role="assistant", contents=[content])])

        return answer()


async def main() -> None:
    """Measure."""
    chosen = options("chain", "workflow")
    team = [Agent(InstantClient(), PROMPT, name=name, tools=[add, lookup]) for name in AGENTS]

    async def chain() -> str:
        text = TASK
        for agent in team:
            text = (await agent.run(text)).text
        return text

    async def workflow() -> str:
        # A workflow keeps the conversations of its agents: one that is run again would go on with the last one's.
        built = SequentialBuilder(participants=team, chain_only_agent_responses=True).build()
        return (await built.run(TASK)).get_outputs()[-1].text

    await measure(chain if chosen.variant == "chain" else workflow, import_ms=IMPORTED, runs=chosen.runs)


if __name__ == "__main__":
    run(main())
