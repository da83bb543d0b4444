"""What a request has said so far: kinds of records, their fields, and who belongs to whom."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nexus_agents.core.errors import InputError
from nexus_agents.core.work import FieldSpec
from nexus_agents.models.builtin.scaffold.brackets import mask, split_parens
from nexus_agents.models.builtin.scaffold.fields import is_modifiers, read_field
from nexus_agents.models.builtin.scaffold.records import Records, Sketch
from nexus_agents.models.builtin.scaffold.refusals import SUPPORTED, not_understood
from nexus_agents.models.builtin.scaffold.sentences import (
    DOMAINS,
    HAS,
    Head,
    items_of,
    statements,
    strip_article,
)
from nexus_agents.models.builtin.scaffold.words import (
    TAKEN_ENTITIES,
    UNCHANGED,
    is_plural,
    pluralize,
    singularize,
    slug,
    spaced,
    word_set,
)

__all__ = ["Draft"]

BELONGS = (
    r"(?:must |should |can |may |could |always |optionally |also |each )*"
    r"(?:belong(?:s|ing)?(?: to| in)|(?:is|are) (?:a |optionally )?(?:part of|linked to|related to|assigned to|"
    r"attached to|"
    r"owned by|written by|made by|placed by|created by|associated with|connected to|tied to|for|in)|references?|"
    r"refers? to|"
    r"points? to|links? to|linked to|assigned to|attached to|owned by|written by)"
)
MANY = (
    r"(?:many|several|multiple|lots of|a list of|lists? of|a number of|one or more|zero or more|"
    r"any number of|some|various)"
)
LISTS = word_set("details notes remarks comments tags labels keywords instructions ingredients hours minutes")
"""Plurals that are a field as often as a kind of record."""
PRONOUNS = word_set("it they each this these one them")


@dataclass
class Draft(Records):
    """What has been read so far."""

    current: Sketch | None = None
    last: FieldSpec | None = None

    # -- sentences ----------------------------------------------------------------------------------

    def read(self, head: Head) -> None:
        """Read the whole request after its first words."""
        parts = statements(head.rest)
        if parts and (place := _place(parts[0])):
            # "for a school: teachers (...)": the place itself is not kept.
            parts[0] = parts[0][place:]
        if head.subject and (not parts or self._describes_subject(head, parts[0])):
            self.current = self.thing(head.subject)
            if parts:
                first = parts.pop(0)
                if head.mode == "things":
                    found = re.search(rf"(?:\s(?:{HAS})\b|:)(.*)$", first, re.I | re.S)
                    first = found[1] if found else ""
                self.fields(self.current, first.lstrip(" :"))
        elif parts and head.mode == "fields" and not head.subject:
            first = [split_parens(item)[0] for item in items_of(mask(parts[0]))]
            if not any(is_plural(slug(re.split(rf"\s*:|\s(?:{HAS})\s", name, flags=re.I)[0])) for name in first):
                raise InputError(f"It is not said what has {', '.join(first[:4])}.", SUPPORTED)
        for part in parts:
            self.sentence(part)

    def sentence(self, text: str) -> None:
        """Read one sentence or line."""
        if self._note(text):
            return
        bare = mask(text)
        has = re.search(rf"\s*:\s+|:$|\s+(?:{HAS})\b:?\s*", bare, re.I)
        belongs = re.search(rf"\s+{BELONGS}\s+", bare, re.I)
        if found := re.match(
            r"^for (?:each|every|all) (.+?),? (?:i |we |please )?(?:want to |need to |should )?"
            r"(?:store|keep|record|track|save|need|want|have)\b:?(.+)$",
            text,
            re.I,
        ):
            self.describe(found[1], found[2])
        elif belongs and (not has or belongs.start() < has.start()) and not re.search(r"[(,]", bare[: belongs.start()]):
            self.belong(text[: belongs.start()], text[belongs.end() :])
        elif has and not re.fullmatch(r"\s*(?:each |all |both |also )*(?:with|having|:)\s*", has[0], re.I):
            self.describe(text[: has.start()], text[has.end() :])
        else:
            self.list_things(text)

    def describe(self, left: str, items: str) -> None:
        """Read `books have a title and a price`: the fields of one thing, or of each of several."""
        targets = [self._subject(re.sub(r"\s+(?:that|which|who)$", "", name)) for name in items_of(left)]
        if not targets:
            raise not_understood(items)
        for target in targets:
            self.current = target
            self.fields(target, items)

    def belong(self, left: str, right: str) -> None:
        """Read `books belong to an author`; more of a sentence may follow."""
        tail = re.search(rf"(?:,| and| but)\s+(?:it |they |each )?({HAS})\b:?\s+", right, re.I)
        owners = items_of(right[: tail.start()] if tail else right)
        optional = bool(re.search(r"\b(?:may|can|could|optionally)$", left.strip(), re.I))
        left = re.sub(
            r"(?:\s+(?:that|which|who|may|can|could|must|should|always|optionally|also|each))+$",
            "",
            left.strip(),
            flags=re.I,
        )
        children = [self._subject(name) for name in items_of(left)]
        for child in children:
            for owner in owners:
                self.relate(child, owner, optional=optional)
        if tail:
            self.current = children[-1]
            self.fields(children[-1], right[tail.end() :])

    def _note(self, text: str) -> bool:
        found = re.match(
            r"^(?:the |an? |each |every )?(?P<field>[\w '-]+?)"
            r"(?: of (?:an? |each |every |the )?(?P<of>[\w '-]+?))?(?: field)? "
            r"(?:is|are|must be|should be|has to be|have to be|needs to be|can be) "
            r"(?:always )?(?P<what>unique|optional|required|mandatory)$",
            text.strip(),
            re.I,
        )
        if not found:
            return False
        names = {slug(found["field"]), singularize(slug(found["field"]))}
        owner = singularize(slug(found["of"])) if found["of"] else ""
        hits = [
            spec
            for sketch in self.things.values()
            for spec in sketch.fields
            if (spec.name in names and owner in ("", sketch.name)) or f"{sketch.name}_{spec.name}" in names
        ]
        if not hits:
            raise not_understood(text)
        for spec in hits:
            self._flag(spec, found["what"].lower())
        return True

    # -- lists --------------------------------------------------------------------------------------

    def list_things(self, text: str) -> None:
        """Read a list of things: `customers and their orders`, `posts (title, body) and comments (text)`."""
        inside = False
        before: Sketch | None = None
        related = False
        items = items_of(text)
        if not items:
            raise not_understood(text)
        for item, following in zip(items, [*items[1:], ""], strict=True):
            if related and before is not None and re.fullmatch(r"(?:an?|one|the) [\w' -]+", item, re.I):
                self.relate(before, item)
                continue
            related = False
            if inside and not _opens_thing(item) and not re.match(r"each\b", following, re.I):
                assert self.current is not None
                self.fields(self.current, item)
                continue
            if found := re.match(
                rf"^(.*?)(?:\s*:\s*|\s+(?:(?:that|which|who|where each)\s+)?(?:{HAS})\b:?\s+)(.+)$", mask(item), re.I
            ):
                left, right = item[: found.end(1)], item[found.start(2) :]
                self.current = before if before and left.lower() in PRONOUNS else self._listed(left, before)
                self.fields(self.current, right)
                inside = True
            elif found := re.match(rf"^(.+?)\s+(?:(?:that|which|who)\s+)?{BELONGS}\s+(.+)$", mask(item), re.I):
                self.current = self._listed(item[: found.end(1)], before)
                self.relate(self.current, item[found.start(2) :])
                related = True
            else:
                words, within = split_parens(item)
                if len(items) > 1 and not within and not _names_records(words):
                    raise not_understood(item)
                self.current = self._listed(words, before)
                if within:
                    self.fields(self.current, within)
            before = self.current

    def fields(self, owner: Sketch, text: str) -> None:
        """Read a list of fields; a thing with fields of its own may stand among them."""
        target = owner
        for item in items_of(text):
            target = self._item(target, item)
        self.current = target

    def _item(self, owner: Sketch, item: str) -> Sketch:
        bare = re.sub(r"^(?:also|and|or|plus|then)\s+", "", item.strip(" ."), flags=re.I)
        lowered = bare.lower()
        words, inside = split_parens(bare)
        if lowered in ("unique", "optional", "required", "mandatory") and self.last:
            self._flag(self.last, lowered)
        elif found := re.match(rf"^(?:that |which |who |it |they )?({BELONGS})\s+(.+)$", bare, re.I):
            self.relate(owner, found[2], optional=bool(re.match(r"(?:may|can|could|optionally)\b", found[1], re.I)))
        elif found := re.match(rf"^(.+?)\s+(?:(?:that|which|who|each)\s+)?({BELONGS})\s+(.+)$", bare, re.I):
            if is_plural(slug(found[1])) and slug(found[1]) not in LISTS and found[2].lower().startswith("belong"):
                self.relate(self._subject(found[1]), found[3])
            else:
                self._field(owner, found[1])
                self.relate(owner, found[3])
        elif found := re.match(rf"^({MANY})\s+(.+)$", bare, re.I):
            child = self.thing(strip_article(found[2]))
            self.stated = True
            self.link(child, owner.name, owner.name)
        elif found := re.match(rf"^(?:{HAS})\s+(.+)$", bare, re.I):
            return self._item(owner, found[1])
        elif found := re.match(rf"^(.+?)(?::\s+|\s+(?:(?:that|which|who)\s+)?(?:{HAS})\s+)(.+)$", mask(bare), re.I):
            left, right = bare[: found.end(1)], bare[found.start(2) :]
            if not is_plural(slug(left)) and singularize(slug(strip_article(left))) not in self.things:
                self._field(owner, bare)
                return owner
            target = self._subject(left)
            return self._item(target, right)
        elif (
            inside and not is_modifiers(inside) and is_plural(slug(words)) and not words.lower().startswith("optional")
        ):
            self.fields(self.thing(words), inside)
            self.current = owner
        else:
            self._field(owner, bare)
        return owner

    def _field(self, owner: Sketch, words: str) -> None:
        read = read_field(words, owner.name)
        if read is None:
            return
        self.assumptions += read.assumptions
        if read.spec.name in ("id", "created_at"):
            return
        if any(spec.name == read.spec.name for spec in owner.fields):
            raise InputError(
                f"{spaced(owner.name)} has the field {read.spec.name!r} twice.",
                "Name it once, or give one another name.",
            )
        owner.fields.append(read.spec)
        self.last = read.spec

    def _flag(self, spec: FieldSpec, what: str) -> None:
        if what != "unique":
            spec.required = what in ("required", "mandatory")
        elif spec.type in ("boolean", "choice", "text"):
            self.assume(f"'{spec.name}' has too few values, or too long ones, to be unique.")
        else:
            spec.unique = True

    # -- things and relations -----------------------------------------------------------------------

    def thing(self, words: str) -> Sketch:
        """Return the kind of record that the words name, a new one where there is none yet."""
        words = re.sub(r"(?<=\w)\s+(?:collection|list|info|information)s?$", "", words.strip(), flags=re.I)
        cleaned = strip_article(re.sub(r"^(?:users?|people|i|we) (?:can|could) ", "", words.strip(), flags=re.I))
        name = singularize(slug(cleaned))
        plural = is_plural(slug(cleaned))
        if not name or len(name.split("_")) > 3 or not re.fullmatch(r"[\w' -]+", cleaned):
            raise not_understood(words)
        if re.search(
            r"\b(?:if|when|can|should|must|will|is|are|be|to|that|which|in|on|by|from|not|do|does|what|how|why)\b",
            cleaned,
            re.I,
        ):
            raise not_understood(words)
        if name in TAKEN_ENTITIES:
            self.assume(f"'{name}' is named '{name}_record', because Python or a library has taken it.")
            name = f"{name}_record"
        sketch = self.things.setdefault(name, Sketch(name))
        sketch.plural = sketch.plural or plural
        return sketch

    def _subject(self, words: str) -> Sketch:
        stripped = words.strip(" ,.:").lower()
        if stripped in PRONOUNS or re.fullmatch(
            r"each (?:one|of (?:them|these))|every one|(?:the )?(?:fields|columns|attributes)", stripped
        ):
            if self.current is None:
                raise not_understood(words)
            return self.current
        return self._listed(words, None)

    def _listed(self, words: str, before: Sketch | None) -> Sketch:
        words = words.strip(" ,.:")
        if found := re.match(r"^(?:their|its|his|her)\s+(.+)$", words, re.I):
            child = self.thing(found[1])
            if before is not None and before is not child:
                self.stated = True
                self.link(child, before.name, before.name)
            return child
        if found := re.match(r"^([\w' -]+?)\s+(?:of|for|in|on|by|per|from|about)\s+([\w' -]+)$", words, re.I):
            # "orders of a customer" and "comments on posts" say who belongs to whom; "kings of England" does not.
            owner = re.match(r"^(an?|each|every|one|their|its|our|my)\s+([\w' -]+)$", found[2], re.I)
            if not is_plural(slug(strip_article(found[1]))) or not (owner or is_plural(slug(found[2]))):
                raise not_understood(words)
            child = self.thing(found[1])
            if found[2].lower() not in PRONOUNS:
                self._relate_one(child, owner[2] if owner else found[2], optional=False)
            return child
        return self.thing(words)

    def relate(self, child: Sketch, owner: str, *, optional: bool = False) -> None:
        """Write down that a thing belongs to another, or to one of each of several."""
        self.stated = True
        for each in items_of(owner):
            if re.match(r"^(?:an? )?optional(?:ly)?\b|^at most one\b|^zero or one\b", each, re.I):
                optional = True
                each = re.sub(
                    r"^(?:an? )?(?:optional(?:ly)?|at most one|zero or one)\b\s*(?:an? )?", "", each, flags=re.I
                )
            words, inside = split_parens(each)
            optional = optional or "optional" in inside.lower()
            words = re.sub(r"^exactly (?:one )?", "", words, flags=re.I)
            self._relate_one(child, words, optional=optional)

    def _relate_one(self, child: Sketch, words: str, *, optional: bool) -> None:
        role = re.match(r"^(?:an? |the |another )?(parent|another|other)\s*(.*)$", words.strip(), re.I)
        if role:
            target = self.thing(role[2] or child.name)
            self.link(
                child, f"parent_{target.name}" if target is child else target.name, target.name, optional=optional
            )
            return
        target = self.thing(words)
        name = f"parent_{target.name}" if target is child else target.name
        self.link(child, name, target.name, optional=optional)

    def _describes_subject(self, head: Head, first: str) -> bool:
        """Whether the first sentence lists the fields of what the application is named after."""
        subject = singularize(slug(head.subject))
        if subject in DOMAINS:
            return False
        left, *more = re.split(rf"\s*:\s+|\s+(?:{HAS})\b", mask(first), maxsplit=1, flags=re.I)
        named = [slug(strip_article(split_parens(item)[0])) for item in items_of(left)]
        plural = [is_plural(name) and name not in LISTS for name in named]
        if head.mode == "things":
            if subject in [singularize(name) for name in named] or len(named) > 1:
                return False
            if any(plural):
                raise InputError(
                    f"Is it about {spaced(pluralize(subject))} or about {spaced(named[0])}?",
                    f"Say 'an API for {spaced(pluralize(subject))} with ...' or "
                    f"'an API for {spaced(named[0])} with ...'.",
                )
            return True
        if re.search(rf"\s{BELONGS}\s", left, re.I):
            return False
        if more:
            sentence = re.match(r"(?:each|every|an?|the)\s", left, re.I) and not re.match(r"\s*:", first[len(left) :])
            return named[0] in PRONOUNS or not (plural[0] or sentence)
        return not (all(plural) or (plural[0] and _opens_thing(items_of(first)[0])))


def _names_records(words: str) -> bool:
    """Whether words in a list of things are surely a kind of record: a plural, or `a book`."""
    return (
        is_plural(slug(words))
        or slug(words) in UNCHANGED
        or bool(re.match(r"(?:an?|each|their|its) ", words, re.I))
        or (bool(re.search(r"\s(?:of|for|in|on|by|per)\s", words)))
    )


def _place(text: str) -> int:
    """Return where the list begins after a place or trade: `a school: teachers, pupils`; 0 where there is none."""
    found = re.match(
        rf"^(?:an? |the |my |our |some )?([\w -]+?)(?:\s*:\s+|\s+(?:(?:that|which) )?(?:{HAS})\s+)", text, re.I
    )
    if found and not {slug(found[1]), slug(found[1]).split("_")[-1]}.isdisjoint(DOMAINS):
        first = split_parens(items_of(text[found.end() :])[0])[0]
        return found.end() if is_plural(slug(re.split(r"\s", first)[0])) or _opens_thing(first) else 0
    return 0


def _opens_thing(item: str) -> bool:
    """Whether an item of a list starts a new thing: `books with title`, `books (title, price)`, `books: title`."""
    words, inside = split_parens(item)
    if inside and not is_modifiers(inside) and is_plural(slug(words)):
        return True
    found = re.match(rf"^(.+?)(?:\s*:\s+|\s+(?:(?:that|which|who)\s+)?(?:{HAS})\s)", mask(item), re.I)
    return bool(found) and is_plural(slug(strip_article(found[1]))) if found else False
