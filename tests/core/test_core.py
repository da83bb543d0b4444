"""Errors, events, work products, ids and tool declarations."""

from __future__ import annotations

import inspect

import pytest
from pydantic import BaseModel

from nexus_agents.core import errors, events
from nexus_agents.core.events import EVENT, Message, RunFinished
from nexus_agents.core.names import nearest, new_id
from nexus_agents.core.tool import Job, tool, tool_spec
from nexus_agents.core.work import Answer, Plan, Step, TestReport, blocks, from_block, to_block


def test_errors_are_two_lines_with_an_exit_code() -> None:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.NexusError)]
    assert len(kinds) > 8
    for kind in kinds:
        made = kind("a", "b") if kind is not errors.MissingExtra else kind("speech", "speech")
        assert len(str(made).splitlines()) == 2
        assert int(made.exit_code) in {1, 2, 3, 4, 5}
    assert str(errors.NexusError("alone")) == "alone"


def test_every_event_comes_back_from_json_as_itself() -> None:
    kinds = [getattr(events, name) for name in events.__all__ if name not in ("EVENT", "AnyEvent")]
    for kind in kinds:
        filled = {name: _any(field.annotation) for name, field in kind.model_fields.items() if field.is_required()}
        event = kind(**filled)
        assert EVENT.validate_json(event.model_dump_json()) == event
    assert len({kind.model_fields["type"].default for kind in kinds}) == len(kinds)


def _any(annotation: object) -> object:
    known = {str: "text", int: 1, float: 0.5, bool: True, dict[str, object]: {}}
    return known.get(annotation, "done" if "RunStatus" in str(annotation) or "Literal" in str(annotation) else {})  # type: ignore[call-overload]


def test_blocks_carry_products_through_text() -> None:
    first = Answer(answer="yes", method="a", steps=[Step(claim="``` is no end\n```json Answer", check="1 == 1")])
    second = Answer(answer="no", method="b")
    text = f"Before\n\n{to_block(first)}\n\nbetween\n\n{to_block(second)}\n\nafter"
    assert blocks(text, Answer) == [first, second]
    assert from_block(text, Answer) == second
    assert from_block(text, Plan) is None


def test_a_test_report_is_green_only_where_tests_ran() -> None:
    assert TestReport(passed=1, failed=0, command="", sandbox="", summary="").green
    for passed, failed, broken in ((0, 0, 0), (3, 1, 0), (3, 0, 1)):
        assert not TestReport(passed=passed, failed=failed, errors=broken, command="", sandbox="", summary="").green


def test_ids_differ_and_nearest_is_modest() -> None:
    assert len({new_id() for _ in range(200)}) == 200
    assert nearest("modle", ["model", "tools"]) == "model"
    assert nearest("zzz", ["model", "tools"]) is None


class Sum(BaseModel):
    value: int


@tool(risk="read", timeout=3)
async def add(job: Job, a: int, b: int = 2) -> Sum:
    """Add two numbers.

    Args:
        job: The call.
        a: One.
        b: The other.
    """
    return Sum(value=a + b)


def test_a_tool_is_declared_by_its_signature() -> None:
    spec = tool_spec(add)
    assert (spec.name, spec.risk, spec.timeout, spec.resumable) == ("add", "read", 3, True)
    assert spec.arguments.model_validate({"a": 1}).model_dump() == {"a": 1, "b": 2}
    assert spec.result is Sum
    assert spec.description == "Add two numbers."
    described = {name: said["description"] for name, said in spec.arguments.model_json_schema()["properties"].items()}
    assert described == {"a": "One.", "b": "The other."}
    with pytest.raises(ValueError, match="Extra inputs"):
        spec.arguments.model_validate({"a": 1, "c": 3})
    with pytest.raises(TypeError, match="not declared with @tool"):
        tool_spec(len)


def test_finished_carries_what_to_do_next() -> None:
    event = RunFinished(run_id="r", status="done", next=["open x"])
    assert EVENT.validate_json(event.model_dump_json()) == event
    assert isinstance(EVENT.validate_python({"type": "message", "agent": "a", "text": "b"}), Message)
