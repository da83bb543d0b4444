"""A chat model that says what a script says: for the tests of Nexus and for yours; `scripted:FILE`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nexus_agents.core.config import ModelConfig

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

__all__ = ["create"]


def create(model: str, settings: ModelConfig, role: str) -> BaseChatModel:
    """Return the model that plays a role as a file of steps says.

    Args:
        model: Path of the file, YAML or JSON.
        settings: Not used: a script has none.
        role: Whose steps are taken.

    Raises:
        ConfigError: The file cannot be read, is no script, or has no steps for the role.
    """
    from nexus_agents.models.scripted.chat import ScriptedChatModel

    return ScriptedChatModel.from_file(Path(model).expanduser(), role)
