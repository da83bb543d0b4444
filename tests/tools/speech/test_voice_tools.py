"""The tools over the engine: consent first, the workspace is not left, and a second call changes nothing."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from memory import open_memory
from nexus_agents.core.errors import ConsentNeeded, InputError, ToolInputError, WorkspaceError
from nexus_agents.core.ports import VoiceStore
from nexus_agents.core.tool import tool_spec
from nexus_agents.core.voices import Consent
from tools.assemble_podcast import TurnFile, assemble_podcast
from tools.clone_voice import clone_voice
from tools.list_voices import list_voices
from tools.speak import speak
from tools.speech.audio import sha256_of
from tools.speech.engine import EmbeddedSpeech


class VoiceJob:
    """One call on a real workspace, with a real engine and a real store of voices."""

    def __init__(self, folder: Path, speech: EmbeddedSpeech, voices: VoiceStore) -> None:
        self.run_id, self.call_id, self.agent = "run-1", "call-1", "media"
        self.workspace, self.folder = folder / "workspace", folder / "call"
        for path in (self.workspace, self.folder):
            path.mkdir()
        self.speech, self.voices = speech, voices
        self.artifacts: list[str] = []
        self.reports: list[str] = []

    @property
    def graphs(self) -> Any:
        raise AssertionError("these tools start no graph")

    def resolve_input(self, path: str) -> Path:
        if not (self.workspace / path).is_file():
            raise InputError(f"There is no file {path}.", "Name another.")
        return self.workspace / path

    def progress(self, fraction: float, text: str = "") -> None:
        self.reports.append(text)

    def check_cancelled(self) -> None:
        return

    def artifact(self, path: Path, kind: str, title: str = "") -> None:
        assert path.is_file()
        self.artifacts.append(path.relative_to(self.workspace).as_posix())


@pytest_asyncio.fixture
async def job(tmp_path: Path, speech: EmbeddedSpeech, clip: Path) -> AsyncIterator[VoiceJob]:
    async with open_memory(f"sqlite:///{tmp_path / 'nexus.db'}", checkpoints=False) as memory:
        job = VoiceJob(tmp_path, speech, memory.voices)
        shutil.copy(clip, job.workspace / "My Voice.wav")
        yield job


async def consent(job: VoiceJob) -> str:
    digest = sha256_of(job.workspace / "My Voice.wav")
    await job.voices.add_consent(
        Consent(clip_sha256=digest, speaker="rms", approved_by="a test", statement="A synthetic voice.")
    )
    return digest


async def test_without_consent_no_voice(job: VoiceJob) -> None:
    with pytest.raises(ConsentNeeded) as refused:
        await clone_voice(job, "My Voice.wav")
    assert "My Voice.wav" in refused.value.message
    assert "nexus voices consent 'My Voice.wav'" in refused.value.hint
    assert await job.voices.list() == []
    assert not job.speech.voice_root.exists()


async def test_a_file_that_is_no_clip_is_refused_before_consent_is_asked(job: VoiceJob) -> None:
    (job.workspace / "notes.wav").write_text("Not a recording.")
    with pytest.raises(InputError, match="not audio"):
        await clone_voice(job, "notes.wav")


async def test_clone_once_then_speak(job: VoiceJob, transcript: str) -> None:
    digest = await consent(job)
    (job.workspace / "My Voice.txt").write_text(transcript, encoding="utf-8")
    made = await clone_voice(job, "My Voice.wav")
    assert (made.voice.name, made.voice.clip_sha256) == ("My Voice", digest)
    assert made.with_transcript
    assert not made.reused
    assert made.report.spectrum_error_db < made.report.spectrum_error_before_db
    assert Path(str(made.voice.folder)).parent == job.speech.voice_root
    assert [name async for name in _own(job)] == ["My Voice"]

    before = {path: path.stat().st_mtime_ns for path in Path(str(made.voice.folder)).iterdir()}
    again = await clone_voice(job, "My Voice.wav")
    assert again.reused
    assert again.voice == made.voice
    assert {path: path.stat().st_mtime_ns for path in before} == before

    spoken = await speak(job, "This is my voice.", voice="My Voice", output="out/hello.mp3")
    assert "likeness of My Voice.wav" in spoken.engine
    assert job.artifacts == ["voices/my-voice.wav", "voices/my-voice.wav", "out/hello.mp3"]

    await job.voices.revoke(digest)
    with pytest.raises(ConsentNeeded, match="My Voice"):
        await speak(job, "Once more.", voice="My Voice")
    with pytest.raises(ConsentNeeded):
        await clone_voice(job, "My Voice.wav")


async def _own(job: VoiceJob) -> AsyncIterator[str]:
    presets = {voice.name for voice in await job.speech.presets()}
    for voice in (await list_voices(job)).voices:
        if voice.name not in presets:
            yield voice.name


async def test_names_are_not_taken_twice(job: VoiceJob) -> None:
    await consent(job)
    for name in ("alba", "Alba", "../x", "a" * 60):
        with pytest.raises(ToolInputError):
            await clone_voice(job, "My Voice.wav", speaker_name=name)
    assert await job.voices.list() == []


async def test_speak_finds_voices_and_stays_inside(job: VoiceJob, tmp_path: Path) -> None:
    spoken = await speak(job, "Hello there.", voice="Ben")
    assert spoken.voice == "ben"
    assert Path(spoken.path) == job.workspace / "speech.wav"
    assert (await speak(job, "Hello.")).voice == (await job.speech.presets())[0].name
    with pytest.raises(ToolInputError, match="grce") as refused:
        await speak(job, "Hello.", voice="grce")
    assert "grace" in refused.value.hint
    for output in ("../out.wav", str(tmp_path / "out.wav")):
        with pytest.raises(WorkspaceError):
            await speak(job, "Hello.", output=output)
    assert not (tmp_path / "out.wav").exists()


async def test_turns_become_an_episode(job: VoiceJob) -> None:
    turns: list[TurnFile] = []
    for number, (speaker, voice) in enumerate((("Ann", "alba"), ("Ben", "ben"))):
        spoken = await speak(job, f"I am {speaker}.", voice=voice, output=f"podcast/turns/{number}.wav")
        turns.append(
            TurnFile(speaker=speaker, text=f"I am {speaker}.", audio=f"podcast/turns/{number}.wav", words=spoken.words)
        )
    episode = await assemble_podcast(job, "Two people", turns)
    assert Path(episode.mp3) == job.workspace / "podcast" / "episode.mp3"
    assert episode.speakers == ["Ann", "Ben"]
    assert "podcast/episode.transcript.json" in job.artifacts
    with pytest.raises(InputError, match=r"gone\.wav"):
        await assemble_podcast(job, "Gone", [turns[0].model_copy(update={"audio": "gone.wav"})])


def test_declarations() -> None:
    risks = {tool_spec(one).name: tool_spec(one).risk for one in (speak, clone_voice, list_voices, assemble_podcast)}
    assert risks == {
        "speak": "write",
        "clone_voice": "identity",
        "list_voices": "read",
        "assemble_podcast": "write",
    }
    fields = tool_spec(assemble_podcast).arguments.model_json_schema()["properties"]
    assert set(fields) == {"title", "turns", "output"}
