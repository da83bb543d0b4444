"""A YAML file that people write: its values, the line of each, and what is wrong with it as YAML."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from nexus_agents.core.errors import ConfigError

if TYPE_CHECKING:
    import yaml

    from nexus_agents.core.reading import Location

__all__ = ["YamlFile", "read_yaml_file"]


@dataclass(frozen=True)
class YamlFile:
    """What stands in a file.

    Attributes:
        path: The file.
        data: Its values.
        line_of: Returns the line on which a key stands; that of what is around it where it is not there.
    """

    path: Path
    data: dict[str, Any]
    line_of: Callable[[Location], int]


def read_yaml_file(path: Path, *, what: str = "settings", manual: str = "docs/configuration.md") -> YamlFile:
    """Read a file of keys and values; an empty one has none.

    Args:
        path: The file.
        what: What is expected in it, for messages.
        manual: Where an example stands.

    Raises:
        ConfigError: It cannot be read, is not YAML, is no mapping, or says one thing twice.
    """
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        data: Any = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        # Without the path, which the system names again.
        why = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"{path} cannot be read: {why}.", "Make it a UTF-8 text file that you may read.") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}, line {mark.line + 1}" if mark else str(path)
        raise ConfigError(
            f"{where}: this is not YAML: {getattr(error, 'problem', None) or error}.",
            "Check the indentation and the colons of that line and the one before.",
        ) from error
    if data is not None and not isinstance(data, dict):
        raise ConfigError(f"{path}, line 1: {what} are expected, as `key: value`.", f"{manual} has an example.")
    for key, first, second in _twice(tree):
        raise ConfigError(
            f"{path}, line {second}: {key!r} stands on line {first} already.", "YAML would take the last: remove one."
        )
    return YamlFile(path, cast("dict[str, Any]", data or {}), _line_finder(tree))


def _twice(tree: yaml.Node | None) -> Iterator[tuple[str, int, int]]:
    import yaml

    if isinstance(tree, yaml.SequenceNode):
        for node in cast("list[yaml.Node]", tree.value):
            yield from _twice(node)
    elif isinstance(tree, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, node in cast("list[tuple[yaml.Node, yaml.Node]]", tree.value):
            line = key.start_mark.line + 1
            if isinstance(key, yaml.ScalarNode) and str(key.value) in seen:
                yield str(key.value), seen[str(key.value)], line
            seen.setdefault(str(key.value), line)
            yield from _twice(node)


def _line_finder(tree: yaml.Node | None) -> Callable[[Location], int]:
    import yaml

    def line_of(location: Location) -> int:
        node, line = tree, 1
        for part in location:
            if isinstance(node, yaml.MappingNode):
                pair = next((pair for pair in node.value if pair[0].value == str(part)), None)
                if pair is None:
                    break
                line, node = pair[0].start_mark.line + 1, pair[1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
                line = node.start_mark.line + 1
            else:
                break
        return line

    return line_of
