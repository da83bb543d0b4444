"""Tool: read a document aloud into an audio file."""

from __future__ import annotations

from nexus_agents.core.errors import InputError
from nexus_agents.core.tool import Job, tool
from nexus_agents.core.voices import Speech
from tools.read_document import read_document
from tools.speak import speak

__all__ = ["speak_document", "spoken_text"]


@tool(risk="write", extra="speech", timeout=3600, in_turn=True)
async def speak_document(job: Job, path: str, voice: str = "", output: str = "speech.wav") -> Speech:
    """Read a text or Markdown document aloud into an audio file in the workspace.

    Args:
        job: The call.
        path: The document.
        voice: Name of a voice, one of `list_voices`; empty for the usual one.
        output: The file, relative to the workspace; its suffix (.wav .mp3 .ogg .flac) chooses the format.
    """
    document = await read_document(job, path)
    text = spoken_text(document.text) if path.lower().endswith((".md", ".markdown")) else document.text
    if not text.strip():
        raise InputError(f"{path} has nothing to read aloud.", "Name a document with sentences in it.")
    return await speak(job, text, voice, output)


def spoken_text(markdown: str) -> str:
    """Return what a reader would say of a Markdown text: no code, no addresses, no marks."""
    from markdown_it import MarkdownIt

    paragraphs: list[str] = []
    for token in MarkdownIt("commonmark").parse(markdown):
        if token.type == "inline":
            words = [child.content if child.type == "text" else " " for child in token.children or []]
            paragraphs.append(" ".join("".join(words).split()))
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)
