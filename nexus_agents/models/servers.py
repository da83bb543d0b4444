"""Model servers on this machine: found by asking loopback ports, quickly and all at once."""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from nexus_agents.models.asking import ask, entries

__all__ = ["LocalServer", "find_servers", "ollama_address"]

OLLAMA, LM_STUDIO = "Ollama", "LM Studio"
PORTS = ((11434, OLLAMA), (1234, LM_STUDIO), (8080, "llama.cpp"), (8000, "vLLM or transformers serve"))
TIMEOUT = 0.15
"""Seconds: a server on loopback that does not answer in this time is busy or is not one."""

EMBEDS = re.compile(r"embed|\bbge\b|minilm|rerank", re.I)
"""Models that do not talk, by name."""


@dataclass(frozen=True)
class LocalServer:
    """A model server that answered.

    Attributes:
        kind: What it is.
        base_url: Its address, as its provider wants it.
        model: The model that is taken where none is named: one that is loaded, else the first; empty where it has none.
        models: All that it lists, that one first.
        provider: `ollama`, which is spoken to in its own way, or `openai`.
    """

    kind: str
    base_url: str
    model: str
    models: tuple[str, ...] = ()
    provider: str = "openai"


def find_servers() -> list[LocalServer]:
    """Return the local servers that answer, in order of preference; what is not there costs a refused connection."""
    with ThreadPoolExecutor(len(PORTS)) as pool:
        return [server for server in pool.map(_ask, *zip(*PORTS, strict=True)) if server]


def ollama_address(port: int = 11434) -> str:
    """Return where Ollama is: at $OLLAMA_HOST, written as Ollama's own programs take it, else on loopback."""
    named = os.environ.get("OLLAMA_HOST", "").strip().rstrip("/")
    if not named:
        return f"http://127.0.0.1:{port}"
    scheme, host = named.split("://", 1) if "://" in named else ("http", named)
    name, _, number = host.rpartition(":") if re.search(r":\d+$", host) else (host, "", "")
    # An address to listen on is none to ask.
    name = "127.0.0.1" if name in ("", "0.0.0.0", "[::]") else name
    default = 443 if scheme == "https" else 80 if "://" in named else 11434
    return f"{scheme}://{name}:{number or default}"


def _ask(port: int, kind: str) -> LocalServer | None:
    if kind == OLLAMA:
        return _ask_ollama(ollama_address(port))
    root = f"http://127.0.0.1:{port}"
    if kind == LM_STUDIO and (found := _ask_lm_studio(root)):
        return found
    answer = ask(root, "/v1/models", timeout=TIMEOUT)
    names = [str(entry.get("id") or "") for entry in entries(answer, "data")]
    if not any(names):
        healthy = ask(root, "/health", timeout=TIMEOUT) if kind.endswith("serve") else None
        # transformers serve answers 500 to a list of models where it is offline, and serves all the same.
        return LocalServer("transformers serve", f"{root}/v1", "") if healthy == {"status": "ok"} else None
    return _server(_kind(kind, entries(answer, "data")[0]), f"{root}/v1", names, "openai")


def _ask_ollama(root: str) -> LocalServer | None:
    answer = ask(root, "/api/tags", timeout=TIMEOUT)
    if answer is None or not isinstance(answer.get("models"), list):
        return None
    names = [str(entry.get("name") or "") for entry in entries(answer, "models")]
    loaded = [str(entry.get("name")) for entry in entries(ask(root, "/api/ps", timeout=TIMEOUT), "models")]
    return _server(OLLAMA, root, [*(name for name in loaded if name in names), *names], "ollama")


def _ask_lm_studio(root: str) -> LocalServer | None:
    listed = entries(ask(root, "/api/v0/models", timeout=TIMEOUT), "data")
    talking = [entry for entry in listed if entry.get("type") in ("llm", "vlm")]
    talking.sort(key=lambda entry: entry.get("state") != "loaded")
    names = [str(entry.get("id") or "") for entry in talking]
    return _server(LM_STUDIO, f"{root}/v1", names, "openai") if listed else None


def _server(kind: str, base_url: str, names: list[str], provider: str) -> LocalServer:
    talking = tuple(dict.fromkeys(name for name in names if name and not EMBEDS.search(name)))
    return LocalServer(kind, base_url, talking[0] if talking else "", talking, provider)


def _kind(guess: str, entry: dict[str, object]) -> str:
    owner = str(entry.get("owned_by", "")).lower()
    known = {"llamacpp": "llama.cpp", "vllm": "vLLM", "library": OLLAMA}
    return known.get(owner, "vLLM" if "max_model_len" in entry else guess)
