"""agents.yaml: defaults, and errors with file, line and the nearest right name."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from nexus_agents.core.config import Config
from nexus_agents.core.errors import ConfigError
from nexus_agents.runtime.settings import load_settings, read_yaml

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
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, line: int, message: str, hint: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        read_yaml(path)
    assert f"{path}, line {line}:" in caught.value.message
    assert message in caught.value.message
    assert hint in caught.value.hint


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
