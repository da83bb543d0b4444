"""Names: from words to identifiers, from one to many and back, and the names that are taken."""

from __future__ import annotations

import keyword
import re
import unicodedata

__all__ = [
    "TAKEN_ENTITIES",
    "TAKEN_FIELDS",
    "UNCHANGED",
    "article",
    "class_name",
    "heading",
    "is_plural",
    "pluralize",
    "singularize",
    "slug",
    "spaced",
    "word_set",
]

IRREGULAR = {
    "person": "people",
    "child": "children",
    "man": "men",
    "woman": "women",
    "mouse": "mice",
    "goose": "geese",
    "foot": "feet",
    "tooth": "teeth",
    "leaf": "leaves",
    "shelf": "shelves",
    "knife": "knives",
    "wife": "wives",
    "life": "lives",
    "half": "halves",
    "loaf": "loaves",
    "quiz": "quizzes",
    "analysis": "analyses",
    "diagnosis": "diagnoses",
    "thesis": "theses",
    "crisis": "crises",
    "hypothesis": "hypotheses",
    "criterion": "criteria",
    "matrix": "matrices",
    "vertex": "vertices",
    "status": "statuses",
    "virus": "viruses",
    "bonus": "bonuses",
    "campus": "campuses",
    "census": "censuses",
    "movie": "movies",
    "cookie": "cookies",
    "zombie": "zombies",
    "tie": "ties",
    "pie": "pies",
    "lie": "lies",
    "die": "dice",
    "calorie": "calories",
    "hero": "heroes",
    "potato": "potatoes",
    "tomato": "tomatoes",
    "echo": "echoes",
    "cache": "caches",
    "ache": "aches",
    "axe": "axes",
    "shoe": "shoes",
    "toe": "toes",
    "horse": "horses",
    "bus": "buses",
    "gas": "gases",
    "alias": "aliases",
    "lens": "lenses",
    "canvas": "canvases",
    "atlas": "atlases",
}
UNCHANGED = {
    "data",
    "media",
    "metadata",
    "news",
    "series",
    "species",
    "sheep",
    "fish",
    "deer",
    "equipment",
    "information",
    "software",
    "hardware",
    "furniture",
    "stock",
    "staff",
    "feedback",
    "luggage",
    "aircraft",
    "inventory",
    "merchandise",
}
"""Words whose plural is like their singular."""
SINGULAR = {plural: single for single, plural in IRREGULAR.items()}


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text as a set."""
    return frozenset(text.split())


# Attributes of SQLAlchemy's and pydantic's classes, and names in the bodies of the generated ones.
TAKEN_FIELDS = frozenset(keyword.kwlist) | word_set(
    "metadata registry construct copy dict fields from_orm json schema schema_json validate "
    "parse_file parse_obj parse_raw update_forward_refs bool client dt float int mapped_column "
    "object sa self str utc_now "
)
"""Names that no field may bear; `id` and `created_at` are there already and handled on their own."""

# Classes that would hide a name of the generated modules; addresses that the application uses itself.
TAKEN_ENTITIES = frozenset(keyword.kwlist) | word_set(
    "base mapped exact_decimal utc_date_time exception warning decimal problem api doc health home "
    "index open_api page redoc route static "
)
"""Names that no entity may bear."""


def slug(words: str) -> str:
    """Return words as snake_case ASCII; empty where no letter is left.

    `"Date of Birth"` becomes `date_of_birth`, `"createdAt"` `created_at`, `"Prénom"` `prenom`.
    """
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", words)
    text = re.sub(r"(?<=\w)['’]s?\b", "", text)
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", ascii_text).strip("_").lstrip("0123456789_")


def spaced(name: str) -> str:
    """Return an identifier as words: `order item`."""
    return name.replace("_", " ")


def heading(name: str) -> str:
    """Return an identifier as a heading: `Order items`, with the usual capitals (URL, ISBN)."""
    capitals = {
        "api",
        "crm",
        "erp",
        "hr",
        "cms",
        "db",
        "crud",
        "url",
        "isbn",
        "sku",
        "vat",
        "iban",
        "id",
        "ip",
        "uuid",
        "gps",
        "ean",
        "imdb",
    }
    words = [part.upper() if part in capitals else part for part in name.split("_")]
    return " ".join([words[0][:1].upper() + words[0][1:], *words[1:]])


def class_name(name: str) -> str:
    """Return an identifier as the name of a class: `OrderItem`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def article(words: str) -> str:
    """Return `a` or `an`, by the sound of the first letters."""
    if re.match(r"(hour|honest|honou?r|heir)", words):
        return "an"
    if re.match(r"(uni([^n]|$)|use|usu|eu|one\b|ur[aeiou]|uti)", words):
        return "a"
    return "an" if words[:1] in "aeiou" else "a"


def pluralize(name: str) -> str:
    """Return an identifier in the plural, by its last word: `category` to `categories`."""
    head, sep, last = name.rpartition("_")
    return head + sep + _plural(last)


def singularize(name: str) -> str:
    """Return an identifier in the singular, by its last word; a singular stays as it is."""
    head, sep, last = name.rpartition("_")
    return head + sep + _single(last)


def is_plural(name: str) -> bool:
    """Whether an identifier is a plural that differs from its singular."""
    return singularize(name) != name


def _plural(word: str) -> str:
    if word in UNCHANGED or word in SINGULAR:
        return word
    if word in IRREGULAR:
        return IRREGULAR[word]
    if word.endswith(("person", "child", "woman")):
        return re.sub("person$", "people", re.sub("child$", "children", re.sub("woman$", "women", word)))
    if re.search(r"[^aeiou]y$|quy$", word):
        return word[:-1] + "ies"
    if re.search(r"(s|x|z|ch|sh)$", word):
        return word + "es"
    return word + "s"


def _single(word: str) -> str:
    if word in SINGULAR:
        return SINGULAR[word]
    if word in UNCHANGED or word in IRREGULAR or len(word) < 3:
        return word
    if word.endswith(("people", "children", "women")):
        return re.sub("people$", "person", re.sub("children$", "child", re.sub("women$", "woman", word)))
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if re.search(r"(ss|x|zz|ch|sh)es$", word):
        return word[:-2]
    if re.search(r"(ss|us|is|as|ness)$", word) or not word.endswith("s"):
        return word
    return word[:-1]
