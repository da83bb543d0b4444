"""Between the core's pydantic values and rows of the tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar, cast

from pydantic import BaseModel, TypeAdapter, ValidationError
from sqlalchemy import JSON

from memory.tables import moment_text
from nexus_agents.core.errors import ConfigError, InputError

if TYPE_CHECKING:
    from sqlalchemy import RowMapping, Table

__all__ = ["JsonObject", "from_driver", "from_row", "to_driver", "to_json", "to_row"]

M = TypeVar("M", bound=BaseModel)

JsonObject = dict[str, object]
"""What a JSON column takes."""

_OBJECT: TypeAdapter[object] = TypeAdapter(object)


def to_row(value: BaseModel) -> JsonObject:
    """Return the columns of a value: plain JSON types, and moments as they are.

    Raises:
        InputError: Something in it has no JSON form.
    """
    row = cast("JsonObject", json.loads(_dumped(value.model_dump_json, type(value).__name__)))
    moments = {name: field for name, field in value if isinstance(field, datetime)}
    return row | moments


def from_row(kind: type[M], row: RowMapping) -> M:
    """Return the value that a row holds.

    Raises:
        ConfigError: The row was written by another version.
    """
    try:
        return kind.model_validate(dict(row))
    except ValidationError as error:
        raise ConfigError(
            f"The memory holds a {kind.__name__} that this version cannot read: {error.errors()[0]['msg']}.",
            "Use the version of Nexus that wrote it, or open another file.",
        ) from error


def to_driver(table: Table, row: Mapping[str, object]) -> JsonObject:
    """Return the columns of a row as the driver takes them, which knows neither JSON nor moments."""
    return {
        name: value
        if value is None
        else json.dumps(value)
        if isinstance(table.c[name].type, JSON)
        else moment_text(value)
        if isinstance(value, datetime)
        else value
        for name, value in row.items()
    }


def from_driver(kind: type[M], table: Table, row: Sequence[object]) -> M:
    """Return the value that a row of all columns of a table holds, as the driver gave it.

    Raises:
        ConfigError: The row was written by another version.
    """
    given = dict(zip(table.c.keys(), row, strict=True))
    for column in table.columns:
        value = given[column.name]
        # psycopg reads JSON by itself.
        if isinstance(column.type, JSON) and isinstance(value, str):
            given[column.name] = json.loads(value)
    return from_row(kind, cast("RowMapping", given))


def to_json(value: Mapping[str, object] | BaseModel | None) -> JsonObject | None:
    """Return what a JSON column stores for a mapping or a model.

    Raises:
        InputError: Something in it has no JSON form.
    """
    if value is None:
        return None
    text = _dumped(lambda: _OBJECT.dump_json(value).decode(), "result")
    return cast("JsonObject", json.loads(text))


def _dumped(dump: Callable[[], str], what: str) -> str:
    try:
        return dump()
    except ValueError as error:  # pydantic's serialisation errors and broken Unicode are both of this kind
        raise InputError(
            f"A {what} cannot be kept, since it has no JSON form: {error}.",
            "Give text, numbers, lists, mappings or pydantic models.",
        ) from error
