"""What the templates see of a plan: names, types, columns and sample values, all worked out beforehand."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field

from nexus_agents.core.work import Entity, FieldSpec, Plan
from nexus_agents.models.builtin.scaffold.layout import natural
from nexus_agents.models.builtin.scaffold.words import article, class_name, heading, spaced

__all__ = ["EntityView", "FieldView", "RelationView", "views"]

LARGEST = 2**31 - 1
"""Largest integer that every database keeps in an INTEGER column."""

LONGEST_ALIAS = 45
"""Characters of a type's name that a line still has room for beside the longest field."""

PYTHON = {
    "integer": "int",
    "decimal": "Decimal",
    "boolean": "bool",
    "date": "dt.date",
    "datetime": "dt.datetime",
}
LENGTHS = {"string": 200, "text": 10_000, "email": 254, "url": 2000}
SEARCHED = ("string", "text", "email", "url", "choice")
INPUTS = {"email": "email", "url": "url", "integer": "number", "boolean": "checkbox", "date": "date"}
BAD = {
    "email": '"nobody"',
    "url": '"javascript:alert(1)"',
    "boolean": '"yes"',
    "integer": '"12"',
    "decimal": "12.5",
    "date": '"2026-02-30"',
    "datetime": '"2026-01-31T12:00:00"',
    "choice": '"no such choice"',
    "string": '"   "',
    "text": '""',
}


@dataclass(frozen=True)
class FieldView:
    """One field, ready to be written.

    Attributes:
        stored: The Python type of the column.
        column: Arguments of `mapped_column`.
        accepted_head: With `accepted_items` and `accepted_tail`, the type that a client's value must have.
        sample: A Python expression of a valid JSON value; it may use `n`, a number that differs each time.
        html: Attributes of the form's input.
        described: The type in words.
    """

    name: str
    type: str
    heading: str
    required: bool
    unique: bool
    stored: str
    column: list[str]
    accepted_head: str
    accepted_items: list[str]
    accepted_tail: str
    sample: str
    html: str
    described: str
    choices: list[str]
    quoted_choices: list[str]
    alias: str
    positive: bool
    length: int
    bounds: tuple[int, int]

    @property
    def definition(self) -> tuple[str, list[str]]:
        """How the type of a choice or of an integer is defined under its alias: the opening and the parts."""
        if self.type == "choice":
            return "Literal[", self.quoted_choices
        low, high = self.bounds
        return "Annotated[", ["int", f"Field(ge={low}, le={high})", "WHOLE"]

    @property
    def needle(self) -> str:
        """A Python expression of a value that a search finds and that no sample contains."""
        return {
            "email": '"needle@example.com"',
            "url": '"https://example.com/needle"',
        }.get(self.type, '"Needle in hay"')

    @property
    def query(self) -> str:
        """What to search the needle by; another case, to show that case does not matter."""
        return '"NEEDLE"'

    @property
    def bad_values(self) -> list[str]:
        """Python expressions of values that must be refused."""
        bad = [BAD[self.type]]
        if self.type in ("string", "text"):
            bad.append(f'"x" * {self.length + 1}')
        if self.type == "decimal":
            bad += ['"1.234"', '"-1.00"'] if self.positive else ['"1.234"']
        if self.type == "integer":
            low, high = self.bounds
            bad += [str(low - 1)] if low >= -LARGEST else []
            bad.append(str(high + 1))
        return bad


@dataclass
class RelationView:
    """One relation, ready to be written; `target` is set once all entities are known."""

    name: str
    key: str
    heading: str
    required: bool
    stored: str
    column: list[str]
    target: EntityView = field(init=False, repr=False)


