"""The tool that tells an agent which models there are."""

from __future__ import annotations

from typing import Any

from nexus_agents.core.config import Config, ModelConfig
from nexus_agents.models.catalog import Catalog
from tools.list_models import list_models


async def test_models_are_listed(job: Any) -> None:
    class WithModels(type(job)):  # type: ignore[misc]
        models = Catalog(Config(models={"mine": ModelConfig(model="openai:x", base_url="http://127.0.0.1:9/v1")}))

    job.__class__ = WithModels
    found = await list_models(job)
    names = [one.name for one in found.models]
    assert names[0] == "mine"
    assert "builtin:nexus" in names
    assert found.summary.endswith("auto takes builtin:nexus")
