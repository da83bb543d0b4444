"""The kinds of records that a request names, and how they become the entities of a plan."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from nexus_agents.core.errors import InputError
from nexus_agents.core.work import Entity, FieldSpec, Relation
from nexus_agents.models.builtin.scaffold.refusals import FEATURES, SUPPORTED
from nexus_agents.models.builtin.scaffold.sentences import DOMAINS, Head
from nexus_agents.models.builtin.scaffold.words import pluralize, singularize, spaced, word_set

__all__ = ["Records", "Sketch"]

DATA_APPS = re.compile(
    r"\b(?:api|crud|rest|back-?end|service|microservice|registry|database|db|tracker|manager|catalog(?:ue)?|directory|"
    r"organi[sz]er|management)s?\b",
    re.I,
)
STARTERS = word_set(
    "todo task note contact recipe book expense bookmark event user customer product employee student invoice order "
    "item movie habit appointment booking reservation ticket project article post asset member supplier vehicle"
)
"""Things that anybody would keep a list of, so that "a todo app" is understood without more words."""


@dataclass
class Sketch:
    """A kind of record while the request is being read."""

    name: str
    fields: list[FieldSpec] = field(default_factory=list[FieldSpec])
    parents: dict[str, Relation] = field(default_factory=dict[str, Relation])
    plural: bool = False
    """Whether the request names it in the plural: it is then surely a kind of record."""


@dataclass
class Records:
    """All kinds of records that were named, and what was decided for the person who asked."""

    things: dict[str, Sketch] = field(default_factory=dict[str, Sketch])
    assumptions: list[str] = field(default_factory=list[str])
    stated: bool = False
    """Whether the request says of any record that it belongs to another."""

    def assume(self, line: str) -> None:
        """Write down what was decided for the person who asked."""
        self.assumptions.append(line)

    def link(self, child: Sketch, name: str, target: str, *, optional: bool = False) -> None:
        """Write down that each of one kind belongs to one of another."""
        itself = target == child.name
        if itself and not optional:
            self.assume(f"The {spaced(name)} of a {spaced(child.name)} is optional, because the first has none.")
        child.parents[name] = Relation(name=name, target=target, required=not (optional or itself))

    def finish(self, head: Head) -> list[Entity]:
        """Turn fields that name other records into relations, and give a name to what has no field.

        Raises:
            InputError: Nothing is to be kept, or it is not said what.
        """
        if not self.things:
            raise InputError("I find nothing in this request that is to be kept.", SUPPORTED)
        for sketch in list(self.things.values()):
            for spec in list(sketch.fields):
                self._resolve(sketch, spec)
        self._refuse_features()
        self._refuse_vague(head)
        return [self._entity(sketch) for sketch in self.things.values()]

    def _entity(self, sketch: Sketch) -> Entity:
        plural = pluralize(sketch.name)
        fields = sketch.fields
        if not fields:
            self.assume(f"{spaced(plural).capitalize()} have a name; nothing else was said about them.")
            fields = [FieldSpec(name="name")]
        return Entity(name=sketch.name, plural=plural, fields=fields, relations=list(sketch.parents.values()))

    def _resolve(self, sketch: Sketch, spec: FieldSpec) -> None:
        name = spec.name.removesuffix("_id")
        single = singularize(name)
        if single not in self.things and f"{single}_record" in self.things:
            name = single = f"{single}_record"
        if spec.type not in ("string", "text", "integer", "boolean") or spec.choices:
            return
        if name in self.things and (name != sketch.name or spec.name.endswith("_id")):
            sketch.fields.remove(spec)
            self.link(sketch, name, name, optional=not spec.required)
        elif single != name and single in self.things and single != sketch.name:
            if any(parent.target == single for parent in sketch.parents.values()):
                raise InputError(
                    f"{spaced(sketch.name)} and {spaced(single)} each have or belong to the other.",
                    "Where each side has many of the other, add a third kind of record that belongs to both.",
                )
            sketch.fields.remove(spec)
            self.link(self.things[single], sketch.name, sketch.name)

    def _refuse_features(self) -> None:
        for sketch in self.things.values():
            if not sketch.fields and sketch.name.split("_")[-1] in FEATURES:
                raise InputError(
                    f"The built-in rules cannot build {spaced(pluralize(sketch.name))!r} by that word alone.",
                    f"If it is something to keep, say what each one has. {SUPPORTED}",
                )

    def _refuse_vague(self, head: Head) -> None:
        sketches = list(self.things.values())
        listed = ", ".join(spaced(name) for name in self.things)
        if self.stated or any(sketch.fields for sketch in sketches):
            if not (head.app or head.subject) and not any(sketch.plural for sketch in sketches):
                raise InputError(f"I cannot tell whether {listed} is to be kept in an application.", SUPPORTED)
            return
        known = all(sketch.name in STARTERS or sketch.name.split("_")[0] in STARTERS for sketch in sketches)
        plain = all(sketch.plural or sketch.name in STARTERS for sketch in sketches)
        asked = head.asked and (known or (plain and DATA_APPS.search(head.app)))
        if not asked or any(sketch.name in DOMAINS for sketch in sketches):
            raise InputError(f"It is not said what is to be kept about: {listed}.", SUPPORTED)
