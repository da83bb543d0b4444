"""The main job, end to end: three requests in plain words, worked without a person, a key, a server or a GPU.

`make demo` runs it. It uses the same runtime, graphs and tools that a language model would use.
"""

from __future__ import annotations

import asyncio
import shlex
import sys
from pathlib import Path

from nexus_agents import Runtime, open_runtime
from nexus_agents.cli.render import Narration, duration
from nexus_agents.core.events import RunFinished
from nexus_agents.runtime.consents import clip_facts, read_record

ROOT = Path(__file__).resolve().parent.parent
REQUESTS = (
    ("user-api", "create a user API with name and email"),
    ("radio", "clone this voice examples/reference.wav and make a podcast about examples/notes.md"),
    ("debate", "debate: is 2^61 - 1 prime?"),
)


async def consent(runtime: Runtime) -> None:
    """Record the consent that lies beside the example clip; whoever types `make demo` is the person who does so."""
    facts = clip_facts(ROOT / "examples" / "reference.wav")
    if await runtime.memory.voices.consent_for(facts.sha256) is None:
        await runtime.memory.voices.add_consent(read_record(ROOT / "examples" / "reference.consent.json", facts))


async def work(runtime: Runtime, folder: str, request: str) -> RunFinished:
    """Run one request and tell what happens."""
    run = await runtime.start(request, workspace=ROOT / "demo" / folder, approved=("read", "write", "execute"))
    narration = Narration()
    finished = RunFinished(run_id=run.id, status="failed")
    async for event in runtime.stream(run.id):
        narration.show(event)
        if isinstance(event, RunFinished):
            finished = event
    return finished


async def main() -> int:
    """Run all three and print what was asked, what was made, how long it took and how to go on."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title="What was made", show_header=False, title_justify="left")
    table.add_column("what")
    table.add_column("value", overflow="fold")
    worst = 0
    async with open_runtime() as runtime:
        await consent(runtime)
        for folder, request in REQUESTS:
            print(f"\n>>> {request}", file=sys.stderr, flush=True)
            finished = await work(runtime, folder, request)
            made = [Path(artifact.path) for artifact in await runtime.memory.artifacts.list(finished.run_id)]
            shown = sorted({_short(path) for path in made}) or [f"demo/{folder}/"]
            nexus = shlex.quote(_short(Path(sys.executable).with_name("nexus")))
            commands = [command.replace(f"cd {ROOT}/", "cd ") for command in finished.next]
            status = "" if finished.status == "done" else f" ({finished.status})"
            table.add_row("asked", Text(request, style="bold"))
            table.add_row("made", Text("\n".join(shown)))
            table.add_row("took", duration(finished.seconds) + status)
            table.add_row("start or open", Text("\n".join(commands) or f"less {shown[0]}"))
            table.add_row("look into it", Text(f"{nexus} show {finished.run_id}"), end_section=True)
            worst = max(worst, finished.error.exit_code if finished.error else 0)
    # Commands are there to be copied: where nobody watches, lines are not folded for a screen.
    Console(width=None if sys.stdout.isatty() else 200).print(table)
    return worst


def _short(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
