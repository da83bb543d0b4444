"""The tool that starts the podcast graph."""

from __future__ import annotations

from nexus_agents.core.errors import InputError
from nexus_agents.core.runs import Outcome
from nexus_agents.core.tool import Job, tool
from tools.outcome import outcome_of

__all__ = ["make_podcast"]


@tool(risk="write", extra="speech", timeout=4 * 3600)
async def make_podcast(
    job: Job,
    sources: list[str],
    host_voice: str = "",
    guest_voice: str = "",
    topic: str = "",
    title: str = "",
    minutes: float = 0,
) -> Outcome:
    """Make a podcast of two speakers from documents: script, speech, one mastered episode with a transcript.

    Args:
        job: The call.
        sources: Paths of text or Markdown files.
        host_voice: Name of a voice (see list_voices); empty for a preset.
        guest_voice: The same for the second speaker.
        topic: What to dwell on.
        title: Title of the episode; empty for the document's own.
        minutes: Wanted length; 0 leaves it to the material.
    """
    if not sources:
        raise InputError("A podcast needs a document to be made from.", "Name one, for instance notes.md.")
    for path in sources:
        job.resolve_input(path)
    inputs = {
        "request": f"A podcast about {topic or ', '.join(sources)}",
        "sources": sources,
        "host_voice": host_voice,
        "guest_voice": guest_voice,
        "topic": topic,
        "title": title,
        "minutes": minutes,
    }
    return outcome_of(await job.graphs.run("podcast", inputs))
