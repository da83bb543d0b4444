"""Which step of a script comes next.

In order: each call takes the next step. That is for a model that is handed to something by the lines of a test.

By transcript: the step follows from the conversation alone, so that a process that was killed and started again goes
on where it was, and one file can script a whole team. A role has conversations; the first whose `when` is found in the
first message of a person is taken. The next step is the one after the newest answer of the script that stands in the
messages (each answer bears its number in its `response_metadata`), plus the answers after it that bear none. A step
whose fault is raised leaves nothing in the messages: such steps belong to the answer that follows them, and are met,
once each in a process, before it is given.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from nexus_agents.core.errors import NexusError
from nexus_agents.models.scripted.steps import Step, StepLike, as_step

__all__ = ["MARK", "Conversation", "Place", "Script", "ScriptEnded"]

MARK = "script"
"""Key in `response_metadata` under which an answer bears its place."""


class ScriptEnded(NexusError):
    """More was asked of a scripted model than its script says.

    Args:
        message: Whose script has ended.
        hint: How the request ended.
        request: The whole request, for whoever mends the script.
    """

    def __init__(self, message: str, hint: str, request: str) -> None:
        super().__init__(message, hint)
        self.request = request

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}\nThe request was:\n{self.request}"


@dataclass(frozen=True)
class Conversation:
    """The steps of one conversation of a role.

    Attributes:
        name: What the script calls it; its number where it has no `when`.
        steps: What is said, in order.
        when: A regular expression for the first message of a person; empty for any.
    """

    name: str
    steps: Sequence[StepLike]
    when: str = ""


@dataclass(frozen=True)
class Place:
    """Where in a script a step stands.

    Attributes:
        role: Who says it.
        conversation: In which conversation.
        step: Its number, counted from 0.
    """

    role: str
    conversation: str
    step: int

    def __str__(self) -> str:
        where = f"{self.role}, conversation {self.conversation}" if self.conversation else self.role
        return f"{where}, step {self.step + 1}"


class Script:
    """The steps of one role, and which of them were taken.

    Args:
        role: Whose steps these are.
        conversations: One or more.
        in_order: Whether each call takes the next step of the first conversation, whatever the messages say.
        served: A file in which every step that is taken leaves a line, for a check over several processes.
    """

    def __init__(
        self, role: str, conversations: Sequence[Conversation], *, in_order: bool, served: Path | None = None
    ) -> None:
        self._role = role
        self._conversations = conversations
        self._in_order = in_order
        self._log = served
        self._taken: set[Place] = set()
        self._next = 0
        self._attempts: Counter[tuple[str, int]] = Counter()

    def take(self, messages: Sequence[BaseMessage], request: str) -> tuple[Step | BaseException, Place]:
        """Return the step that answers these messages.

        Args:
            messages: The conversation until now.
            request: The request in words, for the error.

        Raises:
            ScriptEnded: There is no such step.
        """
        conversation = self._conversation(messages, request)
        number = self._next if self._in_order else self._number(conversation, messages)
        if number >= len(conversation.steps):
            last = messages[-1] if messages else None
            said = " ".join(last.text.split())[:200] if last else ""
            raise ScriptEnded(
                f"The script of {self._role!r} ends after {len(conversation.steps)} steps, and one more is asked for.",
                f"Add a step for what was asked: {last.type if last else 'nothing'}: {said}",
                request,
            )
        self._next = number + 1
        said = conversation.steps[number]
        if callable(said) and not isinstance(said, type):
            said = cast("Callable[[Sequence[BaseMessage]], StepLike]", said)(messages)
        place = Place(self._role, conversation.name, number)
        self._note(place)
        return said if isinstance(said, BaseException) else as_step(cast("StepLike", said)), place

    def left(self) -> list[Place]:
        """Return the steps that were not taken: by this model, or, with a file of what was served, by any process."""
        logged: set[Place] = _read_log(self._log) if self._log else set()
        taken = self._taken | logged
        every = [
            Place(self._role, conversation.name, number)
            for conversation in self._conversations
            for number in range(len(conversation.steps))
        ]
        return [place for place in every if place not in taken]

    def _conversation(self, messages: Sequence[BaseMessage], request: str) -> Conversation:
        task = next((message.text for message in messages if isinstance(message, HumanMessage)), "")
        found = next((one for one in self._conversations if not one.when or re.search(one.when, task)), None)
        if found is None:
            raise ScriptEnded(
                f"The script of {self._role!r} has no conversation for what is asked.",
                f"None of its `when` is found in: {' '.join(task.split())[:200]}",
                request,
            )
        return found

    def _number(self, conversation: Conversation, messages: Sequence[BaseMessage]) -> int:
        answered = self._answered(conversation, messages)
        answers = [number for number, said in enumerate(conversation.steps) if not _raises(said)]
        first = answers[answered - 1] + 1 if 0 < answered <= len(answers) else 0
        if answered > len(answers):
            return len(conversation.steps)
        until = answers[answered] if answered < len(answers) else len(conversation.steps)
        attempt = self._attempts[conversation.name, answered]
        self._attempts[conversation.name, answered] += 1
        return min(first + attempt, until)

    def _answered(self, conversation: Conversation, messages: Sequence[BaseMessage]) -> int:
        answered = 0
        for message in messages:
            if not isinstance(message, AIMessage):
                continue
            mark = cast("Mapping[str, Any] | None", message.response_metadata.get(MARK))
            if mark is None:
                answered += 1
            elif (mark.get("role"), mark.get("conversation")) == (self._role, conversation.name):
                answered = 1 + sum(not _raises(said) for said in conversation.steps[: int(mark.get("step", 0))])
        return answered

    def _note(self, place: Place) -> None:
        self._taken.add(place)
        if self._log:
            line = {"role": place.role, "conversation": place.conversation, "step": place.step, "pid": os.getpid()}
            with self._log.open("a", encoding="utf-8") as log:
                # One write of a line this short is not torn by another process.
                log.write(json.dumps(line) + "\n")


def _raises(said: StepLike) -> bool:
    return isinstance(said, BaseException) or (isinstance(said, Step) and said.raises)


def _read_log(path: Path) -> set[Place]:
    if not path.exists():
        return set()
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {Place(line["role"], line["conversation"], line["step"]) for line in lines}
