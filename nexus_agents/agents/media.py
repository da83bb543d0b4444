"""The media agent: scripts for voices."""

from __future__ import annotations

from nexus_agents.agents.base import Agent
from nexus_agents.core.work import PodcastScript

__all__ = ["MediaAgent"]


class MediaAgent(Agent[PodcastScript]):
    """Writes the conversation of a podcast from documents."""

    name = "media"
    output = PodcastScript
