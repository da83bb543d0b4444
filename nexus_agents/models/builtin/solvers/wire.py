"""What is asked of the process that solves, as JSON lines."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, TypeAdapter

from nexus_agents.core.work import Answer, Critique
from nexus_agents.models.builtin.solvers.tasks import Task

__all__ = [
    "REQUEST",
    "CriticiseRequest",
    "JudgeRequest",
    "Reply",
    "Request",
    "ReviseRequest",
    "SolveRequest",
    "Solver",
]

Solver = Literal["symbolic", "search"]


class SolveRequest(BaseModel):
    """Answer a task."""

    op: Literal["solve"] = "solve"
    solver: Solver
    task: Task
    operations: int | None = None


class CriticiseRequest(BaseModel):
    """Read another's answer."""

    op: Literal["criticise"] = "criticise"
    solver: Solver
    own: Answer
    other: Answer
    task: Task


class ReviseRequest(BaseModel):
    """Hold or concede."""

    op: Literal["revise"] = "revise"
    solver: Solver
    own: Answer
    other: Answer
    critique_of_own: Critique
    critique_of_other: Critique
    task: Task


class JudgeRequest(BaseModel):
    """Judge a debate."""

    op: Literal["judge"] = "judge"
    question: str
    answers: list[tuple[str, Answer]]
    critiques: list[tuple[str, str, Critique]]


Request = Annotated[SolveRequest | CriticiseRequest | ReviseRequest | JudgeRequest, Field(discriminator="op")]

REQUEST: TypeAdapter[Request] = TypeAdapter(Request)


class Reply(BaseModel):
    """The answer to one line: a result, or why there is none."""

    result: dict[str, Any] | None = None
    error: str = ""