@dataclass
class EntityView:
    """One entity, ready to be written."""

    name: str
    plural: str
    cls: str
    words: str
    plural_words: str
    heading: str
    article: str
    fields: list[FieldView]
    relations: list[RelationView]
    children: bool = False

    @property
    def searched(self) -> list[str]:
        """The columns that a search looks at."""
        return [f"models.{self.cls}.{each.name}" for each in self.fields if each.type in SEARCHED]

    @property
    def label(self) -> str:
        """The attribute that tells one record from another."""
        spoken = [each for each in self.fields if each.type in ("string", "email", "text")]
        return next((each.name for each in spoken if each.required), spoken[0].name if spoken else "id")

    @property
    def can_conflict(self) -> bool:
        """Whether creating one may be at odds with another record."""
        return bool(self.relations) or any(each.unique for each in self.fields)

    @property
    def conflict(self) -> str:
        """What to say then."""
        names = [spaced(each.name) for each in self.fields if each.unique]
        if not names:
            return "a record that this one refers to is gone"
        # A line of the generated code has room for so much; more fields than that are not told apart.
        text = f"another {self.words} has this {' or '.join(names)}"
        return text if len(text) <= 80 else f"another {self.words} has one of these values"

    @property
    def required_relations(self) -> list[RelationView]:
        """Relations that every record needs."""
        return [each for each in self.relations if each.required]

    @property
    def required_names(self) -> list[str]:
        """Keys that a body must have."""
        fields = [each.name for each in self.fields if each.required and each.type != "boolean"]
        return fields + [each.key for each in self.required_relations]

    @property
    def bad_values(self) -> list[tuple[str, str]]:
        """Pairs of a field and a Python expression that it must refuse."""
        return [(each.name, value) for each in self.fields for value in each.bad_values]

    @property
    def uses_number(self) -> bool:
        """Whether a sample needs a number."""
        nodes = (node for each in self.fields for node in ast.walk(ast.parse(each.sample, mode="eval")))
        return any(isinstance(node, ast.Name) and node.id == "n" for node in nodes)

    @property
    def search_field(self) -> FieldView | None:
        """A field to test the search by."""
        fit = [each for each in self.fields if each.type in SEARCHED[:4] and each.length >= 20]
        return fit[0] if fit else None

    @property
    def escape_field(self) -> str:
        """A field that takes any characters, to test that pages escape them; empty where there is none."""
        fit = [each for each in self.fields if each.type in ("string", "text") and each.length >= 20]
        return fit[0].name if fit else ""

    @property
    def test_imports(self) -> list[str]:
        """What the tests of this entity take from the factories."""
        targets = {f"create_{each.target.name}" for each in self.relations}
        return sorted({f"create_{self.name}", f"{self.name}_body", *targets}, key=natural)


def views(plan: Plan) -> list[EntityView]:
    """Return the entities of a plan as the templates want them, in the plan's order."""
    entities = {each.name: _entity(each) for each in plan.entities}
    for each in plan.entities:
        for view, relation in zip(entities[each.name].relations, each.relations, strict=True):
            view.target = entities[relation.target]
            view.target.children = True
            view.column.insert(0, f'sa.ForeignKey("{view.target.plural}.id")')
    return list(entities.values())


def _entity(entity: Entity) -> EntityView:
    words = spaced(entity.name)
    return EntityView(
        name=entity.name,
        plural=entity.plural,
        cls=class_name(entity.name),
        words=words,
        plural_words=spaced(entity.plural),
        heading=heading(entity.plural),
        article=article(words),
        fields=[_field(each, entity) for each in entity.fields],
        relations=[
            RelationView(
                name=each.name,
                key=f"{each.name}_id",
                heading=heading(each.name),
                required=each.required,
                stored="int" if each.required else "int | None",
                column=["index=True"],
            )
            for each in entity.relations
        ],
    )


