"""`nexus config`: all that is wrong is told with its line, what is in force is shown, secrets are not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from nexus_agents.cli.app import run
from nexus_agents.core.budget import Price
from nexus_agents.core.config import Config, ModelConfig, PriceConfig
from nexus_agents.core.schema import FOLDER
from nexus_agents.runtime.config_check import check_config, price_of

Write = Callable[[str], Path]


@pytest.fixture
def write(home: Path) -> Write:
    """Write the agents.yaml of the current folder."""

    def written(text: str) -> Path:
        path = Path("agents.yaml").absolute()
        path.write_text(text)
        return path

    return written


@pytest.mark.parametrize(
    ("text", "key", "line", "message", "hint"),
    [
        ("default_model: lokal\nmodels: {local: {model: 'builtin:nexus'}}\n", "default_model", 1, "'lokal'", "'local'"),
        ("models:\n  a:\n    model: opanai:x\n", "models.a.model", 3, "'opanai'", "'openai:x'"),
        ("models:\n  a: {model: b}\n  b: {model: 'openai:x'}\n", "models.a.model", 2, "'b' is not a model", "provider"),
        ("models:\n  a:\n    model: openai:x\n    fallbacks:\n    - openai:y\n    - bb\n",
         "models.a.fallbacks.1", 6, "'bb'", "provider:model"),
        ("agents:\n  review:\n    model: lcoal\nmodels: {local: {model: 'builtin:nexus'}}\n",
         "agents.review.model", 3, "'lcoal'", "'local'"),
        ("graphs:\n  debate:\n    debaters: [auto, builtin:serch]\n",
         "graphs.debate.debaters.1", 3, "'serch'", "builtin:search"),
        ("graphs: {debate: {judge: jugde}}\nmodels: {judge: {model: 'builtin:judge'}}\n",
         "graphs.debate.judge", 1, "'jugde'", "'judge'"),
        ("models:\n  a: {model: 'openai:x', fallbacks: [b]}\n  b:\n    model: openai:y\n    fallbacks: [c]\n"
         "  c: {model: 'openai:z', fallbacks: [a]}\n",
         "models.c.fallbacks.0", 6, "in a circle: a -> b -> c -> a", "Remove one"),
        ("models:\n  a: {model: 'openai:x', fallbacks: [a]}\n", "models.a.fallbacks.0", 2, "a -> a", "Remove one"),
        # What is wrong with fallbacks is no fault of the other models that are named, nor of their prices.
        ("default_model: a\nbudget: {tokens: 9}\nmodels:\n  a:\n    model: builtin:nexus\n    fallbacks: [bb]\n"
         "    budget: {money: 1}\n",
         "models.a.fallbacks.0", 6, "'bb'", "provider:model"),
        ("default_model: b\nmodels:\n  a: {model: 'openai:x', fallbacks: [a]}\n  b: {model: 'openai:y'}\n",
         "models.a.fallbacks.0", 3, "a -> a", "Remove one"),
        ("budget: {money: 1}\ndefault_model: 'replay:nowhere'\n", "default_model", 2, "nowhere", "record"),
        ("agents:\n  review:\n    prompt: p.md\n", "agents.review.prompt", 3, "there is no file", "Write it"),
        ("agents:\n  writer: {model: 'builtin:nexus'}\n", "agents.writer", 2, "'writer'", "needs a prompt"),
        ("agents:\n  review:\n    tools:\n    - read_file\n    - read_flie\n",
         "agents.review.tools.1", 5, "'read_flie'", "'read_file'"),
        ("agents:\n  review: {tools: ['notse.*']}\nmcp_servers: {notes: {command: python3}}\n",
         "agents.review.tools.0", 2, "'notse.*'", "'notes.*'"),
        ("agents:\n  review: {output: 'nope.mod:X'}\n", "agents.review.output", 2, "cannot be imported", "package"),
        ("agents:\n  review: {output: 'json:loads'}\n", "agents.review.output", 2, "not a pydantic model", "Name a"),
        ("tools:\n  mine: nope.mod:f\n", "tools.mine", 2, "cannot be imported", "package.module"),
        ("tools:\n  mine: json:loads\n", "tools.mine", 2, "not a function that is declared with @tool", "@tool"),
        ("more_graphs: {mine: 'probes:nothing'}\n", "more_graphs.mine", 1, "cannot be imported", "package.module"),
        ("providers: {mine: 'probes:__name__'}\n", "providers.mine", 1, "makes a chat model", "Name a"),
        ("skills:\n- here\n", "skills.0", 2, "there is no folder", "Make it"),
        ("mcp_servers:\n  notes:\n    command: no-such-program-here\n",
         "mcp_servers.notes.command", 3, "no program", "Install it"),
        ("mcp_servers:\n  notes: {url: localhost}\n", "mcp_servers.notes.url", 2, "no address", "http://"),
        ("mcp_servers:\n  notes:\n    command: python3\n    env: {A: '$$x', B: '$NO_SUCH_VARIABLE'}\n",
         "mcp_servers.notes.env.B", 4, "$NO_SUCH_VARIABLE is not set", "export"),
        ("budget:\n  money: 1\ndefault_model: openai:unheard-of-model\n",
         "budget.money", 2, "nobody knows what openai:unheard-of-model costs", "limit tokens"),
        ("models:\n  a:\n    model: openai:unheard-of-model\n    budget: {money: 1}\n",
         "models.a.budget.money", 4, "what a costs", "models.a.price"),
        ("agents:\n  review: {model: a, limits: {money: 1}}\nmodels: {a: {model: 'openai:unheard-of-model'}}\n",
         "agents.review.limits.money", 2, "what a costs", "models.a.price"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_named(write: Write, text: str, key: str, line: int, message: str, hint: str) -> None:
    (fault,) = check_config(write(text))
    assert (fault.key, fault.line) == (key, line)
    assert message in fault.message + fault.hint
    assert hint in fault.message + fault.hint


@pytest.mark.parametrize(
    "text",
    [
        "budget: {money: 1}\n",
        "budget: {money: 1}\ndefault_model: a\nmodels: {a: {model: 'openai:x', price: {input: 1, output: 2}}}\n",
        "budget: {money: 1}\ndefault_model: builtin:nexus\n",
        "models: {a: {model: 'openai:x', fallbacks: [b, c]}, b: {model: 'openai:y', fallbacks: [c]}, "
        "c: {model: 'openai:z'}}\n",
        "tools: {mine: 'probes:note'}\nagents: {review: {tools: [mine, 'notes.*', notes.add, notes_find]}}\n"
        "mcp_servers: {notes: {command: python3, env: {A: $HOME, B: plain}}}\n",
        "agents: {writer: {prompt: here.md, output: 'probes:Said'}}\nskills: [.]\n",
        "more_graphs: {mine: 'graphs.call:build'}\nagents: {role-of-a-graph: {model: 'builtin:nexus'}}\n",
    ],
)
def test_what_is_in_order_passes(write: Write, text: str) -> None:
    Path("here.md").write_text("Write.")
    assert check_config(write(text)) == []


def test_prices_come_from_the_file_first() -> None:
    class Known:
        def price(self, name: str) -> Price | None:
            return {"openai:x": Price(input=5, output=6), "openai:y": Price(input=7, output=8)}.get(name)

    config = Config(
        models={
            "a": ModelConfig(model="openai:x", price=PriceConfig(input=1, output=2)),
            "b": ModelConfig(model="openai:y"),
        }
    )
    price = price_of(config, Known())  # type: ignore[arg-type]
    assert (price("a"), price("b")) == (Price(input=1, output=2), Price(input=7, output=8))
    assert price("builtin:nexus") == Price(input=0, output=0)
    assert (price("openai:z"), price_of(config)("b")) == (None, None)


def test_check_tells_one_fault_a_line(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    path = write("retries: 0\nmodles: {}\n")
    assert run(["config", "check"]) == 2
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{path}, line 1: retries:")
    assert second == f"{path}, line 2: there is no setting 'modles'. Did you mean 'models'?"
    assert run(["config", "check", "--json", str(path)]) == 2
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(fault["line"], fault["key"]) for fault in told] == [(1, "retries"), (2, "modles")]
    write("mcp_servers: {notes: {command: python3, args: [notes.py]}}\n")
    assert run(["config", "check"]) == 0
    assert "MCP server notes: python3 notes.py" in capsys.readouterr().out
    path.write_text("a: b: c\n")
    assert run(["config", "check"]) == 2
    said = capsys.readouterr()
    assert (said.out, len(said.err.splitlines())) == ("", 2)
    path.unlink()
    assert run(["config", "check"]) == 0
    assert run(["config", "check", "absent.yaml"]) == 2


SECRETS = """
models: {a: {model: 'openai:x', base_url: 'http://me:hunter2@host/v1'}}
memory: {url: 'postgresql://me:hunter3@host/db'}
mcp_servers:
  notes:
    command: python3
    args: [server.py, --api-key, hunter4, --token=hunter5, abcdefghij0123456789xyz, 'https://h/?key=hunter6&a=b']
    env: {ONE: hunter7, TWO: $HOME}
  far: {url: 'https://me:hunter8@host/mcp?token=hunter9', headers: {Authorization: Bearer hunter10, X: 'Bearer $HOME'}}
