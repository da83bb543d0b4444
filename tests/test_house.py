"""The house holds: floors, sizes, names, formats and types, as docs/architecture.md promises."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
ROOMS = ("nexus_agents", "tools", "graphs", "memory", "tui")

LONG_WITH_A_REASON: dict[str, str] = {}
"""Files over 400 lines and why. This list may only shrink."""


def sources(*rooms: str) -> list[Path]:
    return [path for room in rooms or ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(part) for part in command], cwd=ROOT, capture_output=True, text=True, timeout=280)


@pytest.mark.parametrize(
    "command",
    [
        (BIN / "ruff", "format", "--check", "."),
        (BIN / "ruff", "check", "."),
        (BIN / "lint-imports", "--no-cache"),
        (BIN / "pyright",),
    ],
    ids=["format", "lint", "imports", "types"],
)
def test_checks(command: tuple[str | Path, ...]) -> None:
    done = run(*command)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def test_files_are_short() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in sources()}
    too_long = {name: lines for name, lines in lengths.items() if lines > 400}
    assert set(too_long) == set(LONG_WITH_A_REASON), "each long file needs a reason, and each reason a long file"
    assert all(lines <= 600 for lines in too_long.values())


def test_every_module_says_what_it_is() -> None:
    silent = [path for path in sources() if not ast.get_docstring(ast.parse(path.read_text()))]
    assert not silent


def test_common_names_are_ours() -> None:
    import graphs
    import memory
    import tools
    import tui

    for room in (graphs, memory, tools, tui):
        assert Path(str(room.__file__)).parent.parent == ROOT


def test_no_script_folder_shadows_the_standard_library() -> None:
    # `python graphs/debate.py` puts graphs/ first on sys.path: a graphs/json.py would break the interpreter.
    names = {path.stem for path in (ROOT / "graphs").glob("*.py")}
    assert not names & sys.stdlib_module_names


def test_no_pickle_and_no_eval() -> None:
    for path in sources():
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                imported = [alias.name for alias in node.names] + [getattr(node, "module", "") or ""]
                assert not {"pickle", "marshal", "dill", "shelve"} & set(imported), path
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("eval", "exec"), path


HEAVY = ("torch", "transformers", "diffusers", "scipy", "numpy", "textual", "sqlalchemy", "langgraph")
LANGCHAIN = ("langchain", "langchain_core", "langchain_openai", "openai", "sympy")


@pytest.mark.parametrize(
    ("statement", "forbidden"),
    [
        ("import nexus_agents", (*HEAVY, *LANGCHAIN, "pydantic", "typer")),
        ("import memory", (*HEAVY, *LANGCHAIN)),
        ("import tools, graphs, tui", (*HEAVY, *LANGCHAIN)),
        ("from nexus_agents.cli.app import app", (*HEAVY, *LANGCHAIN)),
        ("from nexus_agents.runtime import runtime", (*HEAVY, *LANGCHAIN)),
        ("import nexus_agents.core.ports, nexus_agents.core.events, nexus_agents.core.work", (*HEAVY, *LANGCHAIN)),
        ("import tools.speak, tools.clone_voice, tools.assemble_podcast", (*HEAVY, *LANGCHAIN)),
    ],
)
def test_faces_import_nothing_heavy(statement: str, forbidden: tuple[str, ...]) -> None:
    seen = run(sys.executable, "-c", f"{statement}; import sys; print(*sys.modules)")
    assert seen.returncode == 0, seen.stderr
    loaded = {name.partition(".")[0] for name in seen.stdout.split()}
    assert not loaded & set(forbidden)


def test_public_face_is_lazy_and_complete() -> None:
    import nexus_agents

    for name in nexus_agents.__all__:
        assert getattr(nexus_agents, name).__name__ == name
    with pytest.raises(AttributeError):
        _ = nexus_agents.Nothing  # type: ignore[attr-defined]
