"""Rows of a benchmark: printed as a table, and written to results/NAME.json."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["report", "row"]

RESULTS = Path(__file__).parent / "results"


def row(
    what: str, value: float, unit: str, *, at_most: float | None = None, at_least: float | None = None
) -> dict[str, Any]:
    """Return one figure.

    Args:
        what: What was measured.
        value: The figure.
        unit: Its unit.
        at_most: What it must not exceed, where that was promised.
        at_least: What it must reach, where that was promised.
    """
    must = f"<= {at_most:g}" if at_most is not None else f">= {at_least:g}" if at_least is not None else None
    met = value <= at_most if at_most is not None else value >= at_least if at_least is not None else None
    return {
        "what": what,
        "value": round(value, 3),
        "unit": unit,
        "must_be": must,
        "met": met,
        "machine": f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}",
    }


def report(name: str, rows: Sequence[dict[str, Any]], *, write: bool = True) -> None:
    """Print rows and write them to results/NAME.json.

    Args:
        name: The benchmark.
        rows: The figures; a value is None where there is nothing but `what` to be said.
        write: Whether they are written too.
    """
    for one in rows:
        must = "" if one["must_be"] is None else f"must be {one['must_be']}: {'met' if one['met'] else 'NOT MET'}"
        value = "" if one["value"] is None else f"{one['value']:,}"
        print(f"{one['what']:<84} {value:>12} {one['unit']:<8} {must}".rstrip())
    if not write:
        return
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(list(rows), indent=1) + "\n", encoding="utf-8")
