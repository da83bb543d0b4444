"""The built-in script writer: sentences from the notes, word for word."""

from __future__ import annotations

from nexus_agents.core.errors import InputError
from nexus_agents.core.work import PodcastBrief, from_block
from nexus_agents.models.builtin.script import extract_script
from nexus_agents.models.builtin.turn import Decision, Product, Say, Turn

__all__ = ["decide"]


def decide(turn: Turn) -> Decision:
    """Extract a conversation from the documents of the brief."""
    brief = from_block(turn.request, PodcastBrief)
    if brief is None:
        return Say("I am the built-in model and write only from a brief; there is none in this message.")
    notes = "\n\n".join(source.text for source in brief.sources)
    try:
        script = extract_script(
            notes,
            source=brief.sources[0].name if len(brief.sources) == 1 else ", ".join(s.name for s in brief.sources),
            title=brief.title or None,
            host=brief.host,
            guest=brief.guest,
            minutes=brief.minutes or None,
        )
    except InputError as error:
        return Say(f"{error.message}\n{error.hint}")
    return Product(script)
