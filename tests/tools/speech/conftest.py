"""The embedded voice as it is: a real speech process, the example clip, one likeness for the whole session."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from nexus_agents.core.voices import Voice, VoiceReport
from tools.speech.engine import EmbeddedSpeech
from tools.speech.process import SpeechProcess

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture(scope="session", autouse=True)
def speech_packages() -> None:
    for package in ("espeakng_loader", "numpy", "pyworld", "scipy", "soundfile"):
        pytest.importorskip(package, reason="needs the extra `speech`")


@pytest.fixture(scope="session")
def clip() -> Path:
    return EXAMPLES / "reference.wav"


@pytest.fixture(scope="session")
def transcript() -> str:
    return (EXAMPLES / "reference.txt").read_text(encoding="utf-8")


@pytest_asyncio.fixture
async def process() -> AsyncIterator[SpeechProcess]:
    process = SpeechProcess()
    yield process
    await process.aclose()


@pytest_asyncio.fixture
async def speech(tmp_path: Path) -> AsyncIterator[EmbeddedSpeech]:
    speech = EmbeddedSpeech(tmp_path / "voices")
    yield speech
    await speech.aclose()


@pytest.fixture(scope="session")
def fitted_once(tmp_path_factory: pytest.TempPathFactory, clip: Path, transcript: str) -> tuple[Voice, VoiceReport]:
    """The likeness of the example clip, fitted with its transcript. Do not write into its folder."""
    folder = tmp_path_factory.mktemp("voices") / "rms"

    async def fit() -> tuple[Voice, VoiceReport]:
        speech = EmbeddedSpeech(folder.parent)
        try:
            return await speech.fit(clip, "rms", folder, transcript=transcript)
        finally:
            await speech.aclose()

    return asyncio.run(fit())


@pytest.fixture
def likeness_copy(tmp_path: Path, fitted_once: tuple[Voice, VoiceReport]) -> Voice:
    """The same likeness in a folder that a test may spoil."""
    voice, _ = fitted_once
    shutil.copytree(str(voice.folder), tmp_path / "copy")
    return voice.model_copy(update={"folder": str(tmp_path / "copy")})
