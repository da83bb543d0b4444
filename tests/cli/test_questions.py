"""Questions that a run asks, answered at the terminal and by `nexus resume --answer`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nexus_agents.core.events import ApprovalAsked, RunFinished, RunResumed, RunStarted
from nexus_agents.runtime.questions import commands_for, open_questions


def step(*commands: str, **more: Any) -> dict[str, Any]:
    """A step that runs commands, side by side."""
    return {"calls": [{"name": "run_command", "args": {"command": command}} for command in commands], **more}


def events_of(inside: Any, run: str) -> list[dict[str, Any]]:
    return json.loads(inside("show", run, "--json").out)["events"]


def newest(inside: Any) -> dict[str, Any]:
    return json.loads(inside("runs", "--json", "-n", "1").out)


def ran(inside: Any, run: str) -> list[str]:
    """The commands that were really run, in order."""
    return [event["arguments"]["command"] for event in events_of(inside, run) if event["type"] == "tool_started"]


@pytest.fixture
def waits(inside: Any, team: Any) -> Any:
    """Start a run that works some steps and waits at the first question; returns its id."""

    def begin(*steps: Any, **settings: Any) -> str:
        team([*steps, "That is all."], **settings)
        asked = inside("run", "work", "-w", "w")
        assert asked.rc == 5, asked
        return newest(inside)["id"]

    return begin


# -- nobody is there -----------------------------------------------------------------------------------


def test_a_run_that_waits_says_the_commands(inside: Any, team: Any) -> None:
    team([step("echo one")])
    asked = inside("run", "work", "-w", "w")
    run = newest(inside)["id"]
    asked.failed(5, "May assistant run run_command?", f"nexus resume {run} --yes")
    for answer in ("yes", "always", "no --reason TEXT", "never"):
        assert f"  nexus resume {run} --answer {answer}\n" in asked.err
    assert (
        f"""  nexus resume {run} --answer yes --arguments '{{"command": "echo one", "timeout": 120.0}}'""" in asked.err
    )
    shown = inside("show", run).out
    assert "Questions" in shown
    assert "run_command(echo one)" in shown


def test_always_holds_for_this_kind_in_the_thread_and_for_no_other(inside: Any, waits: Any) -> None:
    run = waits(step("echo one"), step("echo one more"), step("printf two"), "First.", step("echo one later"))
    again = inside("resume", run, "--answer", "always")
    again.failed(5, "May assistant run run_command?")
    assert ran(inside, run) == ["echo one", "echo one more"], "printf is another kind"
    done = inside("resume", run, "--answer", "yes")
    assert (done.rc, done.out.strip()) == (0, "First."), done
    more = inside("run", "go on", "--thread", run)
    assert (more.rc, more.out.strip()) == (0, "That is all."), more
    assert ran(inside, newest(inside)["id"]) == ["echo one later"]


def test_never_is_told_to_the_model_and_holds(inside: Any, waits: Any, here: Path) -> None:
    run = waits(step("echo one"), step("echo one more"))
    done = inside("resume", run, "--answer", "never", "--reason", "no noise, please")
    # The last thing that was tried was refused, and so the run has not done what was asked.
    assert (done.rc, done.out.strip()) == (1, "That is all."), done
    assert "A person said no to every call like run_command(echo one)." in done.err
    assert ran(inside, run) == []
    team = json.loads((here / "served.jsonl").read_text().splitlines()[-1])
    assert team["step"] == 2, "nothing was asked about the second call"
    assert newest(inside)["approved"] == ["not:run_command(echo one)"]


def test_an_answer_of_always_can_be_taken_back(inside: Any, waits: Any) -> None:
    run = waits(step("echo one"), "First.", step("echo two"))
    assert inside("approvals", run).out == ""
    assert inside("resume", run, "--answer", "always").rc == 0
    assert inside("approvals", run).out == "run_command(echo one)\n"
    inside("approvals", run, "--revoke", "run_command").refused(2, "Nothing like 'run_command' was answered here")
    back = inside("approvals", run, "--revoke", "run_command(echo one)")
    assert (back.rc, back.out) == (0, "run_command(echo one)\n")
    assert json.loads(inside("approvals", run, "--json").out) == []
    assert "There is nothing to take back." in inside("approvals", run, "--revoke-all").err
    inside("run", "go on", "--thread", run).failed(5, "May assistant run run_command?")


def test_an_edited_call_is_made_as_it_was_edited(inside: Any, waits: Any, here: Path) -> None:
    run = waits(step("rm -rf ."))
    before = events_of(inside, run)
    wrong = [("{", "no JSON"), ("[1]", "no JSON object"), ('{"comand": "ls"}', "comand"), ('{"command": 7}', "command")]
    for arguments, says in wrong:
        inside("resume", run, "--answer", "yes", "--arguments", arguments).refused(2, says)
    assert events_of(inside, run) == before, "refused before the run goes on"
    done = inside("resume", run, "--answer", "yes", "--arguments", '{"command": "echo fine > made.txt"}')
    assert done.rc == 0, done
    assert ran(inside, run) == ["echo fine > made.txt"]
    assert (here / "w" / "made.txt").read_text() == "fine\n"


def test_of_several_questions_one_is_chosen(inside: Any, waits: Any) -> None:
    run = waits(step("echo one", "echo two"))
    asked = [event for event in events_of(inside, run) if event["type"] == "approval_asked"]
    assert len(asked) == 2
    # They are asked at one moment: which one comes first is open.
    named = {event["arguments"]["command"]: event["approval_id"] for event in asked}
    first, second = named["echo one"], named["echo two"]
    several = inside("resume", run, "--answer", "yes", "--arguments", '{"command": "echo"}')
    several.refused(2, first, second, "--question")
    inside("resume", run, "--answer", "no", "--question", "nothing").refused(2, "no question that is open")
    one = inside("resume", run, "--answer", "yes", "--question", second, "--arguments", '{"command": "echo 2"}')
    one.failed(5, "May assistant run run_command?")
    assert ran(inside, run) == ["echo 2"]
    assert inside("resume", run, "--answer", "yes").rc == 0
    assert ran(inside, run) == ["echo 2", "echo one"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--arguments", "{}"], "there is none"),
        (["--reason", "so"], "there is none"),
        (["--question", "x"], "there is none"),
        (["--answer", "perhaps"], "--answer"),
        (["--answer", "no", "--arguments", '{"command": "ls"}'], "no refusal"),
        (["--answer", "always", "--arguments", '{"command": "ls"}'], "no answer for always"),
    ],
)
def test_answers_that_make_no_sense_are_refused(inside: Any, waits: Any, words: list[str], says: str) -> None:
    run = waits(step("echo one"))
    inside("resume", run, *words).refused(2, says)
    assert newest(inside)["status"] == "waiting"


def test_a_run_that_asks_nothing_takes_no_answer(inside: Any, team: Any) -> None:
    team([step("echo one")])
    inside("run", "work", "--turns", "1", "--yes").failed(4)
    inside("resume", "--answer", "yes").refused(2, "waits for no answer: it is interrupted")


# -- somebody is there ---------------------------------------------------------------------------------


def test_the_keys(inside: Any, team: Any) -> None:
    team([step("echo one"), step("echo one more"), step("printf three"), step("printf four"), step("ls"), "Done."])
    done = inside("run", "work", "-w", "w", stdin="what\na\nr\n")
    assert (done.rc, done.out.strip()) == (0, "Done."), done
    assert "always and never are about: run_command(echo one)" in done.err
    assert "One of these letters, please" in done.err
    assert done.err.count("[q]uit") == 3, "one key that is none, and two questions"
    run = newest(inside)
    assert ran(inside, run["id"]) == ["echo one", "echo one more", "printf three", "printf four", "ls"]
    assert run["approved"] == ["run_command(echo one)", "execute"]


def test_no_and_never_say_why_and_quit_leaves_the_question(inside: Any, team: Any) -> None:
    team([step("echo one"), step("printf two"), step("printf three"), step("ls"), "Without."])
    left = inside("run", "work", "-w", "w", stdin="n not now\nnever ask me that\nq\n")
    assert left.rc == 5, left
    run = newest(inside)
    assert run["approved"] == ["not:run_command(printf two)"]
    assert ran(inside, run["id"]) == []


def test_the_arguments_are_edited_on_a_line(inside: Any, team: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EDITOR", raising=False)
    monkeypatch.delenv("VISUAL", raising=False)
    team([step("rm -rf ."), "Done."])
    typed = 'e\n{"command": \ne\n{"comand": "ls"}\ne\n\ne\n{"command": "echo fine"}\n'
    done = inside("run", "work", "-w", "w", stdin=typed)
    assert done.rc == 0, done
    assert "no JSON" in done.err
    assert "comand" in done.err
    assert "Nothing was changed." in done.err
    assert ran(inside, newest(inside)["id"]) == ["echo fine"]


def test_the_arguments_are_edited_in_the_editor(
    inside: Any, team: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = tmp_path / "my editor"
    seen = tmp_path / "seen"
    editor.write_text(
        f'#!/bin/sh\ncat "$2" >> "{seen}"\n'
        # The first time half a text is left, the second time it is mended, as it was found.
        'if grep -q broken "$2"; then echo \'{"command": "echo mended"}\' > "$2"; else echo broken > "$2"; fi\n'
    )
    editor.chmod(0o755)
    monkeypatch.setenv("EDITOR", f"'{editor}' --wait")
    team([step("rm -rf ."), "Done."])
    done = inside("run", "work", "-w", "w", stdin="e\ne\n")
    assert done.rc == 0, done
    assert ran(inside, newest(inside)["id"]) == ["echo mended"]
    assert '"command": "rm -rf ."' in seen.read_text()
    for broken in ("false", "'", "/nowhere/editor"):
        monkeypatch.setenv("EDITOR", broken)
        team([step("rm -rf ."), "Done."])
        left = inside("run", "work", stdin="e\nq\n")
        assert left.rc == 5
        assert "The editor" in left.err


# -- the questions of a log ----------------------------------------------------------------------------


def asked(approval_id: str, **more: Any) -> ApprovalAsked:
    told = {
        "agent": "a",
        "tool": "t",
        "call_id": "c",
        "risk": "execute",
        "arguments": {},
        "question": "?",
        "how": "how",
    }
    return ApprovalAsked(approval_id=approval_id, **{**told, **more})


def test_open_questions_are_those_of_the_last_stretch() -> None:
    started = RunStarted(run_id="r", graph="g", request="x", workspace="/", model="m", model_reason="")
    events: list[Any] = [started, asked("a"), asked("b"), RunFinished(run_id="r", status="waiting")]
    assert [one.approval_id for one in open_questions(events)] == ["a", "b"]
    events += [RunResumed(run_id="r", finished_calls=0)]
    assert open_questions(events) == []
    events += [asked("b"), asked("b")]
    assert [one.approval_id for one in open_questions(events)] == ["b"], "asked twice, open once"


def test_commands_fit_the_question() -> None:
    assert commands_for("r", [asked("a", risk="identity", how="nexus voices consent x")]) == ["nexus voices consent x"]
    plan = commands_for("r", [asked("a", risk="plan", how="nexus resume r --answer yes", arguments={"x": "y" * 200})])
    assert plan == [
        "nexus resume r --answer yes",
        "nexus resume r --answer no --reason TEXT",
        "nexus resume r --answer yes --arguments JSON",
    ]
    two = commands_for("r", [asked("a"), asked("b", kind="t(x)")])
    assert "nexus resume r --question b --answer always" in two
    assert "nexus resume r --question a --answer always" not in two
