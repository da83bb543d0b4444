"""Writes the files of a planned data application: the same plan always gives the same bytes."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from nexus_agents.core.work import Plan
from nexus_agents.models.builtin.scaffold.blueprint import check, project_slug
from nexus_agents.models.builtin.scaffold.layout import WIDTH, fit, natural, tidy
from nexus_agents.models.builtin.scaffold.views import views

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["backend_files", "frontend_files", "test_files"]


def backend_files(plan: Plan) -> dict[str, str]:
    """Return the files of the server: path to content.

    Raises:
        InputError: The plan has a name, a type or a relation that cannot be written.
    """
    common = _context(plan)
    files = {
        "app/__init__.py": f'"""{plan.title}."""\n',
        "app/db.py": _render("db.py", common),
        "app/models.py": _render("models.py", common),
        "app/schemas.py": _render("schemas.py", common),
        "app/deps.py": _render("deps.py", common),
        "app/main.py": _render("main.py", common),
        "app/routes/__init__.py": '"""The routes of the interface, one module for each kind of record."""\n',
        "pyproject.toml": _render("pyproject.toml", common),
        "README.md": _render("README.md", common),
        ".gitignore": _render("gitignore", common),
    }
    for entity in views(plan):
        files[f"app/routes/{entity.name}.py"] = _render("route.py", {**common, "entity": entity})
    return files


def frontend_files(plan: Plan) -> dict[str, str]:
    """Return the files of the pages: path to content.

    Raises:
        InputError: The plan has a name, a type or a relation that cannot be written.
    """
    common = _context(plan)
    files = {
        "app/pages.py": _render("pages.py", common),
        "app/templates/base.html": _render("base.html", common),
        "app/templates/index.html": _render("index.html", common),
        "app/static/page.js": _render("page.js", common),
        "app/static/page.css": _render("page.css", common),
    }
    for entity in views(plan):
        files[f"app/templates/{entity.plural}.html"] = _render("entity.html", {**common, "entity": entity})
    return files


def test_files(plan: Plan) -> dict[str, str]:
    """Return the tests: path to content.

    Raises:
        InputError: The plan has a name, a type or a relation that cannot be written.
    """
    common = _context(plan)
    files = {
        "tests/__init__.py": '"""Tests."""\n',
        "tests/conftest.py": _render("conftest.py", common),
        "tests/factories.py": _render("factories.py", common),
        "tests/test_pages.py": _render("test_pages.py", common),
    }
    for entity in views(plan):
        files[f"tests/test_{entity.name}.py"] = _render("test_entity.py", {**common, "entity": entity})
    return files


vars(test_files)["__test__"] = False  # pytest, this is not a test


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    # Other brackets than Jinja's own: some of the files written here are Jinja templates themselves.
    # Nothing is escaped because every word of a user's has passed `check`, which lets no quote through.
    environment = Environment(
        loader=PackageLoader("nexus_agents.models.builtin.scaffold"),
        undefined=StrictUndefined,
        autoescape=False,
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        comment_start_string="<#",
        comment_end_string="#>",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals["fit"] = fit  # pyright: ignore[reportArgumentType]
    return environment


def _render(name: str, context: dict[str, object]) -> str:
    return tidy(_environment().get_template(f"{name}.j2").render(context))


def _context(plan: Plan) -> dict[str, object]:
    check(plan)
    entities = views(plan)
    fields = [field for entity in entities for field in entity.fields]
    types = {field.type for field in fields}
    relations = any(entity.relations for entity in entities)
    amounts = {field.positive for field in fields if field.type == "decimal"}

    def has(*wanted: str) -> bool:
        return not types.isdisjoint(wanted)

    columns = [part for field in fields for part in field.column]
    return {
        "title": plan.title,
        "summary": plan.summary,
        "slug": project_slug(plan.title),
        "run_command": plan.run_command,
        "assumptions": plan.assumptions,
        "width": WIDTH,
        "entities": entities,
        "modules": sorted(entities, key=lambda entity: natural(entity.name)),
        "has": has,
        "decimals": has("decimal"),
        "has_relations": relations,
        "has_search": any(entity.searched for entity in entities),
        "uses_sa": relations or any(part.startswith("sa.") for part in columns),
        "amounts": {
            "signed": "AMOUNT" if False in amounts else "",
            "positive": "POSITIVE_AMOUNT" if True in amounts else "",
        },
        "schema_typing": _typing(types, relations),
        "schema_pydantic": _pydantic(types, relations),
        "page_factories": sorted((f"create_{entity.name}" for entity in entities), key=natural),
        "page_paths": [f'"/{entity.plural}"' for entity in entities],
    }


def _typing(types: set[str], relations: bool) -> list[str]:
    annotated = ["Annotated"] if relations or types - {"choice"} else []
    return annotated + (["Literal"] if "choice" in types else [])


def _pydantic(types: set[str], relations: bool) -> list[str]:
    names = {"BaseModel", "ConfigDict"}
    if types & {"string", "text", "integer", "boolean", "decimal"} or relations:
        names.add("Field")
    if types & {"string", "text", "email", "url"}:
        names.add("StringConstraints")
    if types & {"date", "datetime", "decimal", "integer"} or relations:
        names.add("BeforeValidator")
    if "datetime" in types:
        names |= {"AfterValidator", "AwareDatetime"}
    if "decimal" in types:
        names.add("WithJsonSchema")
    return sorted(names)
