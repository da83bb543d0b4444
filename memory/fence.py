"""Who may write about a run: only the process that took it last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select

from memory.statements import Statement
from memory.tables import runs
from nexus_agents.core.errors import InputError, RunLost

if TYPE_CHECKING:
    from memory.database import Transaction

__all__ = ["Fence", "hold_run"]

# The row is locked until the commit: whoever wants to take the run over waits for what is being written.
_FENCE = Statement(select(runs.c.fence).where(runs.c.id == bindparam("run_id")).with_for_update())


@dataclass(frozen=True, slots=True)
class Fence:
    """The right to write about a run.

    Attributes:
        run_id: The run.
        number: Its fence when this process took it.
    """

    run_id: str
    number: int

    def check(self, transaction: Transaction) -> None:
        """Refuse where another process has taken the run since.

        Raises:
            RunLost: It has.
        """
        hold_run(transaction, self.run_id, self)


def hold_run(transaction: Transaction, run_id: str, fence: Fence | None) -> None:
    """Make sure that a run exists and is still ours, for as long as the transaction lasts.

    Raises:
        InputError: There is no such run.
        RunLost: Another process has taken it.
    """
    row = transaction.row(_FENCE, {"run_id": run_id})
    if row is None:
        raise InputError(f"There is no run {run_id}.", "Create the run before anything is written about it.")
    if fence is not None and fence.run_id == run_id and row[0] != fence.number:
        raise RunLost(
            f"Run {run_id} was taken over by another process.", "What it does now is shown there: stop this one."
        )
