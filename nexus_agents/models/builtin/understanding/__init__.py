"""Understanding requests without a model: typed spans, frames of words, slots; refuses rather than guesses."""

from nexus_agents.models.builtin.understanding.meaning import Intent, Missing, Slots, Understanding
from nexus_agents.models.builtin.understanding.parse import parse, parse_followup

__all__ = ["Intent", "Missing", "Slots", "Understanding", "parse", "parse_followup"]
