"""Models as faces show them: which there are, and what is known of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nexus_agents.models.catalog import Catalog

if TYPE_CHECKING:
    from nexus_agents.core.models import ModelCard, ModelListing
    from nexus_agents.runtime.runtime import Runtime

__all__ = ["list_models", "model_card"]


async def list_models(runtime: Runtime) -> Sequence[ModelListing]:
    """Return the models that there are."""
    return await _catalog(runtime).list()


async def model_card(runtime: Runtime, name: str, *, probe: bool = False) -> ModelCard:
    """Return what is known of a model.

    Args:
        runtime: Whose settings and memory are used.
        name: A name of agents.yaml, `provider:model`, or `auto`.
        probe: Whether to try it out, though it may cost.

    Raises:
        ConfigError: There is no such model, or it cannot be tried out.
    """
    return await _catalog(runtime).card(name, probe=probe)


def _catalog(runtime: Runtime) -> Catalog:
    return Catalog(runtime.settings.config, runtime.memory.profiles)
