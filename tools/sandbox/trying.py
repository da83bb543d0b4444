"""Whether something that is to hold programs does so here: it is tried, not assumed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

__all__ = ["why_not"]

PATIENCE = 10.0
"""Seconds that an attempt may take."""


def why_not(argv: Sequence[str]) -> str:
    """Return why a command does not run here, in words; nothing where it does."""
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
            env={},
            cwd=os.sep,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"it could not be run: {error}"
    said = done.stderr.strip().rpartition("\n")[2][:200]
    return f"it does not work here: {said or 'it gives no reason'}" if done.returncode else ""
