"""How much work the search side may do: counted operations, and a wall clock as a guard."""

from __future__ import annotations

import time

from nexus_agents.core.errors import LimitReached

__all__ = ["DEFAULT_OPERATIONS", "Budget", "BudgetSpent"]

DEFAULT_OPERATIONS = 2_000_000
"""About a second of plain Python on a slow core."""


class BudgetSpent(LimitReached):
    """The search would need, or has done, more work than it is allowed."""


class Budget:
    """Counts operations.

    Args:
        operations: How many are allowed.
        seconds: Wall-clock guard, for operations on large numbers.
    """

    def __init__(self, operations: int = DEFAULT_OPERATIONS, seconds: float = 8.0) -> None:
        self.left = operations
        self.operations = operations
        self._deadline = time.monotonic() + seconds

    def spend(self, operations: int = 1) -> None:
        """Count work that is about to be done.

        Raises:
            BudgetSpent: It is more than is left, or the time is over.
        """
        if operations > self.left or time.monotonic() > self._deadline:
            raise BudgetSpent(
                f"More than {self.operations:,} operations would be needed.", "Trust a proof, or raise the budget."
            )
        self.left -= operations
