"""Makes a whole plan from entities: files and their owners, routes, what must hold; and checks a plan."""

from __future__ import annotations

import re
from collections.abc import Sequence

from nexus_agents.core.errors import InputError
from nexus_agents.core.work import Entity, FieldSpec, Plan, PlannedFile
from nexus_agents.models.builtin.scaffold.words import (
    TAKEN_ENTITIES,
    TAKEN_FIELDS,
    article,
    class_name,
    slug,
    spaced,
)

__all__ = ["MOST_ENTITIES", "MOST_FIELDS", "assemble", "check", "project_slug"]

MOST_ENTITIES = 12
MOST_FIELDS = 30
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
LONGEST_NAME = 40
LONGEST_ENTITY = 30
CHOICE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 _-]{0,38}[A-Za-z0-9])?")
TITLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _,-]{0,79}")
RUN = "python -m uvicorn app.main:app --port 8000"


def assemble(title: str, entities: Sequence[Entity], assumptions: Sequence[str] = ()) -> Plan:
    """Return the whole plan of a data application.

    Args:
        title: What people call it, in letters, digits and spaces.
        entities: What it stores.
        assumptions: What was decided for the person who asked.

    Raises:
        InputError: A name is taken or cannot be written, or entities belong to each other in a circle.
    """
    names = [spaced(entity.plural) for entity in entities]
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    plan = Plan(
        title=title,
        summary=f"A web application that keeps {listed}: a JSON interface over SQL, pages and tests.",
        entities=list(entities),
        files=_files(entities),
        interfaces=_interfaces(entities),
        acceptance=_acceptance(entities),
        run_command=RUN,
        assumptions=list(assumptions),
    )
    check(plan)
    return plan


def project_slug(title: str) -> str:
    """Return the name of the project, and of its database file, by its title."""
    return slug(title) or "application"


def check(plan: Plan) -> None:
    """Refuse a plan that the templates cannot write.

    Raises:
        InputError: Which name, type or relation is at fault.
    """
    if not plan.entities:
        raise InputError("The plan stores nothing.", "Name at least one thing to keep, such as 'books'.")
    if len(plan.entities) > MOST_ENTITIES:
        raise InputError(
            f"The plan has {len(plan.entities)} kinds of records; {MOST_ENTITIES} is the most.",
            "Split it into more than one application.",
        )
    if not TITLE.fullmatch(plan.title):
        raise InputError(
            f"The title {plan.title[:60]!r} cannot be used.",
            "Use up to 80 letters, digits and spaces.",
        )
    used: dict[str, str] = {}
    for entity in plan.entities:
        for name in dict.fromkeys([entity.name, entity.plural]):
            _check_name(name, "kind of record", TAKEN_ENTITIES, LONGEST_ENTITY + 4 * (name == entity.plural))
            if used.setdefault(name, entity.name) != entity.name:
                raise InputError(f"Two kinds of records are named {name!r}.", "Give one another name.")
        _check_columns(entity)
    if len({entity.name for entity in plan.entities}) < len(plan.entities):
        raise InputError("Two kinds of records have the same name.", "Give one another name.")
    _check_relations(plan.entities)


def _check_name(name: str, what: str, taken: frozenset[str], longest: int) -> None:
    if not NAME.fullmatch(name) or len(name) > longest:
        raise InputError(
            f"{name[:60]!r} cannot be the name of a {what}.",
            f"Use up to {longest} lower-case letters, digits and single underscores.",
        )
    if name in taken or name.startswith("model_"):
        raise InputError(f"{name!r} is taken by Python or a library.", "Choose another name.")


def _check_columns(entity: Entity) -> None:
    columns = [each.name for each in entity.fields] + [f"{each.name}_id" for each in entity.relations]
    if not columns:
        raise InputError(f"{entity.name!r} has no field.", "Give it one, such as 'name'.")
    if len(columns) > MOST_FIELDS:
        raise InputError(
            f"{entity.name!r} has {len(columns)} fields; {MOST_FIELDS} is the most.",
            "Move some of them to another kind of record.",
        )
    for name in columns:
        _check_name(name, "field", TAKEN_FIELDS | {"id", "created_at"}, LONGEST_NAME)
        if columns.count(name) > 1:
            raise InputError(f"{entity.name!r} has two fields named {name!r}.", "Give one another name.")
    for field in entity.fields:
        _check_field(field, entity)


def _check_field(field: FieldSpec, entity: Entity) -> None:
    where = f"{entity.name}.{field.name}"
    if (field.type == "choice") != bool(field.choices):
        raise InputError(f"{where} needs choices, and only a choice has them.", "Name at least two.")
    if field.choices:
        lowered = {choice.lower() for choice in field.choices}
        if not 2 <= len(field.choices) <= 20 or len(lowered) < len(field.choices):
            raise InputError(f"{where} needs 2 to 20 choices that differ.", "Name them once each.")
        for choice in field.choices:
            if not CHOICE.fullmatch(choice):
                raise InputError(
                    f"{choice[:60]!r} cannot be a choice of {where}.",
                    "Use up to 40 letters, digits, spaces, hyphens and underscores.",
                )
    if field.unique and field.type in ("boolean", "choice", "text"):
        raise InputError(f"{where} is a {field.type} and cannot be unique.", "Leave 'unique' out.")
    if field.max_length is not None and not (field.type in ("string", "text") and 1 <= field.max_length <= 10_000):
        raise InputError(f"{where} cannot have that length.", "Only text has one, of 1 to 10000 characters.")
    _check_range(field, where)


