"""The typed products that agents hand to each other: plans, reports, reviews, answers, scripts."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Literal, TypeVar

from pydantic import BaseModel, Field

__all__ = [
    "Answer",
    "Critique",
    "Entity",
    "FieldSpec",
    "FieldType",
    "Finding",
    "Owner",
    "Plan",
    "PlannedFile",
    "PodcastBrief",
    "PodcastScript",
    "Relation",
    "Review",
    "ScriptTurn",
    "SourceText",
    "Step",
    "TestReport",
    "TurnReport",
    "Verdict",
    "blocks",
    "from_block",
    "owner_of",
    "to_block",
]

M = TypeVar("M", bound=BaseModel)


# -- software ---------------------------------------------------------------------------------------

FieldType = Literal["string", "text", "email", "url", "integer", "decimal", "boolean", "date", "datetime", "choice"]


class FieldSpec(BaseModel):
    """One column of an entity."""

    name: str
    """snake_case."""
    type: FieldType = "string"
    required: bool = True
    unique: bool = False
    choices: list[str] = Field(default_factory=list)
    minimum: float | None = None
    maximum: float | None = None
    max_length: int | None = None


class Relation(BaseModel):
    """Many of this entity belong to one of another."""

    name: str
    """snake_case, without `_id`."""
    target: str
    """Name of the other entity."""
    required: bool = True


class Entity(BaseModel):
    """A kind of thing that the application stores."""

    name: str
    """Singular, snake_case."""
    plural: str
    fields: list[FieldSpec]
    relations: list[Relation] = Field(default_factory=list[Relation])


Owner = Literal["backend", "frontend", "testing"]
"""The agents that write."""


class PlannedFile(BaseModel):
    """A file that the plan asks for, and the agent that owns it."""

    path: str
    owner: Owner
    purpose: str


class Plan(BaseModel):
    """What is to be built, precise enough that two agents can build it at once."""

    title: str
    summary: str
    entities: list[Entity] = Field(default_factory=list[Entity])
    files: list[PlannedFile] = Field(default_factory=list[PlannedFile])
    interfaces: list[str] = Field(default_factory=list)
    """Agreements between files: routes, functions, data formats."""
    acceptance: list[str] = Field(default_factory=list)
    """What must hold when it is done, each one testable."""
    run_command: str = ""
    """How a person starts what is built."""
    test_command: str = ""
    """How its tests are run where that is not pytest; status 0 means that all passed."""
    assumptions: list[str] = Field(default_factory=list)


class TurnReport(BaseModel):
    """What an agent did in its turn."""

    summary: str
    files: list[str] = Field(default_factory=list)
    open_points: list[str] = Field(default_factory=list)


class TestReport(BaseModel):
    """What running the tests showed."""

    __test__ = False  # pytest, this is not a test class

    passed: int
    failed: int
    errors: int = 0
    command: str
    sandbox: str
    summary: str
    output_tail: str = ""

    @property
    def green(self) -> bool:
        """Whether tests ran and all of them passed."""
        return self.passed > 0 and self.failed == 0 and self.errors == 0


class Finding(BaseModel):
    """One point of a review."""

    file: str
    line: int
    severity: Literal["info", "low", "medium", "high"]
    rule: str
    evidence: str
    owner: Owner = "backend"


class Review(BaseModel):
    """A reviewer's verdict on a change."""

    accepted: bool
    summary: str
    findings: list[Finding] = Field(default_factory=list[Finding])
    tools: list[str] = Field(default_factory=list)
    """What was really run, with versions; and what was not installed."""


def owner_of(path: str) -> Owner:
    """Return whose a file is, as far as its path says."""
    file = PurePosixPath(path)
    if file.name.startswith(("test_", "conftest")) or file.stem.endswith(("_test", ".test")) or "tests" in file.parts:
        return "testing"
    if {"frontend", "static", "templates", "ui"} & set(file.parts) or file.suffix in (".html", ".css", ".jsx", ".tsx"):
        return "frontend"
    return "backend"


# -- reasoning --------------------------------------------------------------------------------------


class Step(BaseModel):
    """One step of an argument.

    `check` states it, where that is possible, as an expression that another can evaluate, for instance
    `3 * 7 * 13 == 273` or `powmod(2, 10, 11) == 1`.
    """

    claim: str
    check: str | None = None


class Answer(BaseModel):
    """An answer, the way to it, and how far it can be trusted."""

    answer: str
    method: str
    steps: list[Step] = Field(default_factory=list[Step])
    certain: bool = True
    """False where the method does not prove the answer."""
    scope: str = ""
    """What was assumed, and what was not covered."""
    confidence: float = Field(default=1.0, ge=0.0, le=1.0)
    changed_because: str = ""
    """In a later round: what made the author change the answer; empty where it stands."""


class Critique(BaseModel):
    """What one author says of another's answer."""

    agrees: bool
    checked: list[str] = Field(default_factory=list)
    """Steps that were tried again, and what came out."""
    objections: list[str] = Field(default_factory=list)
    summary: str


class Verdict(BaseModel):
    """The judged outcome of a debate."""

    status: Literal["agreed", "resolved", "single", "open", "out_of_scope"]
    answer: str
    reason: str
    confidence: float = Field(default=1.0, ge=0.0, le=1.0)


# -- media ------------------------------------------------------------------------------------------


class SourceText(BaseModel):
    """A document as text."""

    name: str
    text: str

    @property
    def summary(self) -> str:
        """How much there is, in a line."""
        return f"{self.name}: {len(self.text.split())} words"


class PodcastBrief(BaseModel):
    """What a podcast shall be made from, and who speaks."""

    sources: list[SourceText]
    host: str
    guest: str
    topic: str = ""
    title: str = ""
    minutes: float = 0
    """Wanted length; 0 leaves it to the material."""


class ScriptTurn(BaseModel):
    """One thing that one speaker says."""

    speaker: str
    text: str
    source: str = ""
    """Where in the documents it comes from."""


class PodcastScript(BaseModel):
    """A conversation to be spoken."""

    title: str
    speakers: list[str]
    turns: list[ScriptTurn]
    written_by: str
    """Which model wrote it, and how (written, or extracted from the notes)."""


# -- handing over -----------------------------------------------------------------------------------


def to_block(product: BaseModel) -> str:
    """Return a product as a fenced JSON block that any model can read and `from_block` finds again."""
    return f"```json {type(product).__name__}\n{product.model_dump_json(indent=1)}\n```"


def blocks(text: str, kind: type[M]) -> list[M]:
    """Return the products of a kind that stand in a text as blocks of `to_block`, in their order.

    Raises:
        pydantic.ValidationError: A block does not fit the kind.
    """
    found = re.findall(rf"^```json {kind.__name__}\n(.*?)\n```$", text, re.S | re.M)
    return [kind.model_validate_json(block) for block in found]


def from_block(text: str, kind: type[M]) -> M | None:
    """Return the last product of a kind that stands in a text, or None."""
    return next(reversed(blocks(text, kind)), None)
