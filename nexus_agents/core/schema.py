"""JSON schemas of the files that people write, for editors: from the models, and the docstrings under their fields."""

from __future__ import annotations

import ast
import inspect
import json
from functools import cache
from itertools import pairwise
from pathlib import Path
from textwrap import dedent
from typing import Any, cast

from pydantic import BaseModel

from nexus_agents.core.config import Config
from nexus_agents.core.reading import models_in
from nexus_agents.core.workflow import Workflow

__all__ = ["FILES", "FOLDER", "field_docs", "schema_of", "schema_text"]

FILES: dict[str, tuple[type[BaseModel], str]] = {
    "agents": (Config, "agents.yaml of Nexus"),
    "workflow": (Workflow, "A workflow of Nexus"),
}
"""Kinds of files, what describes each, and what it is called."""

FOLDER = Path(__file__).parent.parent / "schema"
"""Where the schemas lie that ship with Nexus; `python -m nexus_agents.core.schema` writes them anew."""


def schema_text(kind: str) -> str:
    """Return the schema of a kind of file as it ships with Nexus."""
    return json.dumps(schema_of(*FILES[kind]), indent=2, ensure_ascii=False) + "\n"


def schema_of(model: type[BaseModel], title: str) -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of a file that a model describes.

    Args:
        model: What the file holds; every field with a docstring under it gets that for its description.
        title: What the file is called.
    """
    schema = model.model_json_schema()
    parts = {model.__name__: schema, **cast("dict[str, Any]", schema.get("$defs", {}))}
    for kind in models_in(model):
        properties = cast("dict[str, dict[str, Any]]", parts[kind.__name__].get("properties", {}))
        for name, field in kind.model_fields.items():
            if field.exclude:
                del properties[name]
                continue
            properties[name].pop("title", None)
            if "patternProperties" in properties[name]:
                # pydantic says which names fit, and not that others are refused.
                properties[name]["additionalProperties"] = False
            if said := field_docs(kind).get(name):
                properties[name]["description"] = said
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": title}


@cache
def field_docs(model: type[BaseModel]) -> dict[str, str]:
    """Return the docstrings that stand under the fields of a model, each on one line."""
    # Read from the source when it is asked for: pydantic's own way would read it each time that Nexus starts.
    body = cast("ast.ClassDef", ast.parse(dedent(inspect.getsource(model))).body[0]).body
    docs: dict[str, str] = {}
    for field, below in pairwise(body):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
        ):
            docs[field.target.id] = " ".join(inspect.cleandoc(str(below.value.value)).split())
    return docs


if __name__ == "__main__":
    for each in FILES:
        (FOLDER / f"{each}.schema.json").write_text(schema_text(each), encoding="utf-8")