def _check_range(field: FieldSpec, where: str) -> None:
    low, high = field.minimum, field.maximum
    if field.type == "decimal" and (low in (None, 0) and high is None):
        return
    if field.type == "integer":
        bounds = [bound for bound in (low, high) if bound is not None]
        whole = all(bound == int(bound) and abs(bound) < 2**31 for bound in bounds)
        if whole and (low is None or high is None or low < high):
            if field.unique and low is not None and high is not None and high - low < 1000:
                raise InputError(f"{where} has too few values to be unique.", "Leave 'unique' out.")
            return
    elif field.type != "decimal" and low is None and high is None:
        return
    raise InputError(
        f"{where} cannot have that range.",
        "A whole number may have one of any size below 2147483648; an amount can only be kept from going below 0.",
    )


def _check_relations(entities: Sequence[Entity]) -> None:
    parents = {
        entity.name: [each.target for each in entity.relations if each.target != entity.name] for entity in entities
    }
    for entity in entities:
        for relation in entity.relations:
            if relation.target not in parents:
                raise InputError(
                    f"{entity.name!r} belongs to {relation.target!r}, which the plan does not have.",
                    "Describe it too, or leave the relation out.",
                )
            if relation.target == entity.name and relation.required:
                raise InputError(
                    f"Every {entity.name!r} would need another one before it.", "Make the relation optional."
                )
    while free := [name for name, wanted in parents.items() if not wanted]:
        for name in free:
            del parents[name]
        parents = {name: [each for each in wanted if each in parents] for name, wanted in parents.items()}
    if parents:
        circle = " and ".join(repr(name) for name in parents)
        raise InputError(
            f"{circle} belong to each other in a circle.",
            "Choose one direction; where each side has many of the other, add a third kind of record that "
            "belongs to both.",
        )


def _files(entities: Sequence[Entity]) -> list[PlannedFile]:
    rows = [
        ("app/__init__.py", "backend", "the package"),
        ("app/db.py", "backend", "engine, session, column types"),
        ("app/models.py", "backend", "tables"),
        ("app/schemas.py", "backend", "request and response bodies"),
        ("app/deps.py", "backend", "parameters and refusals that routes share"),
        ("app/routes/__init__.py", "backend", "the package of routes"),
        *[(f"app/routes/{each.name}.py", "backend", f"routes of {spaced(each.plural)}") for each in entities],
        ("app/main.py", "backend", "puts the application together"),
        ("pyproject.toml", "backend", "dependencies and the settings of the checks"),
        ("README.md", "backend", "how to run and use it"),
        (".gitignore", "backend", "what is not kept"),
        ("app/pages.py", "frontend", "the pages' routes"),
        ("app/templates/base.html", "frontend", "frame of all pages"),
        ("app/templates/index.html", "frontend", "first page"),
        *[(f"app/templates/{each.plural}.html", "frontend", f"page of {spaced(each.plural)}") for each in entities],
        ("app/static/page.js", "frontend", "adds and deletes"),
        ("app/static/page.css", "frontend", "style"),
        ("tests/__init__.py", "testing", "the package of tests"),
        ("tests/conftest.py", "testing", "a client with a database of its own"),
        ("tests/factories.py", "testing", "valid records"),
        *[(f"tests/test_{each.name}.py", "testing", f"tests of {spaced(each.plural)}") for each in entities],
        ("tests/test_pages.py", "testing", "tests of the pages"),
    ]
    return [PlannedFile.model_validate({"path": path, "owner": owner, "purpose": why}) for path, owner, why in rows]


def _interfaces(entities: Sequence[Entity]) -> list[str]:
    lines = [
        "app.pages.mount(app: FastAPI) -> None adds the pages at /; app.main.create_app calls it last",
        "app.main.create_app(url: str | None = None) -> FastAPI; app.state.engine is its database",
        "GET /health -> 200 {status}",
        "errors: {detail}; 404 unknown record, 409 at odds with another record, 422 invalid value",
        "times: RFC 3339 in UTC; amounts: text with up to two decimals",
    ]
    for each in entities:
        path, model = f"/api/{each.plural}", class_name(each.name)
        filters = "".join(f"&{relation.name}_id=" for relation in each.relations)
        lines += [
            f"GET {path}?limit=&offset=&q={filters} -> 200 [{model}Out]",
            f"POST {path} {model}In -> 201 {model}Out",
            f"GET {path}/{{{each.name}_id}} -> 200 {model}Out",
            f"PUT {path}/{{{each.name}_id}} {model}In -> 200 {model}Out",
            f"DELETE {path}/{{{each.name}_id}} -> 204",
            f"GET /{each.plural} -> the page; it lists with app.routes.{each.name}.find_{each.plural}(db, limit=)",
        ]
    return lines


def _acceptance(entities: Sequence[Entity]) -> list[str]:
    lines: list[str] = []
    for each in entities:
        one = f"{article(spaced(each.name))} {spaced(each.name)}"
        lines.append(f"{one[0].upper()}{one[1:]} can be created, read, listed in pages, replaced and deleted.")
        lines += [
            f"Two {spaced(each.plural)} with the same {spaced(field.name)} are refused with 409."
            for field in each.fields
            if field.unique
        ]
        for field in each.fields:
            if field.type == "choice":
                lines.append(f"The {spaced(field.name)} of {one} is one of: {', '.join(field.choices)}.")
        for relation in each.relations:
            target = spaced(relation.target)
            lines.append(f"{one[0].upper()}{one[1:]} of an unknown {target} is refused with 409.")
            lines.append(f"{article(target).title()} {target} in use cannot be deleted (409).")
    return [
        *dict.fromkeys(lines),
        "Unknown records give 404; missing, invalid and unknown fields give 422.",
        "Pages escape what users typed, name every input, and load nothing from other servers.",
        "ruff, mypy --strict, bandit and pytest find nothing.",
    ]