agents: {writer: {prompt: here.md, tools: [read_file]}}
"""


def test_show_hides_secrets(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(SECRETS)
    Path("here.md").write_text("Write.")
    for flags in ([], ["--json"]):
        assert run(["config", "show", *flags]) == 0
        out = capsys.readouterr().out
        assert "hunter" not in out
        assert "abcdefghij" not in out
        assert "***" in out
        assert "$HOME" in out
    shown = json.loads(out)
    assert shown["agents_yaml"] == str(path)
    assert shown["servers"]["notes"].startswith("python3 server.py --api-key ***")
    writer = next(agent for agent in shown["agents"] if agent["name"] == "writer")
    assert writer == {
        "name": "writer",
        "own": True,
        "model": "builtin:nexus",
        "tools": ["read_file"],
        "prompt": str(path.with_name("here.md")),
        "output": "Words",
    }
    assert {"assistant", "planning", "judge"} <= {agent["name"] for agent in shown["agents"] if not agent["own"]}


def test_what_is_shown_can_be_read_as_settings(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write("retries: 3\n")
    assert run(["config", "show"]) == 0
    assert Config.model_validate(yaml.safe_load(capsys.readouterr().out)) == Config(retries=3)


def test_schema_is_what_ships(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, name in (([], "agents"), (["workflow"], "workflow")):
        assert run(["config", "schema", *arguments]) == 0
        assert capsys.readouterr().out == (FOLDER / f"{name}.schema.json").read_text()
