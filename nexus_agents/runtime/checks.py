"""What this installation can do, looked at and not assumed."""

from __future__ import annotations

import asyncio
import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel

from nexus_agents.core.errors import NexusError
from nexus_agents.models.servers import LocalServer, find_servers
from nexus_agents.models.source import Models

if TYPE_CHECKING:
    from nexus_agents.core.config import Config
    from nexus_agents.runtime.runtime import Runtime

__all__ = ["Check", "check_all", "model_and_reason", "sandbox_word"]

EXTRAS = {
    "apps": (
        *("fastapi", "uvicorn", "httpx2", "pytest", "coverage", "ruff", "mypy", "bandit", "tree-sitter"),
        *(f"tree-sitter-{language}" for language in ("go", "java", "javascript", "rust", "typescript")),
    ),
    "speech": ("espeakng-loader", "numpy", "scipy", "soundfile", "pyworld-prebuilt"),
    "models": ("torch", "transformers", "accelerate", "peft", "bitsandbytes", "safetensors"),
    "video": ("torch", "diffusers", "av", "opencv-python-headless", "pillow"),
    "postgres": ("psycopg",),
    "encryption": ("cryptography", "keyring"),
    "minilm": ("numpy", "safetensors", "tokenizers"),
    "anthropic": ("langchain-anthropic",),
    "deepseek": ("langchain-deepseek",),
    "google": ("langchain-google-genai",),
    "groq": ("langchain-groq",),
    "mistral": ("langchain-mistralai",),
    "ollama": ("langchain-ollama",),
    "openrouter": ("langchain-openrouter",),
    "xai": ("langchain-xai",),
    "cluster": ("ray",),
    "servers": ("fastapi", "mcp", "uvicorn"),
    "mcp": ("mcp", "jsonschema"),
}
"""Packages by extra, as pyproject.toml has them; extras that only name others are left out."""


class Check(BaseModel):
    """One line of `nexus doctor`."""

    what: str
    state: Literal["ok", "absent", "broken"]
    says: str


async def check_all(runtime: Runtime) -> list[Check]:
    """Look at everything that a run may need."""
    settings = runtime.settings
    unfinished = await runtime.memory.runs.list(limit=100, statuses=("running", "waiting", "interrupted"))
    return [
        Check(what="nexus", state="ok", says=f"{version('nexus-agents')} on Python {platform.python_version()}"),
        Check(what="home", state="ok", says=str(settings.home)),
        Check(what="memory", state="ok", says=f"{settings.database_url}, {len(unfinished)} unfinished runs"),
        Check(what="settings", state="ok", says=str(settings.config_file or "no agents.yaml: defaults")),
        _model(runtime),
        *_servers(),
        *[await _mcp(runtime, name) for name in settings.config.mcp_servers],
        *await _speech(runtime),
        _facts(runtime),
        _git(),
        await asyncio.to_thread(_sandbox, settings.config),
        *(_extra(name, packages) for name, packages in EXTRAS.items()),
    ]


def model_and_reason(config: Config) -> tuple[str, str]:
    """Return the model that leads a run, and why.

    Raises:
        ConfigError: agents.yaml names a model that there is not.
    """
    models = Models(config)
    return models.describe("assistant"), models.reason("assistant")


def sandbox_word(config: Config) -> str:
    """Return the level of the sandbox in one word; it is tried, which takes a moment."""
    from tools.sandbox.levels import FLOOR, find_level

    if config.sandbox.level == "floor":
        return FLOOR.name
    found, _ = find_level(config.sandbox.level)
    return found.name if found else FLOOR.name if config.sandbox.level == "auto" else "none"


def _model(runtime: Runtime) -> Check:
    try:
        name, reason = model_and_reason(runtime.settings.config)
        Models(runtime.settings.config).get("assistant")
        return Check(what="model", state="ok", says=f"{name}: {reason}")
    except NexusError as error:
        return Check(what="model", state="broken", says=f"{error.message} {error.hint}")


def _servers() -> list[Check]:
    found = find_servers()
    if not found:
        return [Check(what="servers", state="absent", says="no model server answers on this machine")]
    return [Check(what="server", state="ok", says=f"{one.kind} at {one.base_url}: {_listed(one)}") for one in found]


def _listed(server: LocalServer) -> str:
    more = len(server.models) - 1
    return f"{server.model}{f' and {more} more' if more > 0 else ''}" if server.model else "lists no model"


async def _mcp(runtime: Runtime, name: str) -> Check:
    try:
        tools = await runtime.house.mcp.tools(name)
        return Check(what=f"mcp {name}", state="ok", says=f"{len(tools)} tools: {', '.join(tools)}")
    except NexusError as error:
        return Check(what=f"mcp {name}", state="broken", says=f"{error.message} {error.hint}")


async def _speech(runtime: Runtime) -> list[Check]:
    import tempfile
    from pathlib import Path

    try:
        presets = await runtime.house.speech.presets()
        with tempfile.TemporaryDirectory() as folder:
            speech = await runtime.house.speech.speak("ready", presets[0], Path(folder, "ready.wav"))
        return [Check(what="speech", state="ok", says=f"{speech.engine}, {len(presets)} voices")]
    except NexusError as error:
        return [Check(what="speech", state="absent", says=f"{error.message} {error.hint}")]


def _facts(runtime: Runtime) -> Check:
    try:
        mode = runtime.memory.facts.search_mode
        return Check(what="facts", state="absent" if mode.startswith("words only") else "ok", says=f"found by {mode}")
    except NexusError as error:
        return Check(what="facts", state="broken", says=f"{error.message} {error.hint}")


def _git() -> Check:
    where = shutil.which("git")
    return Check(what="git", state="ok" if where else "broken", says=where or "not installed; agents commit with it")


def _sandbox(config: Config) -> Check:
    from tools.sandbox.levels import FLOOR, find_level

    wanted = config.sandbox.level
    if wanted == "floor":
        return Check(what="sandbox", state="ok", says=FLOOR.words)
    found, why = find_level(wanted)
    if found is not None:
        return Check(what="sandbox", state="ok", says=found.words)
    install = "code that a model wrote needs bubblewrap (install it), or --unsafe"
    return Check(what="sandbox", state="absent", says=f"{FLOOR.words}; {why}; {install}")


def _extra(name: str, packages: tuple[str, ...]) -> Check:
    missing = [package for package in packages if not _installed(package)]
    if not missing:
        return Check(what=f"extra {name}", state="ok", says=", ".join(f"{p} {version(p)}" for p in packages))
    install = f"{sys.executable} -m pip install 'nexus-agents[{name}]'"
    return Check(what=f"extra {name}", state="absent", says=f"missing {', '.join(missing)}; {install}")


def _installed(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True
