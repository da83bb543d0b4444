"""Tool: which voices can speak."""

from __future__ import annotations

from pydantic import BaseModel

from nexus_agents.core.tool import Job, tool
from nexus_agents.core.voices import Voice

__all__ = ["VoiceList", "list_voices"]


class VoiceList(BaseModel):
    """Voices: those that ship with Nexus first, then the user's own; the first speaks when none is named."""

    voices: list[Voice]

    @property
    def summary(self) -> str:
        """How many there are, in a line."""
        return f"{len(self.voices)} voices"


@tool(risk="read", timeout=30)
async def list_voices(job: Job) -> VoiceList:
    """List the voices that can speak, by name, with their language and where they come from."""
    presets = await job.speech.presets()
    taken = {voice.name for voice in presets}
    own = [voice for voice in await job.voices.list() if voice.name not in taken]
    return VoiceList(voices=[*presets, *own])
