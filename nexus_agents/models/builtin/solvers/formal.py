"""From a question in words to a formal task, or to nothing where it is outside what the solvers cover."""

from __future__ import annotations

from nexus_agents.core.errors import NexusError
from nexus_agents.models.builtin.solvers.reading import algebra, counting, days, logic, numbers
from nexus_agents.models.builtin.solvers.reading.text import MAX_QUESTION, clean
from nexus_agents.models.builtin.solvers.tasks import Task

__all__ = ["formalise"]


def formalise(question: str) -> Task | None:
    """Return the formal task that a question asks, or None where it is out of scope.

    Nothing is computed here, only read: an absurdly large number is a task like any other. Questions longer than
    `MAX_QUESTION` characters are out of scope.
    """
    if len(question) > MAX_QUESTION:
        return None
    text = clean(question)
    if not text:
        return None
    for read in (days.read, counting.read, numbers.read, logic.read, algebra.read, numbers.read_arithmetic):
        try:
            task = read(text)
        except NexusError:
            continue
        if task:
            return task
    return None
