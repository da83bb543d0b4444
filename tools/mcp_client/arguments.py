"""What an MCP tool takes, as a pydantic model: the JSON schema that its server tells, held to in every call."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, WithJsonSchema, create_model

from nexus_agents.core.errors import ToolInputError

__all__ = ["Arguments", "read_arguments"]

TAKEN = {"callbacks", "config", "job", "run_manager", "self", "tool_call_id"}
"""Names that whoever calls a tool uses for itself."""

DEPTH = 8
"""How far references inside a schema are followed for the model; checking knows no such end."""


@dataclass(frozen=True)
class Arguments:
    """The arguments of a tool.

    Attributes:
        tool: Its name, for messages.
        model: What a call is checked by; an argument is `None` where it was not given.
        names: The server's name of each field: some cannot be used here.
        schema: What the server told.
    """

    tool: str
    model: type[BaseModel]
    names: Mapping[str, str]
    schema: Mapping[str, Any]

    def given(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments as the server knows them, without those that were not given.

        Raises:
            ToolInputError: Together they do not fit the schema.
        """
        required = self.schema.get("required", ())
        named = {self.names[field]: value for field, value in arguments.items()}
        sent = {name: value for name, value in named.items() if value is not None or name in required}
        if wrong := _wrong(self.schema, sent):
            raise ToolInputError(f"{self.tool}: {wrong}.", f"It takes: {', '.join(self.names.values()) or 'nothing'}.")
        return sent


def read_arguments(tool: str, schema: Mapping[str, Any]) -> Arguments:
    """Return the arguments of a tool.

    Args:
        tool: Its name.
        schema: A JSON schema whose root is an object.
    """
    parts = {key: schema[key] for key in ("$defs", "definitions") if key in schema}
    required = set(schema.get("required", ()))
    fields: dict[str, Any] = {}
    names: dict[str, str] = {}
    for name, told in schema.get("properties", {}).items():
        part = told if isinstance(told, dict) else {}
        field = _usable(name, names)
        names[field] = name
        kind = Annotated[
            Any, AfterValidator(_checker({**part, **parts}, name in required)), WithJsonSchema(_whole(part, parts))
        ]
        fields[field] = (kind, ... if name in required else part.get("default"))
    title = "".join(word.title() for word in re.split(r"[^A-Za-z0-9]+", tool)) or "Arguments"
    model = create_model(title, __config__=ConfigDict(extra="forbid", protected_namespaces=()), **fields)
    return Arguments(tool, model, names, dict(schema))


def _usable(name: str, used: Mapping[str, str]) -> str:
    field = name.lstrip("_") or "argument"
    while field in TAKEN or field in used or hasattr(BaseModel, field):
        field += "_"
    return field


def _checker(schema: dict[str, Any], required: bool) -> Any:
    def check(value: Any) -> Any:
        # Models give null for what they leave out.
        if value is None and not required:
            return None
        if wrong := _wrong(schema, value):
            raise ValueError(wrong)
        return value

    return check


def _wrong(schema: Mapping[str, Any], value: Any) -> str | None:
    from jsonschema import Draft202012Validator, SchemaError
    from jsonschema.exceptions import UnknownType, best_match
    from referencing.exceptions import Unresolvable

    try:
        error = best_match(Draft202012Validator(dict(schema)).iter_errors(value))
    except (SchemaError, UnknownType, Unresolvable, re.error, RecursionError):
        # A schema that is wrong itself is the server's to judge by.
        return None
    if error is None:
        return None
    where = ".".join(str(part) for part in error.absolute_path)
    return f"{where}: {error.message}" if where else error.message


def _whole(schema: Any, parts: Mapping[str, Any], depth: int = 0) -> Any:
    """Return a schema with what it refers to put in its place."""
    if isinstance(schema, list):
        return [_whole(each, parts, depth) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = re.fullmatch(r"#/(\$defs|definitions)/(.+)", str(schema.get("$ref", "")))
    if found is None:
        return {key: _whole(each, parts, depth) for key, each in schema.items()}
    if depth == DEPTH:
        return {}
    beside = {key: each for key, each in schema.items() if key != "$ref"}
    there = parts.get(found[1], {}).get(found[2].replace("~1", "/").replace("~0", "~"), {})
    return {**_whole(there, parts, depth + 1), **_whole(beside, parts, depth)}
