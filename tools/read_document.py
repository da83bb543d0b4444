"""The tool that reads a document that the user named, as text."""

from __future__ import annotations

import asyncio
from pathlib import Path

from nexus_agents.core.errors import InputError
from nexus_agents.core.tool import Job, tool
from nexus_agents.core.work import SourceText

__all__ = ["read_document"]

LARGEST = 2_000_000
"""Bytes: about 300,000 words, far more than a podcast can carry."""


@tool(risk="read", in_turn=True)
async def read_document(job: Job, path: str) -> SourceText:
    """Read a text or Markdown file that the user named.

    Args:
        job: The call.
        path: The file, relative to the workspace or to where the request came from.
    """
    file = job.resolve_input(path)
    text = await asyncio.to_thread(_read, file, path)
    if not text.strip():
        raise InputError(f"{path} is empty.", "Name a document with text in it.")
    return SourceText(name=Path(path).name, text=text)


def _read(file: Path, path: str) -> str:
    try:
        if file.stat().st_size > LARGEST:
            raise InputError(
                f"{path} is larger than {LARGEST // 1_000_000} MB.", "Name a shorter document, or a part of it."
            )
        data = file.read_bytes()
        if b"\0" in data[:4096]:
            raise InputError(f"{path} is not a text file.", "Name a text or Markdown document.")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text.", "Save it as UTF-8, or name another document.") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", "Make it readable, or name another.") from error
