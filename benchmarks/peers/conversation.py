"""One long conversation, beside the same one with LangGraph alone: step by step in turn, in one process.

LangGraph's own cost grows with the list of messages, and the speed of a machine changes from second to second. What is
asked is what somebody adds to a step: so the two take their steps in turn, and the difference is taken step by step.
With each step goes a piece of work that is always the same, for comparing one end of the conversation with the other.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable

from chat_model import InstantModel
from langchain.agents import create_agent
from langchain_core.tools import tool
from stage import PROMPT, add

__all__ = ["GO", "Turns", "side_by_side"]

GO = "Go on."
PLAIN, OTHER = 0, 1
SAME = 2000
"""Numbers that are sorted in the piece of work that is always the same; it takes about half a millisecond."""


class Turns:
    """Lets two conversations take their steps in turn; a step is what lies between two calls of the model."""

    def __init__(self) -> None:
        self.spent: tuple[list[float], list[float]] = ([], [])
        self.same: list[float] = []
        self._may = (asyncio.Event(), asyncio.Event())
        self._begun = time.process_time()
        self._alone = False

    async def next(self, who: int) -> None:
        """End a step, let the other take one, and begin the next."""
        self.spent[who].append(1000 * (time.process_time() - self._begun))
        if who == OTHER:
            begun = time.process_time()
            sorted(range(SAME), key=str)
            self.same.append(1000 * (time.process_time() - begun))
        self._may[who].clear()
        self._may[1 - who].set()
        if not self._alone:
            await self._may[who].wait()
        self._begun = time.process_time()

    def leave(self, who: int) -> None:
        """Let the other go on alone."""
        self._alone = True
        self._may[1 - who].set()


async def side_by_side(steps: int, other: Awaitable[object]) -> None:
    """Run both conversations and print the CPU times of their steps, and of what is always the same (ms), as JSON.

    Args:
        steps: How often the tool is called in each.
        other: The conversation to be measured, with a model made by `chat_model.create`.
    """
    turns = InstantModel.turns = Turns()
    agent = create_agent(InstantModel(steps=steps, who=PLAIN), [tool(add)], system_prompt=PROMPT)

    async def plain() -> None:
        await agent.ainvoke({"messages": [("user", GO)]}, {"recursion_limit": 3 * steps})
        turns.leave(PLAIN)

    async def measured() -> None:
        await other
        turns.leave(OTHER)

    await asyncio.gather(plain(), measured())
    print(json.dumps({"plain": turns.spent[PLAIN], "steps": turns.spent[OTHER], "same": turns.same}))
