"""A podcast from documents: read, write the conversation, speak it turn by turn, join it into one episode."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from langgraph.graph import END, START, StateGraph

from nexus_agents.agents.media import MediaAgent
from nexus_agents.core.errors import InputError
from nexus_agents.core.events import Message
from nexus_agents.core.names import nearest
from nexus_agents.core.runs import Outcome
from nexus_agents.core.work import PodcastBrief, PodcastScript, SourceText, to_block

if TYPE_CHECKING:
    from nexus_agents.core.ports import Kit

__all__ = ["State", "build"]

FOLDER = "podcast"


class State(TypedDict):
    """The episode so far; each channel is there once the node that writes it has run."""

    request: str
    sources: list[str]
    topic: str
    title: str
    host_voice: str
    guest_voice: str
    minutes: float
    documents: list[SourceText]
    voices: dict[str, str]
    """Speaker in the script to the voice that speaks."""
    script: PodcastScript
    spoken: list[dict[str, Any]]
    result: dict[str, Any]


def build(kit: Kit) -> StateGraph[State]:
    """Return the graph."""
    podcast = Podcast(kit)
    graph = StateGraph(State)
    graph.add_node("read", podcast.read)
    graph.add_node("write", podcast.write)
    graph.add_node("speak", podcast.speak)
    graph.add_node("join", podcast.join)
    graph.add_edge(START, "read")
    graph.add_edge("read", "write")
    graph.add_edge("write", "speak")
    graph.add_edge("speak", "join")
    graph.add_edge("join", END)
    return graph


class Podcast:
    """The nodes of the graph, over one kit."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def read(self, state: State) -> dict[str, Any]:
        """Read the documents and settle who speaks."""
        if not state["sources"]:
            raise InputError("A podcast needs a document to be made from.", "Name one, for instance notes.md.")
        documents: list[SourceText] = []
        for number, path in enumerate(state["sources"]):
            document = await self._call("read_document", {"path": path}, f"read-{number}")
            documents.append(SourceText.model_validate(document))
        return {"documents": documents, "voices": await self._cast(state)}

    async def write(self, state: State) -> dict[str, Any]:
        """Let the media agent write the conversation."""
        host, guest = state["voices"]
        brief = PodcastBrief(
            sources=state["documents"],
            host=host,
            guest=guest,
            topic=state.get("topic", ""),
            title=state.get("title", ""),
            minutes=state.get("minutes", 0),
        )
        script = await MediaAgent().run(self._kit, f"Write a podcast from these documents.\n\n{to_block(brief)}")
        strangers = sorted({turn.speaker for turn in script.turns} - set(state["voices"]))
        if strangers or not script.turns:
            raise InputError(
                f"The script gives words to {', '.join(strangers)}." if strangers else "The script has no turns.",
                f"The speakers are {host} and {guest}; name another model for the media agent in agents.yaml.",
            )
        text = "\n\n".join(f"**{turn.speaker}**: {turn.text}" for turn in script.turns)
        await self._call(
            "write_file",
            {"path": f"{FOLDER}/script.md", "content": f"# {script.title}\n\n{text}\n\n---\n{script.written_by}\n"},
            "script",
        )
        await self._kit.recorder.emit(
            Message(
                agent="media", text=f"{script.title}: {len(script.turns)} turns", data=script.model_dump(mode="json")
            )
        )
        return {"script": script}

    async def speak(self, state: State) -> dict[str, Any]:
        """Speak turn after turn; the ledger remembers which are done."""
        spoken: list[dict[str, Any]] = []
        for number, turn in enumerate(state["script"].turns):
            path = f"{FOLDER}/turns/{number:03d}.wav"
            arguments = {"text": turn.text, "voice": state["voices"][turn.speaker], "output": path}
            speech = await self._call("speak", arguments, f"turn-{number:03d}", part=True)
            spoken.append({"speaker": turn.speaker, "text": turn.text, "audio": path, "words": speech["words"]})
        return {"spoken": spoken}

    async def join(self, state: State) -> dict[str, Any]:
        """Join the turns into one episode."""
        episode = await self._call(
            "assemble_podcast",
            {"title": state["script"].title, "turns": state["spoken"], "output": f"{FOLDER}/episode"},
            "episode",
        )
        mp3, seconds = Path(episode["mp3"]), float(episode["seconds"])
        voices = ", ".join(f"{speaker} ({voice})" for speaker, voice in state["voices"].items())
        outcome = Outcome(
            summary=(
                f"{state['script'].title}: {seconds:.0f} s, {len(state['spoken'])} turns, spoken by {voices}. "
                f"Script: {state['script'].written_by}. The episode is {mp3}."
            ),
            next=[f"{'open' if sys.platform == 'darwin' else 'xdg-open'} {shlex.quote(str(mp3))}"],
            data={**episode, "voices": state["voices"]},
        )
        return {"result": outcome.model_dump(mode="json")}

    async def _cast(self, state: State) -> dict[str, str]:
        listed = await self._call("list_voices", {}, "voices")
        names = [str(voice["name"]) for voice in listed["voices"]]
        host = state.get("host_voice") or names[0]
        # The guest must be told apart by ear: the first voice that is not the host's own.
        guest = state.get("guest_voice") or next(name for name in names if name != host)
        for voice in (host, guest):
            if voice not in names:
                close = nearest(voice, names)
                raise InputError(
                    f"There is no voice named {voice!r}.", f"Did you mean {close!r}?" if close else "See: nexus voices"
                )
        if host == guest:
            raise InputError(f"Host and guest have the same voice, {host}.", "Name two voices; see: nexus voices")
        return {host: host, guest: guest}

    async def _call(self, tool: str, arguments: dict[str, Any], step: str, *, part: bool = False) -> dict[str, Any]:
        call_id = f"{self._kit.graphs.place()}podcast-{step}"
        result = await self._kit.tools.call(tool, arguments, call_id=call_id, agent="media", part=part)
        return result.model_dump(mode="json")
