"""Model names and agents.yaml that are wrong: file, line, and the nearest right name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("foo:bar", ["'foo'", "openai"]),
        ("gpt", ["'gpt' is not a model", "provider:model"]),
        ("builtin:nexsu", ["'nexsu'", "builtin:nexus"]),
        ("opanai:gpt", ["'opanai'", "Did you mean 'openai:gpt'?"]),
    ],
)
def test_unknown_models_leave_nothing(inside: Any, own_home: Path, model: str, says: list[str]) -> None:
    inside("run", "list voices", "--model", model).refused(2, *says)
    assert not (own_home / "workspaces").exists()
    assert inside("runs", "--json").out == ""


def test_unknown_models_of_a_debate_leave_nothing(inside: Any, own_home: Path) -> None:
    inside("debate", "is 91 prime?", "--models", "builtin:symbolic,nope:b").refused(2, "no model provider named 'nope'")
    assert not (own_home / "workspaces").exists()
    assert inside("runs", "--json").out == ""


def test_model_without_a_key(inside: Any) -> None:
    inside("run", "list voices", "--model", "openai:gpt-x").failed(2, "OPENAI_API_KEY", "export")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("default_model: auto\n  models:\n", ["agents.yaml, line 2", "not YAML", "indentation"]),
        ("approvals: {read: allow\n", ["agents.yaml, line ", "not YAML"]),
        ("models:\n\tlocal: {}\n", ["agents.yaml, line 2", "not YAML"]),
        ("defualt_model: auto\n", ["agents.yaml, line 1", "'defualt_model'", "Did you mean 'default_model'?"]),
        ("graphs:\n  debate:\n    round: 3\n", ["agents.yaml, line 3", "Did you mean 'rounds'?"]),
        ("# first\nretries: lots\n", ["agents.yaml, line 2", "retries", "'lots'"]),
        ("models:\n  a:\n    model: x:y\n    timeout: -1\n", ["agents.yaml, line 4", "models.a.timeout", "-1"]),
        ("- a\n- b\n", ["agents.yaml, line 1", "key: value"]),
        ("just words\n", ["agents.yaml, line 1", "key: value"]),
    ],
)
def test_settings_are_refused_with_their_line(inside: Any, here: Path, text: str, says: list[str]) -> None:
    (here / "agents.yaml").write_text(text)
    inside("runs").refused(2, *says)


def test_settings_that_are_no_text(inside: Any, here: Path) -> None:
    (here / "agents.yaml").write_bytes(b"\xff\xfe\x00a")
    inside("runs").refused(2, "agents.yaml", "UTF-8")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("agents: {assistant: {prompt: nope.md}}\n", ["nope.md", "agents.assistant.prompt"]),
        ("agents: {assistant: {tools: [list_voice]}}\n", ["'list_voice'", "Did you mean 'list_voices'?"]),
        ("tools: {mine: 'nope.mod:f'}\nagents: {assistant: {tools: [mine]}}\n", ["nope.mod:f", "cannot be imported"]),
        ("more_graphs: {assistant: 'nope.mod:f'}\n", ["nope.mod:f", "cannot be imported"]),
        ("providers: {mine: 'nope.mod:f'}\ndefault_model: mine:x\n", ["nope.mod:f", "cannot be imported"]),
        ("models: {a: {model: 'foo:bar'}}\ndefault_model: a\n", ["'foo'", "There are: "]),
    ],
)
def test_settings_that_name_what_is_not_there(inside: Any, here: Path, text: str, says: list[str]) -> None:
    (here / "agents.yaml").write_text(text)
    inside("run", "list voices").failed(2, *says)
