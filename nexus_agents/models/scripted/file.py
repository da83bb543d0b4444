"""Scripts in files: the steps of a whole team, as YAML or JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from nexus_agents.core.errors import ConfigError
from nexus_agents.models.scripted.script import Conversation, Script
from nexus_agents.models.scripted.steps import Step, as_step

__all__ = ["read_script", "roles_of"]


def read_script(path: Path, role: str) -> Script:
    """Read the steps of a role.

    Args:
        path: The file: `roles`, and `served` where a file shall tell which steps were taken.
        role: The role; `debater-2` takes the steps of `debater` where it has none of its own, and every role those of
            `"*"`.

    Raises:
        ConfigError: The file cannot be read, is no script, or has no steps for the role.
    """
    data = _read(path)
    roles = cast("Mapping[str, Any]", data["roles"])
    key = next((name for name in (role, re.sub(r"-\d+$", "", role), "*") if name in roles), None)
    if key is None:
        raise ConfigError(
            f"{path} has no steps for the role {role!r}.", f"It has steps for: {', '.join(roles) or 'nobody'}."
        )
    listed = cast("list[Any]", roles[key]) if isinstance(roles[key], list) else [roles[key]]
    grouped = bool(listed) and all(isinstance(item, Mapping) and "steps" in item for item in listed)
    groups = cast("list[Mapping[str, Any]]", listed if grouped else [{"steps": listed}])
    served = data.get("served")
    return Script(
        role,
        [_conversation(path, key, number, group) for number, group in enumerate(groups)],
        in_order=False,
        served=path.parent / str(served) if served else None,
    )


def roles_of(path: Path) -> list[str]:
    """Return the roles that a script has steps for.

    Raises:
        ConfigError: The file cannot be read or is no script.
    """
    return list(_read(path)["roles"])


def _conversation(path: Path, role: str, number: int, group: Mapping[str, Any]) -> Conversation:
    when = str(group.get("when") or "")
    where = f"{path}: roles.{role}, conversation {number + 1}"
    try:
        re.compile(when)
    except re.error as error:
        raise ConfigError(f"{where}: `when` is no regular expression: {error}.", "Correct it.") from error
    if unknown := set(group) - {"when", "steps"}:
        raise ConfigError(f"{where}: there is no {sorted(unknown)[0]!r}.", "A conversation has `when` and `steps`.")
    return Conversation(
        when or str(number), [_step(where, place, said) for place, said in enumerate(_list(group))], when
    )


def _list(group: Mapping[str, Any]) -> Sequence[Any]:
    steps = group["steps"]
    return cast("list[Any]", steps) if isinstance(steps, list) else [steps]


def _step(where: str, place: int, said: Any) -> Step:
    try:
        return as_step(said)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            f"{where}, step {place + 1}: {key}: {first['msg']}.", f"A step has: {', '.join(Step.model_fields)}."
        ) from error
    except TypeError as error:
        raise ConfigError(f"{where}, step {place + 1}: {error}.", "docs/models.md shows a script.") from error


def _read(path: Path) -> Mapping[str, Any]:
    import yaml

    try:
        # JSON is YAML as well.
        data: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(
            f"The script {path} cannot be read: {' '.join(str(error).split())}.", "Name a YAML or JSON file of steps."
        ) from error
    if not isinstance(data, Mapping) or not isinstance(cast("Mapping[str, Any]", data).get("roles"), Mapping):
        raise ConfigError(f"{path} is no script: it has no `roles`.", "docs/models.md shows a script.")
    return cast("Mapping[str, Any]", data)
