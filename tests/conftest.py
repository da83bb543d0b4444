"""What every test stands on: a home of its own, and no model but the built-in one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

KEYS = (
    *("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "OPENROUTER_API_KEY", "MISTRAL_API_KEY"),
    *("GROQ_API_KEY", "DEEPSEEK_API_KEY", "XAI_API_KEY", "OPENAI_BASE_URL", "OLLAMA_HOST"),
)


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the user's own runs and keys out of the tests, and the tests out of the user's home."""
    home = tmp_path / "nexus-home"
    monkeypatch.setenv("NEXUS_HOME", str(home))
    monkeypatch.setenv("NEXUS_MODEL", "builtin:nexus")
    for name in (*KEYS, "NEXUS_CONFIG", "NEXUS_DATABASE", "NEXUS_RECORD", "NEXUS_REPLAY"):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine without bubblewrap, and with an old kernel."""
    from tools.sandbox import bubblewrap, landlock, levels

    monkeypatch.setattr(bubblewrap, "PROGRAMS", ())
    monkeypatch.setattr(landlock, "NEEDED", 1000)
    for found in (bubblewrap.find, levels._landlock_fails):
        found.cache_clear()
    yield
    for found in (bubblewrap.find, levels._landlock_fails):
        found.cache_clear()
