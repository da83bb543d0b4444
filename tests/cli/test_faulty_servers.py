"""A model server that is down, slow, wrong or rude: retried, told in two lines, and resumed once it is well."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from nexus_agents.core.events import EVENT

Runs = Callable[[], list[dict[str, Any]]]


@pytest.mark.parametrize(
    "mode", ["hang", pytest.param(500, marks=pytest.mark.slow), pytest.param("cut", marks=pytest.mark.slow)]
)
def test_transient_fault_leaves_the_run_resumable(nexus: Any, on_server: Any, runs: Runs, mode: str | int) -> None:
    on_server.mode = mode
    done = nexus("run", "say hello")
    done.failed(3, "openai:fake", "again in", "nexus resume")
    assert runs()[0]["status"] == "interrupted"
    assert len(on_server.of_agents) == 2
    assert len(on_server.requests) == 3, "what the model can do is tried out once, however often it is called"
    on_server.mode = "healthy"
    resumed = nexus("resume")
    assert (resumed.rc, resumed.out.strip()) == (0, "You said: say hello")
    assert len(on_server.of_agents) == 3
    assert len(on_server.requests) == 7, "a server that is well again is tried out, by three requests"
    assert runs()[0]["status"] == "done"


@pytest.mark.parametrize("mode", [401, 404])
def test_refused_call_is_a_matter_of_settings(nexus: Any, on_server: Any, mode: int) -> None:
    on_server.mode = mode
    done = nexus("run", "say hello")
    done.failed(2, "openai:fake", str(mode), "nexus doctor")
    assert len(on_server.of_agents) == 1
    assert len(on_server.requests) == 2, "a refusal is no fault that passes: neither is asked again"


@pytest.mark.parametrize("mode", ["html", "nonsense"])
def test_nonsense_is_no_fault_of_nexus(nexus: Any, on_server: Any, runs: Runs, mode: str) -> None:
    on_server.mode = mode
    done = nexus("run", "say hello")
    done.failed(3, "openai:fake", "nexus resume")
    assert runs()[0]["status"] == "interrupted"


def test_closed_port(nexus: Any, here: Any, runs: Runs) -> None:
    text = "default_model: down\nretries: 2\nmodels: {down: {model: 'openai:x', base_url: 'http://127.0.0.1:9/v1'}}\n"
    (here / "agents.yaml").write_text(text)
    done = nexus("run", "--json", "say hello")
    assert (done.rc, done.err) == (3, "")
    events = [EVENT.validate_json(line) for line in done.out.splitlines()]
    assert [event.type for event in events if event.type == "retried"] == ["retried"]
    assert (events[-1].type, events[-1].error.exit_code) == ("run_finished", 3)
    assert runs()[0]["status"] == "interrupted"


def test_whole_debate_on_a_server(nexus: Any, on_server: Any, here: Any) -> None:
    done = nexus("run", "--json", "let them debate whether 91 is prime", "-w", here / "w")
    assert (done.rc, done.err) == (0, "")
    events = [json.loads(line) for line in done.out.splitlines()]
    called = [event["tool"] for event in events if event["type"] == "tool_started"]
    assert called == ["debate", "write_file"]
    chunks = [event for event in events if event["type"] == "text_chunk" and event["agent"] == "assistant"]
    assert len(chunks) > 4
    assert "".join(chunk["text"] for chunk in chunks) == "The tool has answered, and 91 is not prime."
    assert events[-1]["summary"] == "The tool has answered, and 91 is not prime."
    assert any(event["type"] == "usage" and event["input_tokens"] == 7 for event in events)
    assert "91 is not prime" in (here / "w" / "debate-is-91-prime.md").read_text()


@pytest.mark.slow
def test_fault_in_the_middle_keeps_what_was_finished(nexus: Any, on_server: Any, here: Any) -> None:
    (here / "agents.yaml").write_text(
        (here / "agents.yaml").read_text() + "graphs: {debate: {debaters: ['builtin:symbolic', fake]}}\n"
    )
    on_server.mode = 503
    done = nexus("run", "-m", "builtin:nexus", "debate: is 91 prime?", "-w", here / "w")
    done.failed(3, "openai:fake")
    run_id = json.loads(nexus("runs", "--json").out.splitlines()[0])["id"]
    before = json.loads(nexus("show", run_id, "--json").out)["events"]
    had_answered = [event["agent"] for event in before if event["type"] == "message"]
    on_server.mode = "healthy"
    resumed = nexus("resume", "--json")
    assert resumed.rc == 0, resumed
    events = [json.loads(line) for line in resumed.out.splitlines()]
    # The debater that had answered before the fault does not answer again.
    said = [event for event in events if event["type"] == "message"]
    before_criticism = [
        event["agent"] for event in said[: next(n for n, e in enumerate(said) if "agrees" in e["data"])]
    ]
    assert sorted([*had_answered, *before_criticism]) == ["builtin:symbolic", "fake"]
