"""What a scripted model can be told to say, and how it can be told to fail."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

__all__ = ["Call", "Fault", "ScriptedFault", "Step", "StepLike", "as_step", "fault_error", "spoil"]

Fault = int | Literal["timeout", "connection", "cut", "bad_json", "unknown_tool", "wrong_types", "empty"]
"""An HTTP status, or:

timeout, connection: raised in place of an answer; cut: the connection breaks in the middle of the answer; bad_json: the
arguments of the tool call are half a JSON text; unknown_tool: a tool that is not offered is called; wrong_types: the
arguments of the tool call have the wrong types; empty: nothing is said at all.
"""

RAISED = ("timeout", "connection", "cut")


class Call(BaseModel):
    """A tool call."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    args: dict[str, Any] = Field(default_factory=dict[str, Any])


class Step(BaseModel):
    """One answer, or one fault, of a scripted model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str = ""
    calls: list[Call] = Field(default_factory=list[Call])
    """Tools to call, side by side."""
    product: str = ""
    """Name of a typed product (Plan, Review, ...) that is handed over: by a tool of that name where one is offered,
    else as JSON text."""
    value: dict[str, Any] = Field(default_factory=dict[str, Any])
    """What the product says."""
    fault: Fault | None = None
    after: int = Field(default=2, ge=0)
    """For the fault `cut`: pieces that come before it."""
    latency: float = Field(default=0.0, ge=0)
    """Seconds until the answer begins."""
    pace: float = Field(default=0.0, ge=0)
    """Seconds between two pieces of a streamed answer."""
    usage: tuple[int, int] | None = None
    """Tokens in and out; counted in words and marks by default."""

    @property
    def raises(self) -> bool:
        """Whether the call fails, so that no answer of this step ever enters the conversation."""
        return isinstance(self.fault, int) or self.fault in RAISED


StepLike = (
    str | BaseModel | BaseException | Mapping[str, Any] | Callable[["Sequence[BaseMessage]"], "str | BaseModel | Step"]
)
"""A text; a pydantic object, which is handed over as the typed product; a `Step`; the same as a mapping; an exception
to raise; or a function of the messages that returns one of these."""


class ScriptedFault(Exception):
    """An HTTP answer that is an error, as the clients of model servers raise it.

    Args:
        status_code: The HTTP status.
    """

    def __init__(self, status_code: int) -> None:
        super().__init__(f"the script answers HTTP {status_code}")
        self.status_code = status_code


def as_step(said: StepLike) -> Step:
    """Return a step for what is no function and no exception.

    Raises:
        TypeError: It is none of what a step can be.
        ValidationError: A mapping has wrong keys.
    """
    if isinstance(said, Step):
        return said
    if isinstance(said, str):
        return Step(text=said)
    if isinstance(said, Mapping):
        return Step.model_validate(said)
    if isinstance(said, BaseModel):
        return Step(product=type(said).__name__, value=said.model_dump(mode="json"))
    raise TypeError(f"a step is a text, a pydantic object, a Step or a mapping, not {type(said).__name__}")


def fault_error(fault: Fault) -> Exception:
    """Return the exception of a fault that is raised."""
    if isinstance(fault, int):
        return ScriptedFault(fault)
    if fault == "timeout":
        return TimeoutError("the script lets the call time out")
    return ConnectionResetError(f"the script breaks the connection ({fault})")


def spoil(step: Step, tools: Mapping[str, Mapping[str, Any]]) -> tuple[list[Call], str | None]:
    """Return the calls of a step as its fault makes them.

    Args:
        step: The step.
        tools: The JSON schemas of the tools that are offered, by name.

    Returns:
        The calls; and, for bad_json, the text that stands where the arguments of the first call should.
    """
    if step.fault not in ("bad_json", "unknown_tool", "wrong_types"):
        return step.calls, None
    # A fault without a call of its own takes the first tool that is offered.
    name = next(iter(tools), "no_such_tool")
    first, *others = step.calls or [Call(name=name, args=dict.fromkeys(_needs(tools.get(name, {})), "something"))]
    if step.fault == "unknown_tool":
        return [Call(name="no_such_tool", args=first.args), *others], None
    if step.fault == "wrong_types":
        wrong = {key: 7 if isinstance(value, dict) else {"wrong": "type"} for key, value in first.args.items()}
        return [Call(name=first.name, args=wrong or {"no_such_argument": 1}), *others], None
    whole = json.dumps(first.args or {"argument": "something"}, ensure_ascii=False)
    # As a server sends it that ran out of tokens; what LangChain makes of it, in a stream and whole, is LangChain's.
    return [first, *others], whole[: len(whole) // 2]


def _needs(schema: Mapping[str, Any]) -> list[str]:
    return list(schema.get("required") or schema.get("properties") or [])
