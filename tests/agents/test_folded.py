"""What is known of a growing conversation is the same as if all of it were looked at each time."""

from __future__ import annotations

import random

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from nexus_agents.agents.folded import Folded
from nexus_agents.agents.middleware.repair import Repair, complete


def test_only_what_is_new_is_looked_at() -> None:
    looked: list[int] = []

    def add(total: int, place: int, message: BaseMessage) -> int:
        looked.append(place)
        return total + len(message.text)

    letters = Folded(int, add)
    talk: list[BaseMessage] = [HumanMessage("ab"), AIMessage("c")]
    assert letters.of(talk) == 3
    assert letters.of([*talk, HumanMessage("d")]) == 4
    assert looked == [0, 1, 2]
    # A shorter one, and one with another message in the middle, are others.
    assert letters.of(talk[:1]) == 2
    assert letters.of([talk[0], AIMessage("cc"), talk[1]]) == 5
    assert letters.of([talk[0], AIMessage("c"), talk[1]]) == 4


def test_calls_without_a_result_are_found_wherever_they_are() -> None:
    dice = random.Random(5)
    for _ in range(200):
        repair = Repair(None, "a")  # type: ignore[arg-type]
        talk: list[BaseMessage] = []
        for _ in range(12):
            ids = dice.choices("abc", k=dice.randrange(3))
            calls = [{"name": "t", "args": {}, "id": each, "type": "tool_call"} for each in dict.fromkeys(ids)]
            more = [
                AIMessage("x", tool_calls=calls),
                HumanMessage("y"),
                ToolMessage("z", tool_call_id=dice.choice("abc")),
            ]
            talk.append(dice.choices(more, weights=(3, 1, 6))[0])
            found = repair._completed(talk)
            assert [one.text for one in found] == [one.text for one in complete(talk)]
