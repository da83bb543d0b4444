"""Questions to the person at the terminal: what will run, and the keys that answer."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from nexus_agents.cli.render import plain
from nexus_agents.core.errors import InputError, NexusError
from nexus_agents.runtime.questions import RISKS, UNKNOWN, read_arguments

if TYPE_CHECKING:
    from nexus_agents.core.events import ApprovalAsked
    from nexus_agents.core.tool import Approved, Risk
    from nexus_agents.runtime.approvals import Decision, Effect

__all__ = ["Asking"]

LONGEST = 2000
"""Characters of one argument that are shown; in the editor it stands whole."""

WORDS = {"yes": "y", "always": "a", "risk": "r", "no": "n", "never": "v", "edit": "e", "quit": "q"}
"""Whoever writes the word means its key."""

EFFECTS: dict[str, Effect] = {"a": "again", "d": "done", "s": "skip"}


class Asking:
    """Asks at the terminal.

    Args:
        approved: Risk classes that need no further question in this run; grows with the answers.
        check: Refuses arguments that a tool does not take, with an `InputError`.
    """

    def __init__(self, approved: list[Approved], check: Callable[[str, Mapping[str, Any]], None]) -> None:
        self._approved = approved
        self._check = check
        self._drafts: dict[str, str] = {}

    def ask(self, asked: Sequence[ApprovalAsked]) -> dict[str, Decision]:
        """Return the answers by the id of the question; none where the person would rather leave."""
        answers: dict[str, Decision] = {}
        for question in asked:
            if question.risk == "identity":
                # Consent is a record about a clip, not a key pressed in passing: the question names the command.
                return {}
            decision = self._known(question, asked, answers) or self._ask_one(question)
            if decision is None:
                return {}
            answers[question.approval_id] = decision
        return answers

    def _known(
        self, question: ApprovalAsked, asked: Sequence[ApprovalAsked], answers: Mapping[str, Decision]
    ) -> Decision | None:
        # What was said a moment ago of all calls like this one holds for this one too.
        from nexus_agents.runtime.approvals import Decision

        if question.risk in self._approved:
            return Decision(approve=True)
        same = (answers.get(one.approval_id) for one in asked if one.kind and one.kind == question.kind)
        return next((decision for decision in same if decision and decision.always), None)

    def _ask_one(self, question: ApprovalAsked) -> Decision | None:
        from nexus_agents.runtime.approvals import Decision

        _say(f"{question.question} ({question.risk})\n  {question.tool}")
        for name, value in question.arguments.items():
            _say(f"    {name}: {_shown(value)}")
        if question.risk == UNKNOWN:
            key, _ = _key("run [a]gain, it is [d]one, [s]kip, [q]uit", "adsq")
            return Decision(approve=key != "s", effect=EFFECTS[key]) if key in EFFECTS else None
        if question.kind:
            _say(f"  always and never are about: {question.kind}")
        keys, words = _offered(question)
        while True:
            key, rest = _key(words, keys)
            match key:
                case "y" | "a":
                    return Decision(approve=True, always=key == "a")
                case "r":
                    self._approved.append(cast("Risk", question.risk))
                    return Decision(approve=True)
                case "n" | "v":
                    return Decision(approve=False, always=key == "v", reason=rest)
                case "e":
                    if (edited := self._edit(question)) is not None:
                        return Decision(approve=True, arguments=edited)
                case _:
                    return None

    def _edit(self, question: ApprovalAsked) -> dict[str, Any] | None:
        before = json.dumps(question.arguments, indent=2, ensure_ascii=False)
        draft = self._drafts.get(question.approval_id, before)
        try:
            text = _written(draft)
            if not text.strip() or text.strip() == before:
                # Whoever leaves an editor without a change has approved nothing.
                _say("  Nothing was changed.")
                return None
            self._drafts[question.approval_id] = text
            arguments = read_arguments(text)
            self._check(question.tool, arguments)
        except NexusError as error:
            _say(f"  {error.message}\n  {error.hint}")
            return None
        return arguments


def _offered(question: ApprovalAsked) -> tuple[str, str]:
    lasting = bool(question.kind)
    risk = question.risk in RISKS
    words = ["[y]es once", *(["[a]lways"] if lasting else []), *(["all of this [r]isk in this run"] if risk else [])]
    words += ["[n]o", *(["ne[v]er"] if lasting else []), "[e]dit the arguments", "[q]uit"]
    return f"y{'a' if lasting else ''}{'r' if risk else ''}n{'v' if lasting else ''}eq", ", ".join(words)


def _key(words: str, keys: str) -> tuple[str, str]:
    # The key, and what was written behind it: a reason. The end of the input is [q]uit.
    while True:
        print(f"  {words}: ", end="", file=sys.stderr, flush=True)  # noqa: T201
        line = sys.stdin.readline()
        if not line:
            return "q", ""
        word, _, rest = line.strip().partition(" ")
        key = WORDS.get(word.lower(), word.lower())
        if len(key) == 1 and key in keys:
            return key, rest.strip()
        _say("  One of these letters, please; a reason may follow a no.")


def _written(text: str) -> str:
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not editor:
        _say(plain(text))
        print("  the arguments as one line of JSON (Enter leaves them): ", end="", file=sys.stderr, flush=True)  # noqa: T201
        return sys.stdin.readline()
    with tempfile.TemporaryDirectory(prefix="nexus-") as folder:
        file = Path(folder, "arguments.json")
        file.write_text(f"{text}\n", encoding="utf-8")
        try:
            code = subprocess.run([*shlex.split(editor), str(file)], check=False).returncode
            if code == 0:
                return file.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise InputError(f"The editor {editor!r} cannot be used: {error}.", "Set EDITOR to another one.") from error
    raise InputError(f"The editor {editor!r} ended with {code}.", "What it wrote was not taken: press e to try again.")


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    cut = text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(text):,} characters in all)"
    return cut.replace("\n", "\n      ")


def _say(text: str) -> None:
    print(plain(text), file=sys.stderr)  # noqa: T201
