"""agents.yaml: defaults, and errors with file, line and the nearest right name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from nexus_agents.core.config import Config
from nexus_agents.core.errors import ConfigError
from nexus_agents.core.reading import Location, Page, config_faults, section_of
from nexus_agents.runtime.settings import load_settings, read_yaml
from nexus_agents.runtime.yaml_file import read_yaml_file

ROOT = Path(__file__).resolve().parent.parent.parent


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "agents.yaml"
    path.write_text(text)
    return path


def test_the_shipped_file_says_the_defaults() -> None:
    shipped = read_yaml(ROOT / "agents.yaml")
    assert shipped.model_copy(update={"folder": ""}) == Config()
    # ... and it names every section that there is.
    assert set(yaml.safe_load((ROOT / "agents.yaml").read_text())) == set(Config.model_fields) - {"folder"}


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        ("default_model: auto\nmodles: {}\n", 2, "no setting 'modles'", "'models'"),
        ("models:\n  mine:\n    model: openai:x\n    temprature: 1\n", 4, "models.mine.temprature", "'temperature'"),
        ("agents:\n  review:\n    modle: x\n", 3, "agents.review.modle", "'model'"),
        ("graphs:\n  debate:\n    rounds: many\n", 3, "graphs.debate.rounds", "'many'"),
        ("graphs:\n  debate:\n    roundss: 2\n", 3, "graphs.debate.roundss", "'rounds'"),
        ("approvals:\n  execute: sometimes\n", 2, "approvals.execute", "'sometimes'"),
        ("models:\n  - a\n", 1, "models", "['a']"),
        ("retries: 99\n", 1, "retries", "99"),
        # At every depth, in whatever the section stands.
        (
            "models:\n  m:\n    model: a:b\n    price:\n      inptu: 1\n      output: 1\n",
            5,
            "models.m.price.inptu",
            "'input'",
        ),
        ("models:\n  m:\n    model: a:b\n    price: {input: 1}\n", 4, "models.m.price.output is missing", "there"),
        ("models:\n  m:\n    model: a:b\n    budget:\n      tokns: 1\n", 5, "models.m.budget.tokns", "'tokens'"),
        ("models:\n  m: {}\n", 2, "models.m.model is missing", "docs/configuration.md"),
        ("mcp_servers:\n  notes:\n    comand: x\n", 3, "mcp_servers.notes.comand", "'command'"),
        ("mcp_servers:\n  notes: {risk: red, command: x}\n", 2, "mcp_servers.notes.risk", "'read'"),
        ("mcp_servers:\n  notes: {args: [a]}\n", 2, "it has a command or a url", "{'args': ['a']}"),
        ("mcp_servers:\n  my_notes: {command: x}\n", 2, "mcp_servers.my_notes: 'my_notes' is no name", "A-Za-z0-9-"),
        ("budget:\n  tokns: 5\n", 2, "'budget.tokns'", "'tokens'"),
        ("budget:\n  money: 0\n", 2, "budget.money", "0"),
        ("agents:\n  review:\n    limits: {minuts: 5}\n", 3, "agents.review.limits.minuts", "'minutes'"),
        ("agents:\n  my agent: {prompt: p.md}\n", 2, "'my agent' is no name", "A-Za-z"),
        ("agents:\n  reviwer: {model: x}\n", 2, "no agent named 'reviwer'", "'review'"),
        ("agents:\n  reviw: {prompt: p.md}\n", 2, "no agent named 'reviw'", "'review'"),
        ("sandbox:\n  levl: auto\n", 2, "'sandbox.levl'", "'level'"),
        ("sandbox:\n  level: bubblewarp\n", 2, "sandbox.level", "'bubblewrap'"),
        ("approvals:\n  read: alow\n", 2, "approvals.read", "'allow'"),
        ("folder: /tmp\n", 1, "no setting 'folder'", "default_model"),
        ("1: x\n", 1, "no setting '1'", "default_model"),
        ("retries: 1\nskills: []\nretries: 2\n", 3, "'retries' stands on line 1 already", "remove one"),
        ("skills:\n  - a\n  - {b: c}\n", 3, "skills.1", "{'b': 'c'}"),
        ("skillz: []\nmodels:\n  a: {model: 3}\n", 1, "'skillz'", "'skills'"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, line: int, message: str, hint: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        read_yaml(path)
    assert f"{path}, line {line}:" in caught.value.message
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_name_that_is_like_an_agents_may_be_that_of_ones_own(tmp_path: Path) -> None:
    config = read_yaml(write(tmp_path, "agents:\n  reviewer: {prompt: p.md}\n  tester: {prompt: p.md}\n"))
    assert list(config.agents) == ["reviewer", "tester"]


def every_section(model: type[BaseModel] = Config, location: Location = ()) -> Iterator[Location]:
    """Where keys may stand, in an agents.yaml in which everything is given."""
    yield location
    for name, field in model.model_fields.items():
        inner = section_of(model, (name,))
        named = section_of(model, (name, "x"))
        if inner is not None:
            yield from every_section(inner, (*location, name))
        elif named is not None and "dict[" in str(field.annotation):
            yield from every_section(named, (*location, name, "x"))


SECTIONS = list(every_section())


@pytest.mark.parametrize("location", SECTIONS, ids=lambda location: ".".join(location) or "top")
def test_a_wrong_key_is_met_by_the_right_one_in_every_section(location: Location) -> None:
    section = section_of(Config, location)
    assert section is not None
    right = next(name for name, field in section.model_fields.items() if not field.exclude and len(name) > 3)
    wrong = right[:-2] + right[-1] + right[-2]
    data: Any = {wrong: 1}
    for part in reversed(location):
        data = {part: data}
    faults = config_faults(data, Page("f", lambda _: 1))
    assert [fault.hint for fault in faults if fault.key == ".".join([*location, wrong])] == [f"Did you mean {right!r}?"]


def test_there_are_sections_of_all_kinds() -> None:
    assert {(), ("models", "x", "price"), ("agents", "x", "limits"), ("graphs", "debate")} <= set(SECTIONS)
    assert section_of(Config, ("models",)) is None
    assert section_of(Config, ("tools", "x")) is None


def test_all_that_is_wrong_is_found_in_the_order_of_lines(tmp_path: Path) -> None:
    text = "retries: 0\nmodles: {}\nmodels:\n  a:\n    modle: x\nagents:\n  reviw: {}\nbudget: {turns: -1}\n"
    file = read_yaml_file(write(tmp_path, text))
    faults = config_faults(file.data, Page("f", file.line_of))
    assert [(fault.line, fault.key) for fault in faults] == [
        (1, "retries"),
        (2, "modles"),
        (5, "models.a.modle"),
        (7, "agents.reviw"),
        (8, "budget.turns"),
    ]


@pytest.mark.parametrize("text", ["models:\n  a: b: c\n", "agents: [\n", "\tretries: 1\n"])
def test_what_is_not_yaml_is_refused_with_its_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"line \d+: this is not YAML"):
        read_yaml(write(tmp_path, text))


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n"])
def test_an_empty_file_is_the_defaults(tmp_path: Path, text: str) -> None:
    assert read_yaml(write(tmp_path, text)).retries == Config().retries


def test_a_list_and_bytes_are_no_settings(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="line 1: settings are expected"):
        read_yaml(write(tmp_path, "- a\n"))
    path = tmp_path / "agents.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_yaml(path)


def test_where_the_file_is_looked_for(tmp_path: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, named = tmp_path / "here", tmp_path / "named.yaml"
    here.mkdir()
    own_home.mkdir()
    monkeypatch.chdir(here)
    assert load_settings().config_file is None
    (own_home / "agents.yaml").write_text("retries: 2\n")
    assert load_settings().config.retries == 2
    (here / "agents.yaml").write_text("retries: 3\n")
    assert load_settings().config.retries == 3
    named.write_text("retries: 5\n")
    monkeypatch.setenv("NEXUS_CONFIG", str(named))
    assert load_settings().config.retries == 5
    assert load_settings(here / "agents.yaml").config.retries == 3
    with pytest.raises(ConfigError, match="There is no settings file"):
        load_settings(tmp_path / "absent.yaml")
