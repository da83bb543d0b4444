"""The second debater: enumeration, truth tables and simulation under a budget, honest about what it did not try."""

from __future__ import annotations

from nexus_agents.core.errors import NexusError
from nexus_agents.core.work import Answer
from nexus_agents.models.builtin.solvers import phrase
from nexus_agents.models.builtin.solvers import search_algebra as equations
from nexus_agents.models.builtin.solvers import search_counting as counting
from nexus_agents.models.builtin.solvers import search_numbers as numbers
from nexus_agents.models.builtin.solvers import tasks as t
from nexus_agents.models.builtin.solvers.budget import DEFAULT_OPERATIONS, Budget
from nexus_agents.models.builtin.solvers.tasks import Task

__all__ = ["solve"]


def solve(task: Task, operations: int = DEFAULT_OPERATIONS) -> Answer:
    """Return what searching finds; "no answer" with a reason where the budget does not reach.

    Args:
        task: The question.
        operations: Work that may be done, in counted operations.
    """
    try:
        return _solve(task, Budget(operations))
    except (NexusError, RecursionError) as error:
        reason = error.message if isinstance(error, NexusError) else "The search went too deep."
        return phrase.abstain("search", reason)


def _solve(task: Task, budget: Budget) -> Answer:
    match task:
        case t.Prime():
            return numbers.prime(task, budget)
        case t.Factorise():
            return numbers.factorise(task, budget)
        case t.Common():
            return numbers.common(task, budget)
        case t.Divisible():
            return numbers.divisible(task, budget)
        case t.Remainder():
            return numbers.remainder(task, budget)
        case t.Arithmetic():
            return numbers.arithmetic(task, budget)
        case t.Comparison():
            return numbers.comparison(task, budget)
        case t.Digits():
            return numbers.digit_task(task, budget)
        case t.Equation():
            return equations.equation(task, budget)
        case t.LinearSystem():
            return equations.system(task, budget)
        case t.Series():
            return counting.series(task, budget)
        case t.Sequence():
            return counting.sequence(task, budget)
        case t.Selection():
            return counting.selection(task, budget)
        case t.Arrangements():
            return counting.arrangements(task, budget)
        case t.Change():
            return counting.change(task, budget)
        case t.Dice():
            return counting.dice(task, budget)
        case t.Flips():
            return counting.flips(task, budget)
        case t.Birthday():
            return counting.birthday(task, budget)
        case t.Counting():
            return counting.counting(task, budget)
        case t.Logic():
            return equations.logic(task, budget)
        case t.Days():
            return equations.days(task, budget)
