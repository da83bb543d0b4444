"""JSON schemas of MCP tools as pydantic models."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from pydantic import ValidationError

from nexus_agents.core.errors import ToolInputError
from tools.mcp_client.arguments import read_arguments

TREE = {
    "type": "object",
    "$defs": {
        "Node": {"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#/$defs/Node"}}}}
    },
    "properties": {"root": {"$ref": "#/$defs/Node", "description": "Where it begins."}},
    "required": ["root"],
}


def an_object(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


def test_the_model_tells_what_the_server_told() -> None:
    part = {"type": "string", "enum": ["a", "b"], "description": "Which."}
    arguments = read_arguments("x", an_object(("one",), one=part, two={"type": "integer", "default": 3}))
    schema = arguments.model.model_json_schema()
    assert schema["properties"]["one"].items() >= part.items()
    assert schema["properties"]["two"].items() >= {"type": "integer", "default": 3}.items()
    assert schema["required"] == ["one"]
    assert schema["additionalProperties"] is False
    assert arguments.given(arguments.model(one="a").model_dump()) == {"one": "a", "two": 3}


@pytest.mark.parametrize(
    ("value", "says"),
    [({"one": "c"}, "'c' is not one of"), ({}, "Field required"), ({"one": "a", "three": 1}, "not permitted")],
)
def test_what_does_not_fit_is_refused(value: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        read_arguments("x", an_object(("one",), one={"enum": ["a", "b"]})).model.model_validate(value)


def test_what_is_not_given_is_not_sent() -> None:
    arguments = read_arguments("x", an_object(("one",), one={"type": ["string", "null"]}, two={"type": "string"}))
    assert arguments.given(arguments.model(one=None, two=None).model_dump()) == {"one": None}


def test_names_that_cannot_be_used_here_are_sent_as_they_were() -> None:
    names = ["config", "schema", "json", "_hidden", "my-arg", "class", "job", "tool_call_id", "model_config"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        arguments = read_arguments("x", an_object(tuple(names), **{name: {"type": "integer"} for name in names}))
    fields = list(arguments.model.model_fields)
    assert not {"config", "job", "tool_call_id", "schema", "json"} & set(fields)
    checked = arguments.model(**{field: place for place, field in enumerate(fields)})
    values = {field: getattr(checked, field) for field in fields}
    assert arguments.given(values) == {name: place for place, name in enumerate(names)}


def test_references_are_followed_and_circles_end() -> None:
    arguments = read_arguments("x", TREE)
    told = arguments.model.model_json_schema()["properties"]["root"]
    assert told["properties"]["children"]["items"]["type"] == "object"
    assert told["description"] == "Where it begins."
    assert "$ref" not in str(told)
    good = {"children": [{"children": []}]}
    assert arguments.given(arguments.model(root=good).model_dump()) == {"root": good}
    with pytest.raises(ValidationError, match=r"children\.0: 3 is not of type 'object'"):
        arguments.model(root={"children": [3]})


def test_what_must_hold_for_all_together_is_checked_too() -> None:
    schema = an_object(a={"type": "integer"}, b={"type": "integer"}) | {
        "oneOf": [{"required": ["a"]}, {"required": ["b"]}]
    }
    arguments = read_arguments("x", schema)
    assert arguments.given(arguments.model(a=1).model_dump()) == {"a": 1}
    with pytest.raises(ToolInputError, match="x: "):
        arguments.given(arguments.model(a=1, b=2).model_dump())


@pytest.mark.parametrize("wrong", [{"type": "strin"}, {"pattern": "("}, {"$ref": "#/$defs/Nothing"}, True])
def test_a_schema_that_is_wrong_itself_is_the_servers_affair(wrong: Any) -> None:
    arguments = read_arguments("x", an_object(a=wrong))
    assert arguments.given(arguments.model(a="y").model_dump()) == {"a": "y"}
