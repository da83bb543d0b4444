"""The `nexus` command: text for people, JSON for programs, exit codes for scripts."""

from __future__ import annotations

import sys
import warnings

__all__ = ["debate_script", "main"]


def main(arguments: list[str] | None = None) -> None:
    """Run the `nexus` command and exit with its code."""
    if not sys.warnoptions:
        # What a library says to programmers is no narration; `python -W default -m nexus_agents` shows it.
        warnings.simplefilter("ignore")
    from nexus_agents.cli.app import run

    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def debate_script() -> None:
    """Run `python graphs/debate.py QUESTION` as `nexus debate QUESTION`."""
    main(["debate", *sys.argv[1:]])
