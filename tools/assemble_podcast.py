"""Tool: join spoken turns into one episode."""

from __future__ import annotations

import asyncio

from pydantic import BaseModel

from nexus_agents.core.errors import InputError
from nexus_agents.core.tool import Job, tool
from nexus_agents.core.voices import Word
from tools.paths import inside
from tools.podcast_audio import Episode, SpokenTurn, assemble

__all__ = ["TurnFile", "assemble_podcast"]


class TurnFile(BaseModel):
    """One spoken turn."""

    speaker: str
    text: str
    audio: str
    """The file, relative to the workspace."""
    words: list[Word]
    """As `speak` returned them."""


@tool(risk="write", extra="speech", timeout=900)
async def assemble_podcast(job: Job, title: str, turns: list[TurnFile], output: str = "podcast/episode") -> Episode:
    """Join spoken turns into an episode: WAV, MP3, a transcript with times, and subtitles.

    Args:
        job: The call.
        title: Title of the episode.
        turns: The turns in order, as they were spoken by `speak`.
        output: Name of the files in the workspace, without suffix.
    """
    stem = inside(job.workspace, output, writing=True)
    spoken = [SpokenTurn(turn.speaker, turn.text, inside(job.workspace, turn.audio), turn.words) for turn in turns]
    missing = [turn.audio for turn, its in zip(turns, spoken, strict=True) if not its.audio.is_file()]
    if missing:
        raise InputError(f"The turn {missing[0]} is missing.", "Speak it again, then join the turns.")
    job.progress(0.0, f"joining {len(turns)} turns")
    episode = await asyncio.to_thread(assemble, spoken, stem, title)
    job.artifact(stem.with_name(f"{stem.name}.mp3"), "audio", title)
    job.artifact(stem.with_name(f"{stem.name}.wav"), "audio", f"{title} (lossless)")
    job.artifact(stem.with_name(f"{stem.name}.transcript.json"), "transcript", f"{title} (transcript)")
    job.artifact(stem.with_name(f"{stem.name}.vtt"), "transcript", f"{title} (subtitles)")
    return episode
