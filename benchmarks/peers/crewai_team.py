"""The workflow with CrewAI: three agents and three tasks in sequence, each task given what the last one made.

Nothing is kept but the newest outputs of tasks, from which a crew can be replayed task by task; the calls of an agent
are not written down. Telemetry is off, and so are tracing and the printing of each step.
"""

from __future__ import annotations

from typing import Any

import stage
from crewai import Agent, BaseLLM, Crew, Process, Task
from crewai.tools import tool
from stage import AGENTS, PROMPT, TASK, decide, imported, measure, options, run

IMPORTED = imported()


class InstantLLM(BaseLLM):
    """Says what `decide` says; its calls of tools are native ones."""

    def call(self, messages: Any, tools: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Answer at once."""
        task = next(message["content"] for message in messages if message["role"] == "user")
        said = decide(task, [str(message["content"]) for message in messages if message["role"] == "tool"])
        if isinstance(said, str):
            return said
        name, arguments = said
        return [{"id": f"call-{len(messages)}", "function": {"name": name, "arguments": arguments}}]

    def supports_function_calling(self) -> bool:
        """Tools are called natively, not by way of text."""
        return True

    def supports_stop_words(self) -> bool:
        """Nothing stops it."""
        return False

    def get_input_tokens_count(self, *args: Any, **kwargs: Any) -> int:
        """Count at once; CrewAI would otherwise warn at each call that it has to guess."""
        return 10


async def main() -> None:
    """Measure."""
    chosen = options()
    tools = [tool("add")(stage.add), tool("lookup")(stage.lookup)]
    model = InstantLLM(model="instant")
    team = [
        Agent(role=name, goal=PROMPT, backstory="You count.", llm=model, tools=tools, verbose=False) for name in AGENTS
    ]
    tasks: list[Task] = []
    for agent in team:
        description = "Count one further." if tasks else f"Count one further. {TASK}"
        tasks.append(Task(description=description, expected_output="The name of a number", agent=agent))
    crew = Crew(agents=team, tasks=tasks, process=Process.sequential, verbose=False)

    async def execute() -> str:
        return (await crew.akickoff()).raw

    await measure(execute, import_ms=IMPORTED, runs=chosen.runs)


if __name__ == "__main__":
    run(main())
