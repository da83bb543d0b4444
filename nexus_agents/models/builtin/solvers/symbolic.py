"""The first debater: theorems, closed forms and computer algebra, with certificates that another can check."""

from __future__ import annotations

from nexus_agents.core.errors import NexusError
from nexus_agents.core.work import Answer
from nexus_agents.models.builtin.solvers import phrase
from nexus_agents.models.builtin.solvers import symbolic_algebra as equations
from nexus_agents.models.builtin.solvers import symbolic_counting as counting
from nexus_agents.models.builtin.solvers import symbolic_numbers as numbers
from nexus_agents.models.builtin.solvers import tasks as t
from nexus_agents.models.builtin.solvers.tasks import Task

__all__ = ["solve"]


def solve(task: Task) -> Answer:
    """Return the symbolic answer to a task; "no answer" with a reason where there is none.

    It may take long (factorising a large number): `bounded` puts a hard limit on it.
    """
    try:
        return _solve(task)
    except NexusError as error:
        return phrase.abstain("symbolic", error.message)


def _solve(task: Task) -> Answer:
    match task:
        case t.Prime():
            return numbers.prime(task)
        case t.Factorise():
            return numbers.factorise(task)
        case t.Common():
            return numbers.common(task)
        case t.Divisible():
            return numbers.divisible(task)
        case t.Remainder():
            return numbers.remainder(task)
        case t.Arithmetic():
            return numbers.arithmetic(task)
        case t.Comparison():
            return numbers.comparison(task)
        case t.Digits():
            return numbers.digit_task(task)
        case t.Equation():
            return equations.equation(task)
        case t.LinearSystem():
            return equations.system(task)
        case t.Series():
            return counting.series(task)
        case t.Sequence():
            return counting.sequence(task)
        case t.Selection():
            return counting.selection(task)
        case t.Arrangements():
            return counting.arrangements(task)
        case t.Change():
            return counting.change(task)
        case t.Dice():
            return counting.dice(task)
        case t.Flips():
            return counting.flips(task)
        case t.Birthday():
            return counting.birthday(task)
        case t.Counting():
            return counting.counting(task)
        case t.Logic():
            return equations.logic(task)
        case t.Days():
            return equations.days(task)
