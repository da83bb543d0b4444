"""What a user meets first: help, versions, wrong commands, wrong names of runs."""

from __future__ import annotations

import resource
import subprocess
import sys
from typing import Any

import pytest

COMMANDS = (
    *("run", "runs", "show", "resume", "say", "history", "fork", "rewind", "replay"),
    *("debate", "podcast", "speak", "voices", "doctor", "gc"),
)
VOICES = ("consent", "clone", "revoke", "remove")
HEAVY = (
    *("torch", "transformers", "langgraph", "langchain", "langchain_core", "langchain_openai", "openai"),
    *("sqlalchemy", "scipy", "numpy", "textual", "sympy", "soundfile"),
)


def test_help_and_version(inside: Any) -> None:
    shown = inside("--help")
    assert (shown.rc, shown.err) == (0, "")
    assert all(f" {command} " in shown.out for command in COMMANDS)
    version = inside("--version")
    assert (version.rc, version.err) == (0, "")
    assert version.out.startswith("nexus ")
    alone = inside()
    assert alone.rc == 2
    assert "Usage: nexus" in alone.out + alone.err
    assert "fault" not in alone.err


def test_help_is_cheap() -> None:
    code = "import sys\nfrom nexus_agents.cli import main\ntry:\n main(['--help'])\n"
    code += "finally:\n print(*sys.modules, file=sys.stderr)"
    took: list[float] = []
    # Beside it, on the same machine at the same time: the libraries that any such command needs.
    bare: list[float] = []
    for _ in range(3):
        shown, spent = cpu_of(code)
        took.append(spent)
        assert shown.returncode == 0
        assert not {name.partition(".")[0] for name in shown.stderr.split()} & set(HEAVY)
        bare.append(cpu_of("import pydantic, typer, typer.rich_utils")[1])
    assert min(took) < max(0.5, 3 * min(bare))


def cpu_of(code: str) -> tuple[subprocess.CompletedProcess[str], float]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return shown, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_every_command_explains_itself() -> None:
    # In one process: fifteen starts would cost more than they show.
    code = "import contextlib\nfrom nexus_agents.cli.app import run\n"
    code += f"for words in [[c] for c in {COMMANDS}] + [['voices', c] for c in {VOICES}]:\n"
    code += " print('#', *words)\n assert run([*words, '--help']) == 0, words"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert shown.returncode == 0, shown.stderr
    pages = shown.stdout.split("\n# ")
    assert len(pages) == len(COMMANDS) + len(VOICES)
    for page in pages:
        assert "Usage: nexus" in page
        assert len([line for line in page.splitlines() if "  " in line and line.strip(" │╭╰─╮╯")]) > 3, page


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["frobnicate"], "frobnicate"),
        (["voices", "clon", "x.wav"], "clone"),
        (["run"], "request"),
        (["run", "hi", "--bogus"], "--bogus"),
        (["runs", "-n", "many"], "--limit"),
        (["debate", "x", "--rounds", "99"], "--rounds"),
        (["run", "   "], "empty"),
        (["run", b"caf\xe9".decode("utf-8", "surrogateescape")], "UTF-8"),
        (["show", "nope"], "There is no run nope."),
        (["resume", "nope"], "There is no run nope."),
        (["runs", "--config", "nope.yaml"], "nope.yaml"),
    ],
)
def test_wrong_words_are_refused(inside: Any, words: list[str], says: str) -> None:
    inside(*words).refused(2, says)


def test_runs_by_prefix(inside: Any, runs: Any) -> None:
    assert (inside("resume").rc, inside("resume").err) == (0, "There is nothing to resume.\n")
    for _ in range(2):
        assert inside("run", "list voices").rc == 0
    first, second = (run["id"] for run in runs())
    same = next(n for n in range(len(first), 0, -1) if first[:n] == second[:n])
    inside("show", first[:same]).refused(2, first, second, "more characters")
    assert inside("show", first[: same + 1]).out.startswith(first)
    inside("resume", first).refused(2, "is done", f"nexus show {first}")
