"""The two tools as Nexus has them."""

from __future__ import annotations

import stage
from pydantic import BaseModel

from nexus_agents import Job, tool

__all__ = ["add", "lookup"]


class Sum(BaseModel):
    """What was added up."""

    sum: int


class Name(BaseModel):
    """What a number is called."""

    name: str


@tool(risk="read")
async def add(job: Job, a: int, b: int) -> Sum:
    """Add two numbers.

    Args:
        job: The call.
        a: The first.
        b: The second.
    """
    return Sum(sum=stage.add(a, b))


@tool(risk="read")
async def lookup(job: Job, number: int) -> Name:
    """Look up what a number is called.

    Args:
        job: The call.
        number: The number.
    """
    return Name(name=stage.lookup(number))
