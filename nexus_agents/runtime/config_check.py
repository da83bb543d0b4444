"""All that is wrong with an agents.yaml: its form, and whether what it names is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from nexus_agents.core.budget import Price
from nexus_agents.core.config import ROLES, Config
from nexus_agents.core.errors import ConfigError, NexusError
from nexus_agents.core.names import nearest
from nexus_agents.core.reading import Fault, Location, Page, config_faults
from nexus_agents.core.registry import load_dotted
from nexus_agents.core.tool import tool_spec
from nexus_agents.models.source import Models
from nexus_agents.runtime.servers_check import server_wrongs
from nexus_agents.runtime.wiring import tool_registry
from nexus_agents.runtime.yaml_file import read_yaml_file

if TYPE_CHECKING:
    from nexus_agents.core.ports import ModelSource

__all__ = ["Wrong", "check_config", "price_of"]

Wrong = tuple[Location, str, str]
"""Where, what is wrong, what to do."""


def check_config(path: Path) -> list[Fault]:
    """Return all that is wrong with a file, in the order of its lines; what it names is looked at once it has form.

    Nothing is started and no server is asked.

    Raises:
        ConfigError: It cannot be read, or is not YAML.
    """
    file = read_yaml_file(path)
    page = Page(str(path), file.line_of)
    if faults := config_faults(file.data, page):
        return faults
    config = Config.model_validate({**file.data, "folder": str(path.parent)})
    found = [page.fault(*wrong) for look in CHECKS for wrong in look(config)]
    return sorted(found, key=lambda fault: fault.line)


def price_of(config: Config, models: ModelSource | None = None) -> Callable[[str], Price | None]:
    """Return how to look a price up by the name of a model or an alias; None is a price that nobody knows.

    Args:
        config: agents.yaml, whose own prices come first.
        models: Whoever knows more prices.
    """

    def look_up(name: str) -> Price | None:
        alias = config.models.get(name)
        if alias and alias.price:
            return Price(input=alias.price.input, output=alias.price.output)
        full = alias.model if alias else name
        if full.startswith("builtin:"):
            return Price(input=0, output=0)
        return models.price(full) if models else None

    return look_up


def _models(config: Config) -> Iterator[Wrong]:
    # An alias stands for a model, not for another alias.
    bare = Config(providers=config.providers)
    for alias, settings in config.models.items():
        yield from _wrong_model(settings.model, bare, ("models", alias, "model"))
        for place, name in enumerate(settings.fallbacks):
            yield from _wrong_model(name, config, ("models", alias, "fallbacks", place))
    yield from _wrong_model(config.default_model, config, ("default_model",))
    for agent, settings in config.agents.items():
        if settings.model:
            yield from _wrong_model(settings.model, config, ("agents", agent, "model"))
    debate = config.graphs.debate
    for place, name in enumerate(debate.debaters):
        yield from _wrong_model(name, config, ("graphs", "debate", "debaters", place))
    if debate.judge:
        yield from _wrong_model(debate.judge, config, ("graphs", "debate", "judge"))


def _wrong_model(name: str, config: Config, location: Location) -> Iterator[Wrong]:
    if name == "auto":
        return
    try:
        Models(_alone(config), override=name)
    except NexusError as error:
        yield location, error.message, error.hint


def _alone(config: Config) -> Config:
    """Return settings in which a model stands for itself.

    Models of agents would come before the one that is looked at, and wrong fallbacks would be faults of every model:
    both are told at their own place.
    """
    models = {alias: settings.model_copy(update={"fallbacks": []}) for alias, settings in config.models.items()}
    return config.model_copy(update={"agents": {}, "models": models})


def _circles(config: Config) -> Iterator[Wrong]:
    seen: set[str] = set()
    for alias in config.models:
        yield from _circle(config, alias, (), seen)


def _circle(config: Config, alias: str, path: tuple[str, ...], seen: set[str]) -> Iterator[Wrong]:
    if alias in path:
        ring = path[path.index(alias) :]
        told = " -> ".join([*ring, alias])
        location = ("models", ring[-1], "fallbacks", config.models[ring[-1]].fallbacks.index(alias))
        yield location, f"the fallbacks go in a circle: {told}.", "Remove one of them: the last has none left to ask."
    elif alias in config.models and alias not in seen:
        for name in config.models[alias].fallbacks:
            yield from _circle(config, name, (*path, alias), seen)
        seen.add(alias)


def _agents(config: Config) -> Iterator[Wrong]:
    known = [*tool_registry(config), *(f"{server}.*" for server in config.mcp_servers)]
    for agent, settings in config.agents.items():
        if settings.prompt and not (file := Path(config.folder, settings.prompt)).is_file():
            yield ("agents", agent, "prompt"), f"there is no file {file}.", "Write it, or name one that exists."
        if not settings.prompt and agent not in ROLES and not config.more_graphs:
            yield (
                ("agents", agent),
                f"no agent of Nexus is named {agent!r}, and one of your own needs a prompt.",
                f"Give it the path of a file, or name one of: {', '.join(ROLES)}.",
            )
        if settings.output:
            yield from _wrong_path(settings.output, _is_product, ("agents", agent, "output"), "a pydantic model")
        for place, name in enumerate(settings.tools or ()):
            if name not in known and not _of_server(name, config) and not (":" in name and "." in name):
                close = nearest(name, known)
                yield (
                    ("agents", agent, "tools", place),
                    f"there is no tool named {name!r}.",
                    f"Did you mean {close!r}?" if close else f"There are: {', '.join(known)}.",
                )


def _of_server(name: str, config: Config) -> bool:
    # Which tools a server has is known once it runs.
    return any(name.startswith((f"{server}.", f"{server}_")) for server in config.mcp_servers)


def _paths(config: Config) -> Iterator[Wrong]:
    kinds: tuple[tuple[str, Mapping[str, str], Callable[[object], bool], str], ...] = (
        ("tools", config.tools, _is_tool, "a function that is declared with @tool"),
        ("more_graphs", config.more_graphs, callable, "a function `build(kit)`"),
        ("providers", config.providers, callable, "a function that makes a chat model"),
    )
    for section, named, right, what in kinds:
        for name, path in named.items():
            yield from _wrong_path(path, right, (section, name), what)


def _wrong_path(path: str, right: Callable[[object], bool], location: Location, what: str) -> Iterator[Wrong]:
    try:
        found = load_dotted(path)
    except ConfigError as error:
        yield location, error.message, error.hint
        return
    except Exception as error:
        yield location, f"{path!r} fails as it is imported: {error!r}.", "Correct the module, or remove the line."
        return
    if not right(found):
        yield location, f"{path!r} is not {what}.", f"Name {what}."


def _is_product(found: object) -> bool:
    return isinstance(found, type) and issubclass(found, BaseModel)


def _is_tool(found: object) -> bool:
    try:
        tool_spec(found)  # pyright: ignore[reportArgumentType]
    except TypeError:
        return False
    return True


def _folders(config: Config) -> Iterator[Wrong]:
    for place, folder in enumerate(config.skills):
        if not (path := Path(config.folder, folder).expanduser()).is_dir():
            yield ("skills", place), f"there is no folder {path}.", "Make it, or remove the line."


def _money(config: Config) -> Iterator[Wrong]:
    try:
        price = price_of(config, Models(_alone(config)))
    except ConfigError:
        # A recording that is not there: that is told where it is named.
        return
    used: list[tuple[Location, str]] = []
    if config.budget.money is not None:
        leading = [config.default_model, *(one.model for one in config.agents.values() if one.model)]
        used += [(("budget", "money"), name) for name in dict.fromkeys(leading)]
    for agent, settings in config.agents.items():
        if settings.limits.money is not None:
            used.append((("agents", agent, "limits", "money"), settings.model or config.default_model))
    for alias, settings in config.models.items():
        if settings.budget.money is not None:
            used.append((("models", alias, "budget", "money"), alias))
    for location, name in used:
        # Which model `auto` is shows when a run starts, and then its price is asked for.
        if name != "auto" and price(name) is None:
            yield (
                location,
                f"money is limited and nobody knows what {name} costs.",
                f"Give models.{name}.price, or limit tokens."
                if name in config.models
                else "Name the model under `models` and give its price there, or limit tokens.",
            )


CHECKS: tuple[Callable[[Config], Iterator[Wrong]], ...] = (
    _models,
    _circles,
    _agents,
    _paths,
    _folders,
    _money,
    server_wrongs,
)
