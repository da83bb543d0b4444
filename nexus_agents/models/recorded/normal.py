"""Requests without what differs from run to run, and the key that they are kept under."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from nexus_agents.core.errors import ConfigError

__all__ = ["RULES", "Normal", "key_of"]

RULES: tuple[tuple[str, str], ...] = (
    # A folder that a test or a program made for itself.
    (rf"{re.escape(tempfile.gettempdir())}/(?:pytest-of-[\w.-]+/pytest-\d+/)?[^/\s\"'`:,)\]]+", "<temp>"),
    (r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", "<uuid>"),
    # The id of a run, as core.names makes it.
    (r"\b\d{4}-\d{4}-[0-9a-f]{6}\b", "<run>"),
    (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?", "<time>"),
    (r"\b\d\d:\d\d:\d\d(?:\.\d+)?\b", "<time>"),
    # How long something took: `in 0.12s`, `3.4 seconds`, `120 ms`.
    (r"\b\d+(?:\.\d+)? ?(?:ms|milliseconds)\b", "<duration>"),
    (r"\b\d+\.\d+ ?(?:s|sec|seconds)\b", "<duration>"),
    (r"\bin \d+ ?(?:s|sec|seconds)\b", "in <duration>"),
    (r"(\"seconds\": ?)\d+(?:\.\d+)?", r"\1<duration>"),
    # Commits: hexadecimal digits, letters and figures among them.
    (r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,64}\b", "<hash>"),
    (r"\b0x[0-9a-f]{6,16}\b", "<address>"),
    (r"\b(127\.0\.0\.1|localhost|\[::1\]):\d{1,5}\b", r"\1:<port>"),
    (r"\bpid[ =:]\d+\b", "pid <pid>"),
)
"""What is replaced in every text of a request before its key is made: regular expression and replacement, in order."""

NOT_ASKED = frozenset({"tools", "through", "run_manager", "ls_structured_output_format", "strict"})
"""What is bound to a model and is no part of what it is asked, or is told under another name."""


class Normal:
    """Makes requests alike that differ only by place and time.

    Args:
        stands_for: Paths and names by the word that stands for them, for instance `<nexus-workspace>`.
        more: More rules, after `RULES`.

    Raises:
        ConfigError: A rule is no regular expression.
    """

    def __init__(
        self,
        stands_for: Mapping[str, Path | str] | None = None,
        more: Iterable[tuple[str, str]] = (),
        *,
        source: str = "rules",
    ) -> None:
        by_length = sorted((stands_for or {}).items(), key=lambda item: len(str(item[1])), reverse=True)
        self._plain = [(str(path), name) for name, path in by_length]
        try:
            self._rules = [(re.compile(pattern), new) for pattern, new in (*RULES, *more)]
        except re.error as error:
            raise ConfigError(
                f"{source}: {error.pattern!r} is no regular expression: {error}.", "Correct it, or remove it."
            ) from error

    def text(self, text: str) -> str:
        """Return a text with every rule applied."""
        for path, name in self._plain:
            text = text.replace(path, name)
        for pattern, new in self._rules:
            text = pattern.sub(new, text)
        return text

    def request(self, role: str, messages: Sequence[BaseMessage], options: Mapping[str, Any]) -> dict[str, Any]:
        """Return a request as it is kept: messages, tools, and what else was bound.

        The name of the model is no part of it, nor are its settings in agents.yaml: who replays need not have them.
        """
        numbers: dict[str, str] = {}
        for message in messages:
            for call in message.tool_calls if isinstance(message, AIMessage) else []:
                numbers.setdefault(call["id"] or "", f"call-{len(numbers) + 1}")
        kept = {key: value for key, value in options.items() if key not in NOT_ASKED and value is not None}
        return {
            "role": self.text(role),
            "messages": [self._message(message, numbers) for message in messages],
            "tools": self._tree(options.get("tools") or []),
            "options": self._tree(json.loads(json.dumps(kept, default=str))),
        }

    def _message(self, message: BaseMessage, numbers: Mapping[str, str]) -> dict[str, Any]:
        told: dict[str, Any] = {"type": message.type, "content": self._content(message, numbers)}
        if isinstance(message, AIMessage) and message.tool_calls:
            told["calls"] = [
                {"id": numbers[call["id"] or ""], "name": call["name"], "args": self._tree(call["args"])}
                for call in message.tool_calls
            ]
        if isinstance(message, ToolMessage):
            told |= {"answers": numbers.get(message.tool_call_id, "?"), "status": message.status}
        return told

    def _content(self, message: BaseMessage, numbers: Mapping[str, str]) -> Any:
        def clean(text: str) -> str:
            for call_id, number in numbers.items():
                text = text.replace(call_id, number) if call_id else text
            return self.text(text)

        if isinstance(message.content, str):
            return clean(message.content)
        blocks: list[Any] = []
        for block in message.content:
            if isinstance(block, str) or block.get("type") == "text":
                blocks.append(clean(block if isinstance(block, str) else str(block.get("text", ""))))
            elif block.get("type") not in ("tool_use", "reasoning", "thinking", "tool_call"):
                # A picture or a sound is told by its digest: it would drown the rest.
                digest = hashlib.sha256(json.dumps(block, sort_keys=True, default=str).encode()).hexdigest()
                blocks.append({"type": block.get("type"), "sha256": digest})
        return blocks[0] if len(blocks) == 1 and isinstance(blocks[0], str) else blocks

    def _tree(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {key: self._tree(inner) for key, inner in cast("Mapping[str, Any]", value).items()}
        if isinstance(value, list | tuple):
            return [self._tree(inner) for inner in cast("Sequence[Any]", value)]
        return value


def key_of(request: Mapping[str, Any]) -> str:
    """Return the key of a request (16 hexadecimal digits of its SHA-256)."""
    return hashlib.sha256(json.dumps(request, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]
