"""Random applications: plans that use every type and every kind of name, and requests in many wordings."""

import random
from collections.abc import Callable

import pytest

from nexus_agents.core.work import Entity, FieldSpec, Plan, Relation
from nexus_agents.models.builtin.scaffold import assemble
from nexus_agents.models.builtin.scaffold.words import pluralize

THINGS = (
    "author book customer order category person box news order_item warehouse address bus life child analysis quiz "
    "city hero day status class_record api_key x item2 item10 data match group table index_card user event series "
    "maintenance_contract_long_name"
)
PLAIN = "author book customer order category person box warehouse address child city match user event invoice"
WORDS = {
    "string": ["name", "title", "sku", "phone", "zip code", "first name", "serial number", "colour", "nickname"],
    "text": ["description", "notes", "body", "remarks"],
    "email": ["email", "work email", "contact email"],
    "url": ["website", "homepage", "photo url"],
    "integer": ["quantity", "age", "number of pages", "stock count", "capacity"],
    "decimal": ["price", "total", "weight", "monthly fee", "discount"],
    "boolean": ["done", "active", "is public", "in stock", "paid"],
    "date": ["birth date", "due date", "hired on", "deadline"],
    "datetime": ["starts at", "published at", "last seen at"],
}
CHOICES = [["low", "medium", "high"], ["open", "closed"], ["new", "in progress", "on-hold", "done_2"]]


def random_plan(seed: int) -> Plan:
    """Return a plan of one to five kinds of records; the same seed gives the same plan."""
    rng = random.Random(seed)
    entities: list[Entity] = []
    for name in rng.sample(THINGS.split(), rng.randint(1, 5)):
        fields = _random_fields(rng)
        relations = [
            Relation(
                name=rng.choice([parent.name, f"main_{parent.name}"[:30].rstrip("_")]),
                target=parent.name,
                required=rng.random() < 0.6,
            )
            for parent in rng.sample(entities, rng.randint(0, min(2, len(entities))))
        ]
        if rng.random() < 0.15:
            relations.append(Relation(name=f"parent_{name}", target=name, required=False))
        entities.append(Entity(name=name, plural=pluralize(name), fields=fields, relations=relations))
    rng.shuffle(entities)
    return assemble(f"Random {seed}", entities, ["Made at random."] if rng.random() < 0.5 else [])


def random_request(seed: int) -> tuple[str, list[Entity]]:
    """Return a request in words, and the entities that it describes."""
    rng = random.Random(seed)
    entities: list[Entity] = []
    described: list[tuple[Entity, list[str]]] = []
    for name in rng.sample(PLAIN.split(), rng.randint(1, 4)):
        fields, phrases = _spoken_fields(rng)
        parents = rng.sample(entities, 1) if entities and rng.random() < 0.6 else []
        relations = [Relation(name=parent.name, target=parent.name) for parent in parents]
        entity = Entity(name=name, plural=pluralize(name), fields=fields, relations=relations)
        entities.append(entity)
        described.append((entity, phrases))
    return _wording(rng, described), entities


def _random_fields(rng: random.Random) -> list[FieldSpec]:
    specs: dict[str, FieldSpec] = {}
    for kind in rng.sample([*WORDS, "choice", "choice"], rng.randint(1, 8)):
        if kind == "choice":
            name = rng.choice(["state", "priority", "kind"])
            spec = FieldSpec(name=name, type="choice", choices=rng.choice(CHOICES), required=rng.random() < 0.7)
        else:
            name = rng.choice(
                [
                    *(word.replace(" ", "_") for word in WORDS[kind]),
                    f"x_{kind}",
                    "a_rather_long_name_for_one_column_of_it",
                ]
            )
            spec = FieldSpec.model_validate({"name": name, "type": kind, "required": rng.random() < 0.7})
            spec.unique = kind not in ("text", "boolean") and rng.random() < 0.25
            if kind == "integer":
                low, high = rng.choice([(None, None), (0, None), (1, 5), (-10, 10), (1, 9999)])
                spec.minimum, spec.maximum = low, high
                spec.unique = spec.unique and (high is None or high > 100)
            if kind == "decimal":
                spec.minimum = rng.choice([None, 0])
            if kind in ("string", "text"):
                spec.max_length = rng.choice([None, None, 2, 13, 25, 500])
                spec.unique = spec.unique and spec.max_length != 2
        specs[spec.name] = spec
    return list(specs.values())


def _spoken_fields(rng: random.Random) -> tuple[list[FieldSpec], list[str]]:
    fields: list[FieldSpec] = []
    phrases: list[str] = []
    for kind in rng.sample(list(WORDS), rng.randint(1, 5)):
        words = rng.choice(WORDS[kind])
        spec = FieldSpec.model_validate({"name": words.replace(" ", "_"), "type": kind})
        said = words.replace(" ", "_") if rng.random() < 0.2 else words
        chance = rng.random()
        if chance < 0.15 and kind not in ("boolean", "text"):
            spec.unique = True
            said = rng.choice([f"{said} (unique)", f"unique {said}"])
        elif chance < 0.3:
            spec.required = False
            said = rng.choice([f"{said} (optional)", f"optional {said}"])
        fields.append(spec)
        phrases.append(said)
    if rng.random() < 0.3:
        fields.append(FieldSpec(name="status", type="choice", choices=["open", "closed"]))
        phrases.append(rng.choice(["status (open, closed)", "status: open or closed", "status open/closed"]))
    return fields, phrases


def _wording(rng: random.Random, described: list[tuple[Entity, list[str]]]) -> str:
    style = rng.randrange(4)
    parts: list[str] = []
    for entity, phrases in described:
        one, many = entity.name.replace("_", " "), entity.plural.replace("_", " ")
        listed = _listed(phrases)
        parts.append(
            [
                f"{many} with {listed}",
                f"{many}: {listed}",
                f"each {one} has {listed}",
                f"{many} ({', '.join(phrases)})",
            ][style]
        )
    belongs = [
        rng.choice(["{many} belong to {a}", "each {one} belongs to {a}", "every {one} belongs to one {target}"]).format(
            one=entity.name, many=entity.plural, target=relation.target, a=_with_article(relation.target)
        )
        for entity, _ in described
        for relation in entity.relations
    ]
    opening = rng.choice(
        ["Build an API for", "I need an app to manage", "make a service for", "please create a CRUD backend for"]
    )
    if style == 2:
        names = _listed([entity.plural for entity, _ in described])
        return ". ".join([f"{opening} {names}", *parts, *belongs]) + "."
    joint = rng.choice(["; ", ". "]) if style == 1 else ", "
    return "; ".join([f"{opening} {joint.join(parts)}", *belongs])


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _with_article(word: str) -> str:
    return f"{'a' if word == 'user' or word[0] not in 'aeiou' else 'an'} {word}"


@pytest.fixture(name="random_plan")
def random_plan_fixture() -> Callable[[int], Plan]:
    return random_plan


@pytest.fixture(name="random_request")
def random_request_fixture() -> Callable[[int], tuple[str, list[Entity]]]:
    return random_request
