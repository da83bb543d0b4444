"""An agents.yaml for this machine: what was found here, and every setting with what it is for."""

from __future__ import annotations

import json
import os
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from nexus_agents.core.config import Config, ModelConfig
from nexus_agents.core.errors import ConfigError
from nexus_agents.core.reading import section_of
from nexus_agents.core.schema import FOLDER, field_docs
from nexus_agents.models.resolve import KEYS, resolve_auto
from nexus_agents.models.servers import LocalServer, find_servers

__all__ = ["Found", "look_around", "settings_text", "write_settings"]

WIDTH = 110


@dataclass(frozen=True)
class Found:
    """What this machine has.

    Attributes:
        keys: Variables that hold an API key, and the models that `auto` would take for them.
        servers: Model servers that answer.
        model: What `auto` means now.
        reason: Why.
        sandbox: What holds programs that agents run, in words.
    """

    keys: Sequence[tuple[str, str]]
    servers: Sequence[LocalServer]
    model: str
    reason: str
    sandbox: str

    @property
    def told(self) -> list[str]:
        """The same in lines."""
        lines = [f"${variable} is set: {model}" for variable, model in self.keys]
        lines += [f"{one.kind} at {one.base_url} {_serves(one)}" for one in self.servers]
        lines += [] if self.keys else ["no API key in the environment"]
        lines += [] if self.servers else ["no model server answers on this machine"]
        return [*lines, f"auto is {self.model}: {self.reason}", f"sandbox: {self.sandbox}"]


def look_around() -> Found:
    """Look for keys, local servers and a sandbox; takes less than a second."""
    from tools.sandbox import level

    keys = [(variable, f"{provider}:{model}") for variable, provider, model in KEYS if os.environ.get(variable)]
    servers = find_servers()
    auto = resolve_auto(servers=servers)
    return Found(keys, servers, auto.name, auto.reason, level())


def write_settings(path: Path, found: Found, *, force: bool = False) -> None:
    """Write an agents.yaml.

    Args:
        path: The file.
        found: What this machine has.
        force: Whether a file that is there may be replaced.

    Raises:
        ConfigError: It is there already, or cannot be written.
    """
    if path.exists() and not force:
        raise ConfigError(f"{path} is there already.", "Name another file, or replace it with: nexus init --force")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(settings_text(found), encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise ConfigError(
            f"{path} cannot be written: {error.strerror}.", "Name a file in a folder of yours."
        ) from error


def settings_text(found: Found) -> str:
    """Return an agents.yaml that says the defaults, and names the local models that were found."""
    head = [
        f"# yaml-language-server: $schema={(FOLDER / 'agents.schema.json').as_uri()}",
        "# Settings of Nexus for this machine, as `nexus init` found it. Every line is optional: what stands here are",
        "# the defaults, beside the names of local models. `nexus config check` looks for what is wrong.",
        "#",
        "# Found:",
        *(f"#   {line}" for line in found.told),
    ]
    sections = ["\n".join(lines) for lines in _sections(found)]
    return "\n\n".join(["\n".join(head), *sections]) + "\n"


def _sections(found: Found) -> Iterator[list[str]]:
    docs = field_docs(Config)
    for name, field in Config.model_fields.items():
        if field.exclude:
            continue
        lines = _comment(docs.get(name, ""), "")
        each = section_of(Config, (name, "NAME"))
        if name == "models" or (each is not None and "dict[" in str(field.annotation)):
            lines += ["# Each may have:", *_choices(each or ModelConfig)]
        if name == "models" and (local := [*_local_models(found.servers)]):
            lines += ["models:", *local]
        elif inner := section_of(Config, (name,)):
            if name == "sandbox":
                lines.append(f"# Here: {found.sandbox}.")
            lines += [f"{name}:", *_keys(inner, "  ")]
        else:
            lines.append(f"{name}: {_value(field.get_default(call_default_factory=True))}")
        yield lines


def _keys(section: type[BaseModel], indent: str) -> Iterator[str]:
    docs = field_docs(section)
    for name, field in section.model_fields.items():
        yield from _comment(docs.get(name, ""), indent)
        if inner := section_of(section, (name,)):
            yield f"{indent}{name}:"
            yield from _keys(inner, f"{indent}  ")
        else:
            yield f"{indent}{name}: {_value(field.get_default(call_default_factory=True))}"


def _choices(section: type[BaseModel]) -> Iterator[str]:
    docs = field_docs(section)
    for name in section.model_fields:
        keys = section_of(section, (name,))
        said = f"{docs.get(name, '')} ({', '.join(keys.model_fields)})" if keys else docs.get(name, "")
        first, *rest = textwrap.wrap(f"{name}: {said}".rstrip(": "), WIDTH - 6) or [name]
        yield f"#   {first}"
        yield from (f"#     {line}" for line in rest)


def _local_models(servers: Sequence[LocalServer]) -> Iterator[str]:
    taken: set[str] = set()
    for server in servers:
        if not server.model:
            continue
        kind = re.sub(r"[^a-z0-9]+", "-", server.kind.partition(" or ")[0].lower()).strip("-") or "local"
        alias = next(name for number in range(1, 1000) if (name := kind + f"-{number}" * (number > 1)) not in taken)
        taken.add(alias)
        yield f"  {alias}:"
        yield f"    model: {_value(f'{server.provider}:{server.model}')}"
        yield f"    base_url: {_value(server.base_url)}"


def _serves(server: LocalServer) -> str:
    return f"serves {server.model}" if server.model else "lists no model"


def _comment(text: str, indent: str) -> list[str]:
    return [f"{indent}# {line}" for line in textwrap.wrap(text, WIDTH - len(indent))]


def _value(value: Any) -> str:
    # JSON is YAML; quotes stay only where a plain word would be read as something else.
    text = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z][\w./-]*(?::[\w./-]+)*", value):
        return value
    return text
