"""`nexus speak`: a text as audio."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nexus_agents.cli.drive import approved_by, drive
from nexus_agents.cli.options import ConfigFile, Json, Plain, Yes

if TYPE_CHECKING:
    from nexus_agents.core.runs import Run
    from nexus_agents.runtime.runtime import Runtime

__all__ = ["speak"]


def speak(
    text: Annotated[str, typer.Argument(help="What to say.")],
    voice: Annotated[str, typer.Option("--voice", "-v", help="Who says it; see: nexus voices")] = "",
    output: Annotated[Path, typer.Option("--output", "-o", help="The file; .wav, .mp3, .ogg or .flac.")] = Path(
        "speech.wav"
    ),
    as_json: Json = False,
    plain: Plain = False,
    yes: Yes = False,
    config: ConfigFile = None,
) -> int:
    """Speak a text into an audio file."""

    async def begin(runtime: Runtime) -> Run:
        return await runtime.start(
            f"speak: {text[:200]}" if text.strip() else "",
            graph="call",
            inputs={"tool": "speak", "arguments": {"text": text, "voice": voice, "output": output.name}},
            workspace=output.expanduser().absolute().parent,
            approved=approved_by(yes),
        )

    return drive(begin, as_json=as_json, plain=plain, yes=yes, config=config)