def _field(spec: FieldSpec, entity: Entity) -> FieldView:
    length = spec.max_length or LENGTHS.get(spec.type, 200)
    alias = class_name(entity.name) + class_name(spec.name)
    if len(alias) > LONGEST_ALIAS:
        alias = f"{class_name(entity.name)}Type{entity.fields.index(spec)}"
    quoted = [f'"{choice}"' for choice in spec.choices]
    optional = not spec.required and spec.type != "boolean"
    head, items, tail = _accepted(spec, alias, length)
    return FieldView(
        name=spec.name,
        type=spec.type,
        heading=heading(spec.name),
        required=spec.required,
        unique=spec.unique,
        stored=PYTHON.get(spec.type, "str") + (" | None" if optional else ""),
        column=_column(spec, length) + (["unique=True"] if spec.unique else []),
        accepted_head=head,
        accepted_items=items,
        accepted_tail=tail + (" = False" if spec.type == "boolean" else " | None = None" if optional else ""),
        sample=_sample(spec, length, quoted),
        html=_html(spec, length),
        described=_described(spec),
        choices=list(spec.choices),
        quoted_choices=quoted,
        alias=alias,
        positive=spec.minimum is not None and spec.minimum >= 0,
        length=length,
        bounds=_bounds(spec) if spec.type == "integer" else (0, 0),
    )


def _bounds(spec: FieldSpec) -> tuple[int, int]:
    low = -LARGEST - 1 if spec.minimum is None else int(spec.minimum)
    return low, LARGEST if spec.maximum is None else int(spec.maximum)


def _accepted(spec: FieldSpec, alias: str, length: int) -> tuple[str, list[str], str]:
    match spec.type:
        case "string" | "text":
            base = "Line" if spec.type == "string" else "Prose"
            return "Annotated[", [base, f"Field(max_length={length})"], "]"
        case "integer" | "choice":
            return alias, [], ""
        case "decimal":
            return "Amount" if spec.minimum is None else "PositiveAmount", [], ""
        case _:
            names = {"email": "Email", "url": "Url", "boolean": "Flag", "date": "Day", "datetime": "Moment"}
            return names[spec.type], [], ""


def _column(spec: FieldSpec, length: int) -> list[str]:
    match spec.type:
        case "string" | "email" | "url":
            return [f"sa.String({length})"]
        case "choice":
            return [f"sa.String({max(map(len, spec.choices))})"]
        case "text":
            return ["sa.Text"]
        case "decimal":
            return ["ExactDecimal"]
        case "datetime":
            return ["UtcDateTime"]
        case _:
            return []


def _sample(spec: FieldSpec, length: int, quoted: Sequence[str]) -> str:
    match spec.type:
        case "string" | "text":
            if length < 20:
                digits = min(length, 6)
                return f'f"{{n:0{digits}d}}"[-{digits}:]'
            return f'f"{heading(spec.name)[: length - 10]} {{n}}"'
        case "email":
            return 'f"person{n}@example.com"'
        case "url":
            return 'f"https://example.com/{n}"'
        case "integer":
            low, high = _bounds(spec)
            if high - low > 10_000:
                return f"{low} + n" if low > 1 else "n"
            return f"{low} + n % {high - low + 1}"
        case "decimal":
            return 'f"{n}.50"'
        case "boolean":
            return "True"
        case "date":
            return "day(n)"
        case "datetime":
            return "moment(n)"
        case "choice":
            return quoted[0]


def _html(spec: FieldSpec, length: int) -> str:
    parts = [f'type="{INPUTS.get(spec.type, "text")}"'] if spec.type != "text" else []
    match spec.type:
        case "string" | "text" | "email" | "url":
            parts.append(f'maxlength="{length}"')
        case "integer":
            low, high = _bounds(spec)
            parts.append(f'min="{low}" max="{high}" step="1"')
        case "decimal":
            sign = "-?" if spec.minimum is None else ""
            parts.append(f'inputmode="decimal" pattern="{sign}[0-9]{{1,10}}([.][0-9]{{1,2}})?" title="12.50"')
        case "datetime":
            parts = ['type="datetime-local"']
        case _:
            pass
    if spec.required and spec.type != "boolean":
        parts.append("required")
    return " ".join(parts)


def _described(spec: FieldSpec) -> str:
    kind = " or ".join(spec.choices) if spec.type == "choice" else spec.type
    if spec.type == "integer" and spec.maximum is not None:
        kind += f" from {int(spec.minimum or 0)} to {int(spec.maximum)}"
    optional = [] if spec.required or spec.type == "boolean" else ["optional"]
    return ", ".join([kind, *(["unique"] if spec.unique else []), *optional])
