"""Checks what was read from a file against pydantic models: every wrong place with its line and the nearest right name.

It reads the fields of the models, at every depth, and knows no table of names.
"""

from __future__ import annotations

import difflib
import re
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar, Union, cast, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from typing_extensions import TypeIs

from nexus_agents.core.config import ROLES, Config
from nexus_agents.core.errors import ConfigError
from nexus_agents.core.names import nearest

__all__ = ["Fault", "Location", "Page", "config_faults", "faults_of", "models_in", "read_config", "section_of"]

M = TypeVar("M", bound=BaseModel)

Location = tuple[str | int, ...]
"""The way to a value: names of keys and places in lists."""

SURE = 0.9
"""How like the name of an agent of Nexus that of one's own must be to be taken for it mistyped; `reviewer` is not."""


class Fault(BaseModel):
    """One thing that is wrong in a file."""

    file: str
    line: int
    key: str
    """Where in the file, with dots."""
    message: str
    hint: str

    @property
    def error(self) -> ConfigError:
        """The fault as two lines."""
        return ConfigError(f"{self.file}, line {self.line}: {self.message}", self.hint)


class Page:
    """A file that is read: its name, its lines, and what its keys are called.

    Args:
        file: Its path, for messages.
        line_of: Returns the line on which a key stands.
        what: What a key of it is called.
        manual: Where all keys are listed.
    """

    def __init__(
        self,
        file: str,
        line_of: Callable[[Location], int],
        *,
        what: str = "setting",
        manual: str = "docs/configuration.md lists every setting",
    ) -> None:
        self.file = file
        self.line_of = line_of
        self.what = what
        self.manual = manual

    def fault(self, location: Location, message: str, hint: str) -> Fault:
        """Return what is wrong at a place, with its line."""
        return Fault(file=self.file, line=self.line_of(location), key=_dotted(location), message=message, hint=hint)


def read_config(
    data: Mapping[str, Any] | None, *, file: str, folder: str, line_of: Callable[[Location], int]
) -> Config:
    """Check what was read from agents.yaml.

    Args:
        data: The parsed file; None where it is empty.
        file: Its path, for messages.
        folder: Its folder, for relative paths in it.
        line_of: Returns the line on which a key stands.

    Raises:
        ConfigError: With file, line and, for a wrong key, the nearest right one.
    """
    found = config_faults(data or {}, Page(file, line_of))
    if found:
        raise found[0].error
    return Config.model_validate({**(data or {}), "folder": folder})


def config_faults(data: Mapping[str, Any], page: Page) -> list[Fault]:
    """Return all that is wrong with the form of an agents.yaml, in the order of its lines."""
    return sorted([*faults_of(Config, data, page), *_mistaken_agents(data, page)], key=lambda fault: fault.line)


def faults_of(model: type[M], data: Mapping[str, Any], page: Page) -> Iterator[Fault]:
    """Yield where data does not fit a model."""
    for name, field in model.model_fields.items():
        if field.exclude and name in data:
            # It is Nexus that fills it in.
            yield _unknown(model, (name,), page)
    try:
        model.model_validate(dict(data))
    except ValidationError as error:
        found = [_fault(model, each, page) for each in error.errors(include_url=False)]
        # What is missing because it is written wrong is one fault, not two.
        meant = {(fault.key.rpartition(".")[0], fault.hint) for fault in found}
        for fault in found:
            section, _, name = fault.key.rpartition(".")
            if not (fault.message.endswith("is missing.") and (section, f"Did you mean {name!r}?") in meant):
                yield fault


def section_of(model: type[BaseModel], location: Location) -> type[BaseModel] | None:
    """Return the model that stands at a place inside another one, or None where there are no keys."""
    kind: object = model
    for part in location:
        kind = _inside(kind, part)
    return kind if _is_model(kind) else None


def models_in(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Yield a model and all that stand inside it, each once."""
    seen: list[type[BaseModel]] = []

    def visit(kind: object) -> None:
        if _is_model(kind) and kind not in seen:
            seen.append(kind)
            for field in kind.model_fields.values():
                visit(field.annotation)
        for inner in get_args(kind):
            visit(inner)

    visit(model)
    yield from seen


def _fault(model: type[BaseModel], error: ErrorDetails, page: Page) -> Fault:
    location = tuple(part for part in error["loc"] if part != "[key]")
    dotted, given = _dotted(location), error["input"]
    if error["type"] in ("extra_forbidden", "invalid_key"):
        return _unknown(model, location, page)
    if error["type"] == "missing":
        return page.fault(location, f"{dotted} is missing.", f"Write it there; {page.manual}.")
    if "[key]" in error["loc"]:
        return page.fault(location, f"{dotted}: {location[-1]!r} is no name here.", _pattern(error))
    choices = re.findall(r"'([^']*)'", str(error.get("ctx", {}).get("expected", "")))
    close = nearest(given, choices) if isinstance(given, str) else None
    said = error["msg"].removeprefix("Value error, ")
    return page.fault(
        location,
        f"{dotted}: {said}.",
        f"Did you mean {close!r}?" if close else f"It is {given!r} now; {page.manual}.",
    )


def _unknown(model: type[BaseModel], location: Location, page: Page) -> Fault:
    section = section_of(model, location[:-1])
    keys = [name for name, field in section.model_fields.items() if not field.exclude] if section else []
    close = nearest(str(location[-1]), keys)
    return page.fault(
        location,
        f"there is no {page.what} {_dotted(location)!r}.",
        f"Did you mean {close!r}?" if close else f"Keys here: {', '.join(keys)}.",
    )


def _pattern(error: ErrorDetails) -> str:
    return f"It must fit {error.get('ctx', {}).get('pattern', 'the pattern')} as a whole."


def _mistaken_agents(data: Mapping[str, Any], page: Page) -> Iterator[Fault]:
    agents = data.get("agents")
    for name, settings in cast("dict[object, object]", agents).items() if isinstance(agents, dict) else ():
        own = isinstance(settings, dict) and "prompt" in settings
        close = next(iter(difflib.get_close_matches(str(name), ROLES, n=1, cutoff=SURE if own else 0.6)), None)
        if name not in ROLES and close:
            yield page.fault(("agents", str(name)), f"there is no agent named {name!r}.", f"Did you mean {close!r}?")


def _inside(kind: object, part: str | int) -> object:
    if _is_model(kind):
        field = kind.model_fields.get(str(part))
        return _whole(field.annotation) if field else None
    if get_origin(kind) is dict:
        return _whole(get_args(kind)[1])
    if get_origin(kind) in (list, tuple):
        return _whole(get_args(kind)[0])
    return None


def _whole(annotation: object) -> object:
    """Return a type without the None that may stand in its place."""
    if get_origin(annotation) in (Union, types.UnionType):
        kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
        return kinds[0] if len(kinds) == 1 else annotation
    return annotation


def _is_model(kind: object) -> TypeIs[type[BaseModel]]:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _dotted(location: Location) -> str:
    return ".".join(str(part) for part in location)
