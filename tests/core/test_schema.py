"""The schemas for editors: up to date, with a word on every field, and of one mind with the models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from nexus_agents.core.reading import models_in
from nexus_agents.core.schema import FILES, FOLDER, field_docs, schema_text

ROOT = Path(__file__).resolve().parents[2]


def validator(kind: str) -> Draft202012Validator:
    schema = json.loads((FOLDER / f"{kind}.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.mark.parametrize("kind", FILES)
def test_what_ships_is_up_to_date(kind: str) -> None:
    assert (FOLDER / f"{kind}.schema.json").read_text() == schema_text(kind), "run: python -m nexus_agents.core.schema"


@pytest.mark.parametrize("kind", FILES)
def test_every_field_is_described(kind: str) -> None:
    for model in models_in(FILES[kind][0]):
        fields = {name for name, field in model.model_fields.items() if not field.exclude}
        assert fields <= set(field_docs(model)), model.__name__
    parts = json.loads(schema_text(kind))
    for part in [parts, *parts["$defs"].values()]:
        assert all(each["description"] for each in part.get("properties", {}).values())
    assert "folder" not in parts["properties"]


def test_the_file_of_the_repository_fits() -> None:
    validator("agents").validate(yaml.safe_load((ROOT / "agents.yaml").read_text()))


@pytest.mark.parametrize(
    ("kind", "text", "wrong"),
    [
        ("agents", "models: {a: {modle: x}}", "modle"),
        ("agents", "mcp_servers: {a: {command: x, url: http://x}}", "valid under each of"),
        ("agents", "mcp_servers: {a_b: {command: x}}", "a_b"),
        ("agents", "budget: {money: 0}", "0 is not valid under any"),
        ("agents", "folder: x", "folder"),
        ("workflow", "steps: []", "[]"),
        ("workflow", "steps: [{agent: a}]", "'action' is a required property"),
    ],
)
def test_what_the_models_refuse_the_schema_refuses(kind: str, text: str, wrong: str) -> None:
    data: Any = yaml.safe_load(text)
    assert any(wrong in error.message for error in validator(kind).iter_errors(data))
    with pytest.raises(ValueError):
        FILES[kind][0].model_validate(data | ({"folder": []} if "folder" in data else {}))
