"""How large a number is that is too large to be computed: its decimal logarithm."""

from __future__ import annotations

import math

from nexus_agents.core.errors import NexusError
from nexus_agents.models.builtin.solvers.exact import Exact
from nexus_agents.models.builtin.solvers.expression import Node, TooLarge

__all__ = ["digits", "log10_of"]

_RELATIVE_ERROR = 1e-12
"""Of the floating-point logarithms below; a few operations of 2^-53 each, with room."""


def log10_of(node: Node) -> float | None:
    """Return log10 of a positive number built with `* / ^ !`, or None where it cannot be told.

    Powers multiply the logarithm, factorials use log-gamma; sums are computed exactly or not at all.
    """
    try:
        value = Exact().number(node)
        if value <= 0:
            return None
        return (math.log2(value.numerator) - math.log2(value.denominator)) * math.log10(2)
    except TooLarge:
        pass
    except NexusError:
        return None
    try:
        return _large(node)
    except (NexusError, OverflowError):
        return None


def digits(log10: float) -> int | None:
    """Return the number of digits of a whole number, or None where the logarithm is too close to call."""
    slack = abs(log10) * _RELATIVE_ERROR
    low, high = math.floor(log10 - slack), math.floor(log10 + slack)
    return low + 1 if low == high else None


def _large(node: Node) -> float | None:
    match node.op:
        case "*" | "/":
            parts = [log10_of(one) for one in node.args]
            known = [one for one in parts if one is not None]
            if len(known) != len(parts):
                return None
            return sum(known) if node.op == "*" else known[0] - known[1]
        case "^":
            base, exponent = log10_of(node.args[0]), Exact().number(node.args[1])
            return None if base is None else base * float(exponent)
        case "!" | "factorial":
            return math.lgamma(float(Exact().number(node.args[0])) + 1) / math.log(10)
        case _:
            return None
