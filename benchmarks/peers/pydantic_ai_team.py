"""The workflow with pydantic-ai: three agents called one after the other, as its pages on several agents advise.

The model is its own `FunctionModel`. Nothing is kept: a run that is cut off begins anew (its durable execution stands
on servers or libraries beside it: Temporal, DBOS, Prefect, Restate).
"""

from __future__ import annotations

from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart, ToolReturnPart, UserPromptPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from stage import AGENTS, PROMPT, TASK, add, decide, imported, lookup, measure, options, run

IMPORTED = imported()


async def instant(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
    """Say what `decide` says."""
    parts = [part for message in messages for part in message.parts]
    task = next(str(part.content) for part in parts if isinstance(part, UserPromptPart))
    said = decide(task, [str(part.content) for part in parts if isinstance(part, ToolReturnPart)])
    return ModelResponse(parts=[TextPart(said) if isinstance(said, str) else ToolCallPart(said[0], said[1])])


async def main() -> None:
    """Measure."""
    chosen = options()
    team = [Agent(FunctionModel(instant), name=name, instructions=PROMPT, tools=[add, lookup]) for name in AGENTS]

    async def execute() -> str:
        text = TASK
        for agent in team:
            text = (await agent.run(text)).output
        return text

    await measure(execute, import_ms=IMPORTED, runs=chosen.runs)


if __name__ == "__main__":
    run(main())
