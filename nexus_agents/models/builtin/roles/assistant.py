"""The built-in assistant: intents and slots, then real tool calls, one after the other; or an honest no."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nexus_agents.models.builtin.turn import Calls, Decision, Result, Say, Turn
from nexus_agents.models.builtin.understanding import Understanding, parse, parse_followup
from nexus_agents.models.builtin.understanding.meaning import ABILITIES

__all__ = ["decide"]

ELSEWHERE = (
    "For anything else name a model: `--model openai:gpt-5-mini` with a key, or one on a local server "
    "(Ollama, LM Studio, llama.cpp); `nexus doctor` shows what was found."
)

SPOKEN = "speech.wav"

BY_COMMAND = {
    "resume": "`nexus resume` goes on with the newest run that was cut off, `nexus resume RUN` with another.",
    "list_runs": "`nexus runs` lists the runs, `nexus show RUN` shows one with its events and everything it made.",
}
"""What a person does at the command line and no tool does inside a run."""


def decide(turn: Turn) -> Decision:
    """Choose the next tool call of the request, or answer."""
    understood = _understand(turn)
    if understood.refused:
        return Say(_refusal(understood))
    if understood.question:
        return Say(understood.question)
    if turn.failure:
        return Say(_gave_up(turn.failure, turn))
    done = len(turn.results)
    steps = [step for intent in understood.intents if (step := _step(intent, understood, turn))]
    if done < len(steps):
        tool, arguments = steps[done]
        if tool not in turn.tools:
            return Say(f"This needs the tool {tool}, which this agent was not given (see agents.yaml).")
        offered = turn.tools[tool].get("properties", {})
        return Calls([(tool, {name: value for name, value in arguments.items() if name in offered})])
    if not steps:
        return Say("\n\n".join(_plain_answer(intent) for intent in understood.intents))
    return Say("\n\n".join(_told(result) for result in turn.results))


def _understand(turn: Turn) -> Understanding:
    # What was asked for last time may have been answered by a question: then this is the answer to it.
    previous: Understanding | None = None
    for exchange in turn.earlier[-4:]:
        previous = parse_followup(previous, exchange.request) if previous else parse(exchange.request)
    return parse_followup(previous, turn.request) if previous else parse(turn.request)


def _step(intent: str, understood: Understanding, turn: Turn) -> tuple[str, Mapping[str, Any]] | None:
    slots: dict[str, Any] = dict(understood.slots.get(intent, {}))  # type: ignore[call-overload]
    match intent:
        case "build_app":
            return "build_app", {"request": slots["request"]}
        case "debate":
            return "debate", {"question": slots["question"]}
        case "clone_voice":
            return "clone_voice", slots
        case "make_podcast":
            cloned = _cloned(turn)
            return "make_podcast", {**slots, **({"host_voice": cloned} if cloned else {})}
        case "speak":
            cloned = _cloned(turn)
            how = {"voice": cloned or slots.get("voice", ""), "output": slots.get("output", SPOKEN)}
            if source := slots.get("source"):
                return "speak_document", {**how, "path": source}
            return "speak", {**how, "text": slots.get("text", "")}
        case "list_voices":
            return "list_voices", {}
        case _:
            return None


def _cloned(turn: Turn) -> str:
    result = turn.result("clone_voice")
    return str(result.data["voice"]["name"]) if result and result.ok else ""


def _told(result: Result) -> str:
    data = result.data
    match result.tool:
        case "clone_voice":
            voice, report = data["voice"], data["report"]
            return (
                f"The voice {voice['name']} is ready: a {voice['description']}. Its pitch is "
                f"{report['f0_error_semitones']:.1f} semitones from the clip's, its spectrum "
                f"{report['spectrum_error_db']:.1f} dB (before fitting {report['spectrum_error_before_db']:.1f} dB)."
            )
        case "speak" | "speak_document":
            return f"Spoken by {data['voice']} ({data['engine']}), {data['seconds']:.1f} s: {data['path']}"
        case "list_voices":
            lines = [f"- {voice['name']}: {voice['description']} ({voice['language']})" for voice in data["voices"]]
            return "\n".join([f"{len(lines)} voices:", *lines])
        case _:
            return str(data.get("summary") or f"{result.tool}: done.")


def _gave_up(failure: Result, turn: Turn) -> str:
    kept = [result.tool for result in turn.results if result.ok]
    rest = f" What was done before is kept ({', '.join(kept)})." if kept else ""
    return f"{failure.tool} did not work: {failure.text.strip()}{rest}"


def _plain_answer(intent: str) -> str:
    return BY_COMMAND.get(intent) or _abilities("I am the built-in model, rules and no language model. I can:")


def _refusal(understood: Understanding) -> str:
    lines = [understood.reason] if understood.reason else []
    lines.append(_abilities("I am the built-in model. I can:"))
    return "\n".join(lines)


def _abilities(head: str) -> str:
    return "\n".join([head, *(f"- {ability}" for ability in ABILITIES.values()), ELSEWHERE])
