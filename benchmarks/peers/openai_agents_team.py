"""The workflow with the OpenAI Agents SDK: three agents run one after the other, as its pages on orchestration advise.

Nothing is kept: a run that is cut off begins anew (its sessions keep what was said between runs, not where a run is;
its durable execution stands on servers or libraries beside it: Temporal, DBOS, Restate). Tracing, which sends runs to
OpenAI, is off.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from agents import Agent, Model, ModelResponse, Runner, Usage, function_tool
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText
from stage import AGENTS, PROMPT, TASK, add, decide, imported, lookup, measure, options, run

IMPORTED = imported()


class InstantModel(Model):
    """Says what `decide` says."""

    async def get_response(
        self, system_instructions: str | None, input: Any, *args: Any, **kwargs: Any
    ) -> ModelResponse:
        """Answer at once."""
        items: list[Any] = [{"role": "user", "content": input}] if isinstance(input, str) else input
        task = next(item["content"] for item in items if item.get("role") == "user")
        said = decide(task, [item["output"] for item in items if item.get("type") == "function_call_output"])
        output: Any
        if isinstance(said, str):
            text = ResponseOutputText(type="output_text", text=said, annotations=[])
            output = ResponseOutputMessage(
                id="message", type="message", role="assistant", status="completed", content=[text]
            )
        else:
            output = ResponseFunctionToolCall(
                id=f"item-{len(items)}",
                call_id=f"call-{len(items)}",
                type="function_call",
                name=said[0],
                arguments=json.dumps(said[1]),
            )
        usage = Usage(requests=1, input_tokens=10, output_tokens=2, total_tokens=12)
        return ModelResponse(output=[output], usage=usage, response_id=None)

    def stream_response(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        """Refuse: nothing here streams."""
        raise NotImplementedError


async def main() -> None:
    """Measure."""
    chosen = options()
    tools = [function_tool(add), function_tool(lookup)]
    team = [Agent(name=name, instructions=PROMPT, model=InstantModel(), tools=tools) for name in AGENTS]

    async def execute() -> str:
        text = TASK
        for agent in team:
            text = (await Runner.run(agent, text)).final_output
        return text

    await measure(execute, import_ms=IMPORTED, runs=chosen.runs)


if __name__ == "__main__":
    run(main())
