"""What happened around the calls of a model, in words that every face shows."""

from __future__ import annotations

from nexus_agents.core.events import Compacted, FellBack, Repaired

__all__ = ["notice"]

LONGEST = 300
"""Characters of what a model was told that people are shown."""


def notice(event: Compacted | Repaired | FellBack) -> str:
    """Return an event in one line."""
    match event:
        case Compacted():
            return (
                f"{event.agent}: old tool output is left out, so that it fits: about {event.before:,} tokens become "
                f"{event.after:,}, and {event.model} takes {event.context:,}"
            )
        case Repaired():
            # As the model was told: the whole of a validation error may be pages.
            told = " ".join(event.what.split())
            return f"{event.agent} is asked again: {told if len(told) <= LONGEST else told[:LONGEST] + '...'}"
        case FellBack():
            return f"{event.agent}: {event.model} cannot be reached, {event.to} is asked instead: {event.reason}"
