"""The documentation is true: its examples run, its commands and settings exist, its links lead somewhere."""

from __future__ import annotations

import importlib
import json
import os
import re
import runpy
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from markdown_it import MarkdownIt
from pydantic import BaseModel

from nexus_agents.cli.app import app
from nexus_agents.cli.app import run as nexus
from nexus_agents.core.config import Config
from nexus_agents.core.errors import ExitCode, InputError
from nexus_agents.core.reading import section_of
from nexus_agents.models.builtin.scaffold import plan_app
from nexus_agents.models.resolve import KEYS
from nexus_agents.runtime.settings import read_yaml

ROOT = Path(__file__).resolve().parent.parent
PAGES = [*(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")), *sorted(ROOT.glob("docs/*.md"))]
SHELLS = {"console", "sh", "bash"}
EXAMPLE = re.compile(r"<!-- example: (.+?) -->\n(.*?)<!-- end of example -->", re.S)
"""What is run: files (a block whose first line is `# NAME`), then the commands of a console block, in order."""

COMMANDS = typer.main.get_command(app)


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def fences(text: str) -> list[tuple[str, str]]:
    """Return the language and the content of each fenced block."""
    return [(token.info.strip(), token.content) for token in MarkdownIt().parse(text) if token.type == "fence"]


# -- examples ---------------------------------------------------------------------------------------

EXAMPLES = [(path, title, body) for path in PAGES for title, body in EXAMPLE.findall(path.read_text(encoding="utf-8"))]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    place = tmp_path / "example"
    place.mkdir()
    before = set(sys.modules)
    monkeypatch.chdir(place)
    monkeypatch.setenv("NEXUS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NEXUS_MODEL", "builtin:nexus")
    monkeypatch.syspath_prepend(str(place))
    yield place
    own = {name for name in set(sys.modules) - before if str(place) in str(getattr(sys.modules[name], "__file__", ""))}
    for name in own:
        del sys.modules[name]


@pytest.mark.parametrize(("path", "title", "body"), EXAMPLES, ids=[title for _, title, _ in EXAMPLES])
def test_example(path: Path, title: str, body: str, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    ran = False
    for language, content in fences(body):
        named = re.match(r"# ([\w.-]+\.\w+)\n", content)
        if named:
            (folder / named[1]).write_text(content, encoding="utf-8")
            importlib.invalidate_caches()
        elif language == "console":
            ran = True
            run_console(content, capfd)
    assert ran, "an example shows how it is run"


def run_console(content: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Run the `$` lines of a transcript; each other line must stand in what the command before it printed."""
    said = ""
    for line in content.splitlines():
        if line.startswith("$ "):
            code = run_command(shlex.split(line[2:]))
            out, err = capfd.readouterr()
            said = out + err
            assert code == 0, f"{line}\n{said}"
        elif line.strip() and line.strip() != "...":
            parts = line.strip().split("...")
            assert all(part.strip() in said for part in parts), f"{line!r} is not in:\n{said}"


def run_command(words: list[str]) -> int:
    while re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]  # PYTHONPATH=. is what the fixture does
    match words:
        case ["nexus", *arguments]:
            return nexus(arguments)
        case ["python", script]:
            importlib.invalidate_caches()
            runpy.run_path(script, run_name="__main__")
            return 0
        case _:
            raise AssertionError(f"an example runs nexus and python only, not {words}")


def test_there_are_examples_of_each_kind() -> None:
    titles = {title for path, title, _ in EXAMPLES if path.name == "architecture.md"}
    assert {"a tool", "a graph", "a back-end"} <= titles
    assert {title for path, title, _ in EXAMPLES if path.name == "README.md"} >= {"a workflow", "a run from Python"}


# -- commands ---------------------------------------------------------------------------------------


def every_command(command: Any = COMMANDS, name: str = "nexus") -> Iterator[tuple[str, Any]]:
    """Yield `nexus`, `nexus run`, ..., `nexus voices revoke`."""
    yield name, command
    for child in getattr(command, "commands", {}).values():
        yield from every_command(child, f"{name} {child.name}")


def options_table(command: Any) -> str:
    """Return the arguments and options of a command as docs/commands.md shows them."""
    rows = ["| Argument or option | What it does |", "|---|---|"]
    for param in command.params:
        if param.name in ("install_completion", "show_completion"):
            continue
        if param.param_type_name == "argument":
            said = f"`{param.metavar or param.name.upper()}`"
        else:
            kind = (
                "FILE" if isinstance(param.default, Path) else "N" if isinstance(param.default, int | float) else "TEXT"
            )
            value = "" if param.is_flag else f" {param.metavar or kind}"
            said = ", ".join(f"`{option}{value}`" for option in param.opts)
        default = f" Default: `{param.default}`." if param.default and not callable(param.default) else ""
        rows.append(f"| {said} | {param.help}{default} |")
    return "\n".join(rows)


@pytest.mark.parametrize(
    ("name", "command"), list(every_command()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_commands_page_is_complete(name: str, command: Any) -> None:
    text = page("docs/commands.md")
    assert f"`{name}`" in text
    if command.params:
        assert options_table(command) in text, f"docs/commands.md lacks, under {name}:\n{options_table(command)}"


def commands_named(text: str) -> Iterator[str]:
    """Yield what a page tells its reader to type that begins with `nexus`."""
    for language, content in fences(text):
        if language in SHELLS:
            lines = [line.removeprefix("$ ") for line in content.replace("\\\n", " ").splitlines()]
            yield from (
                found[1] for line in lines if (found := re.match(r"(?:[A-Z_]+=\S+ |\.venv/bin/)*(nexus .*)", line))
            )
    for token in MarkdownIt().enable("table").parse(text):
        inline = [child.content for child in token.children or [] if child.type == "code_inline"]
        yield from (content for content in inline if content.startswith("nexus "))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_commands_that_are_named_exist(path: Path) -> None:
    for line in commands_named(path.read_text(encoding="utf-8")):
        command, known = COMMANDS, {"--help", "-h"}
        words = [
            word for word in shlex.split(re.split(r"\s(?:\||>|&&|;)\s", line)[0], comments=True)[1:] if word != "..."
        ]
        value = False
        for word in words:
            if value:
                value = False
                continue
            takes = {option for param in command.params if not getattr(param, "is_flag", True) for option in param.opts}
            value = word in takes
            known |= {option for param in command.params for option in (*param.opts, *param.secondary_opts)}
            children = getattr(command, "commands", {})
            if word.startswith("-"):
                assert word.split("=")[0] in known, f"{word} in {line!r}"
            elif children and word != "COMMAND":
                assert word in children, f"{word} in {line!r}"
                command = children[word]


def test_exit_codes_are_listed() -> None:
    for name in ("README.md", "docs/commands.md"):
        listed = [int(code) for code in re.findall(r"^\| (\d+) \|", page(name), re.M)]
        assert listed == [int(code) for code in ExitCode], name


# -- settings ---------------------------------------------------------------------------------------


def every_setting(section: type[BaseModel] = Config, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield each setting of agents.yaml with its default as YAML writes it on one line."""
    for name, field in section.model_fields.items():
        if field.exclude:
            continue
        if inner := section_of(section, (name,)):
            yield from every_setting(inner, f"{prefix}{name}.")
            continue
        if inner := section_of(section, (name, "NAME")):
            yield from every_setting(inner, f"{prefix}{name}.NAME.")
            continue
        default = field.get_default(call_default_factory=True)
        yield f"{prefix}{name}", "required" if field.is_required() else json.dumps(default).strip('"')


def test_settings_page_is_complete() -> None:
    rows = re.findall(r"^\| `([\w.]+)` \| .*? \| `(.*?)` \| .+ \|$", page("docs/configuration.md"), re.M)
    assert dict(rows) == dict(every_setting())


@pytest.mark.parametrize("number", range(3))
def test_settings_that_are_shown_are_right(number: int, tmp_path: Path) -> None:
    shown = [content for language, content in fences(page("docs/configuration.md")) if language == "yaml"]
    assert len(shown) == 3
    file = tmp_path / "agents.yaml"
    file.write_text(shown[number], encoding="utf-8")
    assert read_yaml(file) != Config(folder=str(tmp_path))


def test_the_agents_yaml_of_the_repository_shows_the_defaults() -> None:
    assert yaml.safe_load(page("agents.yaml")).keys() == {name for name in Config.model_fields if name != "folder"}
    assert read_yaml(ROOT / "agents.yaml") == Config(folder=str(ROOT))


def test_environment_variables_are_listed() -> None:
    text = page("docs/configuration.md")
    sources = [
        path.read_text(encoding="utf-8")
        for room in ("nexus_agents", "tools", "memory")
        for path in (ROOT / room).rglob("*.py")
    ]
    read = {
        name for source in sources for name in re.findall(r'environ(?:\.get\(|\.setdefault\(|\[)\s*"([A-Z_]+)"', source)
    }
    wanted = (read | {variable for variable, _, _ in KEYS}) - {"PYTHONPATH", "XDG_RUNTIME_DIR"}
    assert {"NEXUS_HOME", "NEXUS_CONFIG", "NEXUS_MODEL", "NEXUS_DATABASE"} <= wanted
    assert not {name for name in wanted if f"`{name}`" not in text}
    for variable, provider, model in KEYS:
        assert f"| `{variable}` | `{provider}:{model}` |" in text


# -- the built-in model -----------------------------------------------------------------------------


def test_requests_that_are_shown_mean_what_is_said() -> None:
    text = page("docs/builtin.md")
    understood = re.findall(r"^\| \"(.+?)\" \| (`.+`) \|$", text, re.M)
    assert len(understood) >= 8
    for request, told in understood:
        found = []
        for entity in plan_app(request).entities:
            fields = [f"{field.name}: {'/'.join(field.choices) or field.type}" for field in entity.fields]
            fields += [f"-> {relation.target}" for relation in entity.relations]
            found.append(f"`{entity.name}({', '.join(fields)})`")
        assert told == " ".join(found)
    refused = re.findall(r"^- \"(.+?)\": ", text, re.M)
    assert len(refused) >= 5
    for request in refused:
        with pytest.raises(InputError):
            plan_app(request)


def test_the_figure_is_what_its_command_prints(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    blocks = fences(page("docs/builtin.md"))
    place = next(place for place, (_, content) in enumerate(blocks) if content.startswith("# heldout.py"))
    script = tmp_path / "heldout.py"
    script.write_text(blocks[place][1], encoding="utf-8")
    monkeypatch.chdir(ROOT)
    runpy.run_path(str(script))
    assert capsys.readouterr().out == blocks[place + 1][1]


# -- the pages themselves ---------------------------------------------------------------------------


def anchors(path: Path) -> set[str]:
    tokens = MarkdownIt().parse(path.read_text(encoding="utf-8"))
    heads = [tokens[place + 1] for place, token in enumerate(tokens) if token.type == "heading_open"]
    plain = ["".join(child.content for child in head.children or []) for head in heads]
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in plain}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    for token in MarkdownIt().enable("table").parse(path.read_text(encoding="utf-8")):
        for child in token.children or []:
            target = str(child.attrGet("href") or "") if child.type == "link_open" else ""
            if not target or target.startswith(("http://", "https://")):
                continue
            file, _, anchor = target.partition("#")
            there = (path.parent / file).resolve() if file else path
            assert there.exists(), f"{path.name}: {target}"
            assert not anchor or anchor in anchors(there), f"{path.name}: {target}"
            # The site is made of docs/ alone: a link that leaves it would be dead there.
            assert path.parent != ROOT / "docs" or there.parent == ROOT / "docs", f"{path.name}: {target}"


def test_every_page_is_in_the_site() -> None:
    nav = yaml.safe_load(page("mkdocs.yml"))["nav"]
    assert {file for entry in nav for file in entry.values()} == {path.name for path in ROOT.glob("docs/*.md")}


def test_hooks_run_what_make_check_runs() -> None:
    hooks = yaml.safe_load(page(".pre-commit-config.yaml"))["repos"][0]["hooks"]
    recipe = page("Makefile").split("\ncheck:")[1].split("\n\n")[0]
    wanted = [
        part.strip().removeprefix("@").replace("$(BIN)", ".venv/bin") for part in recipe.splitlines()[1].split("&&")
    ]
    assert [hook["entry"] for hook in hooks] == wanted


def test_files_that_are_named_exist() -> None:
    for path in PAGES:
        for name in re.findall(
            r"`((?:nexus_agents|tools|graphs|memory|examples|tests)/[\w./-]+)`", path.read_text(encoding="utf-8")
        ):
            assert (ROOT / name).exists(), f"{path.name}: {name}"


def test_no_path_of_one_machine_is_shown() -> None:
    for path in PAGES:
        assert not re.search(rf"/home/\w|/root/|/Users/\w|{re.escape(str(ROOT))}/", path.read_text(encoding="utf-8")), (
            path
        )
    assert os.environ["NEXUS_HOME"]
