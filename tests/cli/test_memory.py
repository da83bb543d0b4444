"""`nexus memory`: what a person does with what was remembered."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from nexus_agents.cli.app import run
from tests.cli.conftest import Done


@pytest.fixture
def nexus(here: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """The command within this process: there are a hundred of them here, and none is ever killed."""
    monkeypatch.chdir(here)

    def call(*args: str | Path, env: Mapping[str, str] | None = None) -> Done:
        with monkeypatch.context() as patch:
            for name, value in (env or {}).items():
                patch.setenv(name, value)
            capfd.readouterr()
            rc = run([str(arg) for arg in args])
        out, err = capfd.readouterr()
        return Done(rc, out, err, 0.0)

    return call


@pytest.fixture(autouse=True)
def words_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Found by words, wherever these tests run."""
    monkeypatch.setenv("NEXUS_EMBEDDER", "none")


def listed(nexus: Any, *args: str | Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in nexus("memory", "list", "--json", *args).out.splitlines()]


def test_add_search_list(nexus: Any, here: Path) -> None:
    done = nexus("memory", "add", "Invoices begin at QX-1000.", "--kind", "procedure", "--source", "README.md")
    assert (done.rc, done.out) == (0, "Remembered as fact 1: Invoices begin at QX-1000.\n"), done
    nexus("memory", "add", "I like short answers", "--scope", "user", "--kind", "preference", "--key", "answers")
    found = nexus("memory", "search", "where does qx-1000 come from?")
    assert "Invoices begin at QX-1000." in " ".join(found.out.split())
    assert "procedure" in found.out
    assert found.err == "Searched by words only: switched off (NEXUS_EMBEDDER=none)\n"
    (line,) = nexus("memory", "search", "answers", "--json").out.splitlines()
    assert json.loads(line)["fact"]["text"] == "I like short answers"
    assert json.loads(line)["by"] == "words"
    assert [fact["author"] for fact in listed(nexus)] == ["user", "user"]
    assert [fact["text"] for fact in listed(nexus, "--scope", "user")] == ["I like short answers"]
    assert [fact["source"] for fact in listed(nexus, "--kind", "procedure")] == ["README.md"]
    elsewhere = here.parent / "elsewhere"
    elsewhere.mkdir()
    assert [fact["text"] for fact in listed(nexus, "--workspace", elsewhere)] == ["I like short answers"]
    assert len(listed(nexus, "--workspace", elsewhere, "--all")) == 2
    assert nexus("memory", "search", "elephant").err.endswith('Nothing. Add a fact with: nexus memory add "..."\n')


def test_a_key_supersedes_and_the_history_stays(nexus: Any) -> None:
    nexus("memory", "add", "The port is 8000.", "--key", "port")
    nexus("memory", "add", "The port is 9000.", "--key", "port", "--days", "7")
    assert [fact["text"] for fact in listed(nexus)] == ["The port is 9000."]
    newer, older = listed(nexus, "--history")
    assert (older["ended"], older["superseded_by"]) == ("superseded", newer["id"])
    assert newer["ttl"] == 7 * 24 * 60
    assert "superseded" in nexus("memory", "list", "--history").out


def test_forget_and_undo(nexus: Any) -> None:
    nexus("memory", "add", "The port is 8000.")
    done = nexus("memory", "forget", "1")
    assert (done.rc, done.out) == (0, "Forgotten: The port is 8000.\n")
    assert "nexus memory restore 1" in done.err
    assert listed(nexus) == []
    nexus("memory", "forget", "1").refused(2, "holds no longer", "forgotten")
    assert nexus("memory", "restore", "1").out == "Restored as fact 2: The port is 8000.\n"
    assert nexus("memory", "forget", "2").rc == 0
    assert nexus("memory", "forget", "2", "--undo").rc == 0
    (fact,) = listed(nexus)
    erased = nexus("memory", "forget", str(fact["id"]), "--erase")
    assert erased.out == "Erased with its history, 3 in all: The port is 8000.\n"
    assert listed(nexus, "--all", "--history") == []


def test_export_and_import_are_a_round_trip(nexus: Any, here: Path, tmp_path: Path) -> None:
    nexus("memory", "add", "The port is 8000.", "--key", "port")
    nexus("memory", "add", "The port is 9000.", "--key", "port")
    nexus("memory", "add", "Ada likes tea é \N{GRINNING FACE}", "--scope", "user")
    done = nexus("memory", "export", "facts.jsonl", "--all", "--history")
    assert (done.rc, done.err) == (0, "3 facts in facts.jsonl\n"), done
    other = {"NEXUS_HOME": str(tmp_path / "other-home")}
    done = nexus("memory", "import", "facts.jsonl", env=other)
    assert done.out == "3 facts taken in, 0 passed over.\n", done
    assert nexus("memory", "export", "--all", "--history", env=other).out == (here / "facts.jsonl").read_text("utf-8")
    assert nexus("memory", "import", "facts.jsonl", env=other).out == "0 facts taken in, 3 passed over.\n"
    nexus("memory", "import", "facts.jsonl", "--scope", "user", env={"NEXUS_HOME": str(tmp_path / "third-home")})
    third = nexus("memory", "list", "--json", "--all", env={"NEXUS_HOME": str(tmp_path / "third-home")}).out
    assert {tuple(json.loads(line)["namespace"]) for line in third.splitlines()} == {("user",)}


def test_facts_of_a_run(nexus: Any, runs: Any) -> None:
    nexus("run", "what can you do?")
    run_id = runs()[0]["id"]
    done = nexus("memory", "add", "The user asked for help.", "--scope", "run", "--run", run_id[:-1])
    assert done.rc == 0, done
    assert listed(nexus) == []
    assert [fact["run_id"] for fact in listed(nexus, "--run", run_id)] == [run_id]


def test_what_is_wrong_is_said_in_two_lines(nexus: Any, here: Path) -> None:
    nexus("memory", "add", "The password is hunter2.").refused(2, "looks like a password", "keyring")
    nexus("memory", "add", " ").refused(2, "nothing to remember")
    nexus("memory", "add", "x", "--scope", "world").refused(2, "no scope 'world'", "user, project, run")
    nexus("memory", "add", "x", "--scope", "run").refused(2, "Which run is not said", "--run")
    nexus("memory", "add", "x", "--scope", "run", "--run", "nope").refused(2, "There is no run nope")
    nexus("memory", "add", "x", "--kind", "rumour").refused(2, "no kind 'rumour'", "preference")
    nexus("memory", "forget", "99").refused(2, "There is no fact 99")
    nexus("memory", "restore", "99").refused(2, "There is no fact 99")
    nexus("memory", "import", "missing.jsonl").refused(2, "missing.jsonl cannot be read")
    nexus("memory", "export", "no/such/folder/x.jsonl").refused(2, "cannot be written")
    (here / "broken.jsonl").write_text('{"namespace": ["user"], "text": "a", "author": "b"}\n{"text": 1}\n')
    nexus("memory", "import", "broken.jsonl").refused(2, "line 2", "nothing of this one")
    assert listed(nexus, "--all") == []
    nexus("memory", "search", "x", env={"NEXUS_EMBEDDER": "nonsense"}).refused(2, "nonsense")


def test_doctor_says_how_facts_are_found(nexus: Any) -> None:
    found = [json.loads(line) for line in nexus("doctor", "--json").out.splitlines()]
    (line,) = [check for check in found if check["what"] == "facts"]
    assert line["state"] == "absent"
    assert line["says"].startswith("found by words only")
