from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from nexus_agents.core.errors import ToolInputError, WorkspaceError
from tools.outline import outline
from tools.repository_map import repository_map

ROOT = Path(__file__).parents[2]

FILES = {
    "README.md": "# Shop\n",
    "shop/models.py": '''"""Models."""


class Order(Base):
    """An order of a customer.

    More.
    """

    def total(self, tax: float = 0.2) -> float:
        return 1

    def _hidden(self): ...


class Unused:
    pass
''',
    "shop/api.py": '''from shop.models import Order


@router.get("/orders/{id}")
async def read_order(id: int, *, full: bool = False) -> Order:
    """Return one order."""
''',
    "shop/cli.py": "from shop.models import (\n    Order,\n)\n\n\ndef main(): ...\n",
    "tests/test_shop.py": "from shop.models import Order\n\n\ndef test_order(): ...\n",
    "broken.py": "def f(:\n",
    "static/app.js": "// Draws the list.\nexport function draw(items) {\n  return 1;\n}\n",
    "build/out.py": "def made(): ...\n",
    "node_modules/x/y.js": "function theirs() {}\n",
    "logo.png": "\0\0",
}


@pytest.fixture
def shop(job):
    for name, text in FILES.items():
        (job.workspace / name).parent.mkdir(parents=True, exist_ok=True)
        (job.workspace / name).write_text(text)
    return job


async def test_the_most_used_come_first_with_signatures(shop) -> None:
    made = await repository_map(shop)
    assert made.text.startswith("9 files, 562 B; 7 of them source.\nbuild/ 1 files, 16 B\n")
    assert (
        "\nshop/models.py (18 lines)\n"
        "  4: class Order(Base)  # An order of a customer.\n      total\n  16: class Unused" in made.text
    )
    route = "GET /orders/{id}: async def read_order(id: int, *, full: bool=False) -> Order  # Return one order."
    assert route in made.text
    assert "theirs" not in made.text
    places = [made.text.index(f"\n{name} (") for name in ("shop/models.py", "shop/api.py")]
    assert places == sorted(places)
    assert "function draw(items)  # Draws the list." in made.text
    assert (await repository_map(shop)).text == made.text


async def test_what_git_ignores_is_left_out(shop) -> None:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    (shop.workspace / ".gitignore").write_text("build/\n")
    made = await repository_map(shop)
    assert "made" in made.text
    await _init(shop.workspace)
    assert "made()" not in (await repository_map(shop)).text


async def _init(folder: Path) -> None:
    import asyncio

    process = await asyncio.create_subprocess_exec("git", "init", "-q", cwd=folder, stdout=subprocess.DEVNULL)
    await process.wait()


async def test_it_keeps_to_the_tokens_and_maps_a_part(shop) -> None:
    for number in range(60):
        (shop.workspace / f"shop/part{number}.py").write_text(f"def function_number_{number}(argument): ...\n" * 3)
    for tokens in (200, 500, 2000):
        made = await repository_map(shop, tokens)
        assert len(made.text) <= tokens * 4
    assert made.shown < made.source
    assert made.text.rstrip().endswith("more source files]")
    part = await repository_map(shop, path="static")
    assert "draw" in part.text
    assert "Order" not in part.text


async def test_bad_input_is_refused(shop) -> None:
    for tokens, path, kind in (
        (1, ".", ToolInputError),
        (10**6, ".", ToolInputError),
        (500, "README.md", ToolInputError),
        (500, "none", ToolInputError),
        (500, "../x", WorkspaceError),
    ):
        with pytest.raises(kind):
            await repository_map(shop, tokens, path)


async def test_this_repository_is_mapped(job) -> None:
    job.workspace = ROOT
    made = await repository_map(job)
    assert made.source > 300
    assert len(made.text) <= 8000
    assert "nexus_agents/core/errors.py" in made.text


LANGUAGES = {
    "javascript": (
        "/** Adds. */\nexport async function add(a, b) {}\nconst twice = (x) => x;\nclass Cart {\n"
        "  total() {}\n  #secret() {}\n}\nrouter.post('/orders', create);\n",
        ["add", "twice", "Cart", "/orders"],
    ),
    "typescript": (
        "export interface Order { id: number }\nexport type Id = string;\n"
        "export const load = async (id: Id): Promise<Order> => {\n};\n",
        ["Order", "Id", "load"],
    ),
    "go": (
        "// Add adds.\nfunc Add(a int) int {\n}\ntype Order struct {\n}\nfunc (o *Order) Total() int {\n}\n",
        ["Add", "Order", "Total"],
    ),
    "rust": (
        "/// An order.\npub struct Order {\n}\nimpl Order {\n"
        "    pub fn total(&self) -> u32 {\n    }\n}\npub fn main() {\n}\n",
        ["Order", "Order", "main"],
    ),
    "java": ("public class Order {\n    public int total() { return 1; }\n}\n", ["Order"]),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_other_languages(language: str) -> None:
    pytest.importorskip("tree_sitter")
    text, names = LANGUAGES[language]
    found = outline(text, language)
    assert [symbol.name for symbol in found] == names
    if language == "javascript":
        assert (found[0].signature, found[0].doc) == ("export async function add(a, b)", "Adds.")
        assert found[2].members == ("total",)
        assert found[3].signature == "POST /orders"
    if language == "rust":
        assert (found[0].doc, found[1].members) == ("An order.", ("total",))


@pytest.mark.parametrize("language", LANGUAGES)
def test_lines_alone_tell_most(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from tools import outline_languages

    monkeypatch.setattr(outline_languages, "_grammar", lambda language: None)
    text, names = LANGUAGES[language]
    assert {symbol.name for symbol in outline(text, language)} >= set(names)


def test_odd_files_give_nothing_and_raise_nothing() -> None:
    for language in (*LANGUAGES, "python", "c", "ruby", "php", "shell"):
        for text in ("", "\0", "}{)(" * 50, "(" * 5000, "é\ud800"):
            assert isinstance(outline(text, language), list)
