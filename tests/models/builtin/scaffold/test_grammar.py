"""Requests and what they mean; requests that must be refused."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nexus_agents.core.errors import InputError
from nexus_agents.core.work import Entity, Plan
from nexus_agents.models.builtin.scaffold import plan_app
from nexus_agents.models.builtin.scaffold.words import article, pluralize, singularize, slug

HERE = Path(__file__).parent
ACCEPTED = [json.loads(line) for line in (HERE / "accepted.jsonl").read_text().splitlines()]
REFUSED = (HERE / "refused.txt").read_text().splitlines()


def written(plan: Plan) -> list[str]:
    """Write the entities of a plan in one line each: `book/books: isbn:string[13]!, note:text?, >author`."""
    return [
        f"{entity.name}/{entity.plural}: " + ", ".join([*map(_field, entity.fields), *map(_relation, entity.relations)])
        for entity in plan.entities
    ]


def _field(field) -> str:
    text = f"{field.name}:{'|'.join(field.choices) or field.type}"
    if field.maximum is not None:
        text += f"[{field.minimum:g}..{field.maximum:g}]"
    if field.max_length:
        text += f"[{field.max_length}]"
    return text + "!" * field.unique + "?" * (not field.required)


def _relation(relation) -> str:
    named = "" if relation.name == relation.target else f"{relation.name}="
    return f"{named}>{relation.target}" + "?" * (not relation.required)


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case["request"][:50])
def test_request_is_understood(case: dict) -> None:
    assert written(plan_app(case["request"])) == case["entities"]


@pytest.mark.parametrize("request_text", REFUSED)
def test_request_is_refused(request_text: str) -> None:
    with pytest.raises(InputError) as refusal:
        plan_app(request_text)
    assert refusal.value.message
    assert refusal.value.hint
    assert "\n" not in refusal.value.message


def test_there_are_enough_cases() -> None:
    assert len(ACCEPTED) >= 40
    assert len(REFUSED) >= 12


def test_random_requests_mean_what_they_say(random_request: Callable[[int], tuple[str, list[Entity]]]) -> None:
    for seed in range(300):
        text, entities = random_request(seed)
        found = plan_app(text).entities
        wanted = {
            each.name: ([(f.name, f.type, f.unique, f.required) for f in each.fields], each.relations)
            for each in entities
        }
        got = {
            each.name: ([(f.name, f.type, f.unique, f.required) for f in each.fields], each.relations) for each in found
        }
        assert got == wanted, text


def test_assumptions_are_written_down() -> None:
    plan = plan_app("an API for students with id, class and metadata; rooms")
    assert [field.name for field in plan.entities[0].fields] == ["its_class", "its_metadata"]
    told = " ".join(plan.assumptions)
    assert "'id' already" in told
    assert "'class' of student is named 'its_class'" in told
    assert "Rooms have a name" in told


def test_plan_is_complete() -> None:
    plan = plan_app("a library service: authors with name, books with title and isbn (unique) that belong to an author")
    assert plan.run_command == "python -m uvicorn app.main:app --port 8000"
    owners = {file.path: file.owner for file in plan.files}
    assert len(owners) == len(plan.files)
    assert owners["app/routes/book.py"] == "backend"
    assert owners["app/templates/books.html"] == "frontend"
    assert owners["tests/test_book.py"] == "testing"
    assert any("409" in line and "isbn" in line for line in plan.acceptance)
    assert any(line.startswith("POST /api/books") for line in plan.interfaces)


def test_long_and_odd_texts_end_soon() -> None:
    start = time.perf_counter()
    for text in [
        "a " * 1999,
        "(" * 4000,
        "an API for " + "x, " * 900,
        "a book has " * 300,
        "," * 4000,
        "a:" * 1500,
        "x" * 4001,
        "",
        "1 to " * 700,
    ]:
        with pytest.raises(InputError):
            plan_app(text)
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("category", "categories"),
        ("person", "people"),
        ("box", "boxes"),
        ("news", "news"),
        ("address", "addresses"),
        ("status", "statuses"),
        ("warehouse", "warehouses"),
        ("course", "courses"),
        ("day", "days"),
        ("city", "cities"),
        ("match", "matches"),
        ("order_item", "order_items"),
        ("child", "children"),
        ("analysis", "analyses"),
        ("movie", "movies"),
        ("series", "series"),
        ("house", "houses"),
        ("bus", "buses"),
        ("salesperson", "salespeople"),
        ("quiz", "quizzes"),
    ],
)
def test_one_and_many(one: str, many: str) -> None:
    assert pluralize(one) == many
    assert singularize(many) == one
    assert singularize(one) == one


def test_names() -> None:
    assert slug("Date of Birth") == "date_of_birth"
    assert slug("createdAt") == "created_at"
    assert slug("Prénom") == "prenom"
    assert slug("本") == ""
    assert [article(word) for word in ("user", "hour", "order", "unit", "umbrella", "book")] == [
        "a",
        "an",
        "an",
        "a",
        "an",
        "a",
    ]
