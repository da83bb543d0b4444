"""What is written for a plan, and plans that must not be written."""

from collections.abc import Callable

import pytest

from nexus_agents.core.errors import InputError
from nexus_agents.core.work import Entity, FieldSpec, Plan, Relation
from nexus_agents.models.builtin.scaffold import assemble, backend_files, frontend_files, plan_app, test_files


def test_owners_write_the_files_of_the_plan_and_no_other(random_plan: Callable[[int], Plan]) -> None:
    for seed in range(40):
        plan = random_plan(seed)
        for owner, write in (("backend", backend_files), ("frontend", frontend_files), ("testing", test_files)):
            assert sorted(write(plan)) == sorted(file.path for file in plan.files if file.owner == owner)


def test_same_plan_gives_the_same_bytes(random_plan: Callable[[int], Plan]) -> None:
    for seed in range(10):
        first, second = random_plan(seed), Plan.model_validate_json(random_plan(seed).model_dump_json())
        assert backend_files(first) == backend_files(second)
        assert frontend_files(first) == frontend_files(second)
        assert test_files(first) == test_files(second)


def test_python_compiles(random_plan: Callable[[int], Plan]) -> None:
    for seed in range(60):
        plan = random_plan(seed)
        for path, content in {**backend_files(plan), **frontend_files(plan), **test_files(plan)}.items():
            if path.endswith(".py"):
                compile(content, path, "exec")
            assert content.endswith("\n")
            assert all(len(line) <= 110 for line in content.splitlines() if path.endswith(".py")), path


BOOK = Entity(name="book", plural="books", fields=[FieldSpec(name="title")])


def entity(**changes: object) -> Entity:
    return Entity.model_validate(BOOK.model_dump() | changes)


def field(**changes: object) -> Entity:
    return entity(fields=[{"name": "title"} | changes])


@pytest.mark.parametrize(
    "entities",
    [
        [],
        [entity(name="Book")],
        [entity(name='book"; import os')],
        [entity(name="class")],
        [entity(plural="health")],
        [entity(fields=[])],
        [BOOK, BOOK],
        [field(name="id")],
        [field(name="model_dump")],
        [field(name="a__b")],
        [field(name="x" * 41)],
        [field(type="choice")],
        [field(type="choice", choices=["one"])],
        [field(type="choice", choices=['a"', "b"])],
        [field(type="choice", choices=["a", "A"])],
        [field(choices=["a", "b"])],
        [field(type="boolean", unique=True)],
        [field(max_length=0)],
        [field(type="integer", minimum=5, maximum=1)],
        [field(type="integer", minimum=0.5)],
        [field(type="integer", maximum=1e12)],
        [field(type="integer", minimum=1, maximum=5, unique=True)],
        [field(type="decimal", maximum=5)],
        [field(type="date", minimum=1)],
        [entity(fields=[{"name": "title"}, {"name": "title"}])],
        [entity(fields=[{"name": f"f{n}"} for n in range(31)])],
        [entity(relations=[{"name": "author", "target": "author"}])],
        [entity(relations=[{"name": "sequel", "target": "book"}])],
        [entity(name=f"book{n}", plural=f"books{n}") for n in range(13)],
    ],
)
def test_plan_that_cannot_be_written_is_refused(entities: list[Entity]) -> None:
    for write in (backend_files, frontend_files, test_files):
        with pytest.raises(InputError):
            write(Plan(title="Books", summary="", entities=entities))


@pytest.mark.parametrize("title", ["", 'Books"""', "Books\n", "{{ 7 }}", "x" * 81])
def test_title_that_cannot_be_written_is_refused(title: str) -> None:
    with pytest.raises(InputError):
        assemble(title, [BOOK])


def test_circle_is_refused() -> None:
    one = entity(relations=[{"name": "author", "target": "author"}])
    other = Entity(
        name="author",
        plural="authors",
        fields=[FieldSpec(name="name")],
        relations=[Relation(name="book", target="book")],
    )
    with pytest.raises(InputError, match="circle"):
        assemble("Books", [one, other])


def test_rendered_routes_are_those_that_the_plan_names() -> None:
    plan = plan_app("an API for authors with name; books with title that belong to an author")
    routes = backend_files(plan)["app/routes/book.py"]
    assert 'prefix="/api/books"' in routes
    assert "author_id: deps.KeyFilter = None" in routes
    assert "GET /api/books?limit=&offset=&q=&author_id= -> 200 [BookOut]" in plan.interfaces
