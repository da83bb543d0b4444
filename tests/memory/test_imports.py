from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("sqlalchemy", "alembic", "psycopg", "langgraph", "langchain", "langchain_core", "psutil")

OPENS = """
import asyncio
from memory import open_memory
async def main():
    async with open_memory({url!r}, checkpoints=False) as memory:
        await memory.runs.list()
asyncio.run(main())
"""


def imported(code: str) -> set[str]:
    answer = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return {name.split(".")[0] for name in answer.stdout.split()} & set(HEAVY)


def test_the_package_alone_imports_nothing_heavy() -> None:
    assert imported("import memory") == set()


def test_langgraph_is_imported_only_for_checkpoints(url: str) -> None:
    driver = {"psycopg"} if url.startswith("postgresql") else set()
    assert imported(OPENS.format(url=url)) == {"sqlalchemy", "alembic"} | driver
    assert imported(OPENS.format(url=url)) == {"sqlalchemy"} | driver, "tables are ready: no Alembic"


def test_langgraph_is_strict_after_the_first_import() -> None:
    code = "import memory; from langgraph.checkpoint.serde import _msgpack as m; print(m.STRICT_MSGPACK_ENABLED)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert answer.stdout.strip() == "True"


def test_names_that_are_not_there_are_refused() -> None:
    import memory

    assert callable(memory.open_memory)
    with pytest.raises(AttributeError, match="nothing"):
        _ = memory.nothing  # type: ignore[attr-defined]


def test_this_is_the_memory_of_this_project() -> None:
    import memory

    assert Path(memory.__file__).parent.parent == Path(__file__).parents[2]
