"""Two or more models answer alone, criticise each other, revise, and a judge writes the outcome.

`python graphs/debate.py "question"` runs it from a checkout, as `nexus debate "question"` does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.types import Send

from nexus_agents.agents.ask import ask
from nexus_agents.agents.base import PROMPTS
from nexus_agents.core.errors import ConfigError
from nexus_agents.core.events import Message
from nexus_agents.core.runs import Outcome
from nexus_agents.core.work import Answer, Critique, Verdict, to_block

if TYPE_CHECKING:
    from nexus_agents.core.ports import Kit

__all__ = ["State", "build"]

SOLVERS = ("builtin:symbolic", "builtin:search")
MEMORY = ("recall", "remember")
"""Who debates where no language model is configured: two programs that work in different ways."""


def merge(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Join what debaters write side by side; an empty dict clears."""
    return {**old, **new} if new else {}


class State(TypedDict):
    """The debate so far; each channel is there once the node that writes it has run."""

    request: str
    models: list[str]
    judge: str
    rounds: int
    round: int
    answers: Annotated[dict[str, Answer], merge]
    critiques: Annotated[dict[str, Critique], merge]
    transcript: Annotated[list[str], list.__add__]
    verdict: Verdict
    result: dict[str, Any]


class Seat(TypedDict):
    """What one debater is sent."""

    name: str
    request: str
    answers: dict[str, Answer]
    critiques: dict[str, Critique]


def build(kit: Kit) -> StateGraph[State]:
    """Return the graph: open, answer side by side, criticise, revise until agreed or out of rounds, judge."""
    debate = Debate(kit)
    graph = StateGraph(State)
    graph.add_node("opening", debate.opening)
    graph.add_node("answer", debate.answer, input_schema=Seat)
    graph.add_node("gather", debate.gather)
    graph.add_node("criticise", debate.criticise, input_schema=Seat)
    graph.add_node("compare", debate.compare)
    graph.add_node("revise", debate.revise, input_schema=Seat)
    graph.add_node("judge", debate.judge)
    graph.add_edge(START, "opening")
    graph.add_conditional_edges("opening", _to_answer, ["answer"])
    graph.add_edge("answer", "gather")
    graph.add_conditional_edges("gather", _to_criticise, ["criticise"])
    graph.add_edge("criticise", "compare")
    graph.add_conditional_edges("compare", debate.after_criticism, ["revise", "judge"])
    graph.add_edge("revise", "gather")
    graph.add_edge("judge", END)
    return graph


class Debate:
    """The nodes of the graph, over one kit."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def opening(self, state: State) -> dict[str, Any]:
        """Settle who debates, who judges and for how long."""
        settings = self._kit.config.graphs.debate
        models = state.get("models") or settings.debaters or self._default_debaters()
        if len(models) < 2:
            raise ConfigError(
                f"A debate needs two models or more; {len(models)} is named.",
                "Name them with --models a,b or under graphs.debate.debaters in agents.yaml.",
            )
        for name in models:
            self._kit.models.get(name, name=name.partition("#")[0])
        judge = state.get("judge") or settings.judge or self._default_judge(models)
        rounds = state.get("rounds") or settings.rounds
        return {
            "models": list(models),
            "judge": judge,
            "rounds": rounds,
            "round": 0,
            "answers": {},
            "critiques": {},
            "transcript": [f"# {state['request']}", f"Debaters: {', '.join(models)}. Judge: {judge}."],
        }

    async def answer(self, state: Seat) -> dict[str, Any]:
        """Answer alone, without seeing anybody else's answer."""
        answer = await self._ask(state["name"], f"Question: {state['request']}", Answer)
        await self._say(state["name"], f"**{answer.answer}** ({answer.method})", answer)
        return {"answers": {state["name"]: answer}}

    async def gather(self, state: State) -> dict[str, Any]:
        """Write the answers of this round into the transcript, and forget the criticism of the last one."""
        lines = ["## Answers" if state["round"] == 0 else f"## Answers after round {state['round']}"]
        for name in sorted(state["answers"]):
            lines += _answer_lines(name, state["answers"][name])
        return {"transcript": ["\n".join(lines)], "critiques": {}}

    async def criticise(self, state: Seat) -> dict[str, Any]:
        """Check the answers of the others."""
        made: dict[str, Critique] = {}
        for other, answer in _others(state):
            text = [f"Question: {state['request']}", "Your answer:", to_block(state["answers"][state["name"]])]
            text += ["Criticise this answer of another model:", to_block(answer)]
            critique = await self._ask(state["name"], "\n\n".join(text), Critique)
            await self._say(state["name"], f"On {other}: {critique.summary}", critique)
            made[f"{state['name']} on {other}"] = critique
        return {"critiques": made}

    async def compare(self, state: State) -> dict[str, Any]:
        """Write the criticism into the transcript."""
        lines = [f"## Criticism, round {state['round'] + 1}"]
        for title in sorted(state["critiques"]):
            critique = state["critiques"][title]
            lines.append(f"**{title}**: {critique.summary}")
            lines += [f"- checked: {step}" for step in critique.checked]
            lines += [f"- objection: {point}" for point in critique.objections]
        return {"transcript": ["\n".join(lines)], "round": state["round"] + 1}

    def after_criticism(self, state: State) -> str | list[Send]:
        """Judge where all agree or the rounds are over; let them revise otherwise."""
        agreed = all(critique.agrees for critique in state["critiques"].values())
        return "judge" if agreed or state["round"] >= state["rounds"] else _seats("revise", state)

    async def revise(self, state: Seat) -> dict[str, Any]:
        """Hold the answer or change it, with the criticism at hand."""
        name = state["name"]
        text = [f"Question: {state['request']}", "Your answer:", to_block(state["answers"][name]), "The others:"]
        text += [to_block(answer) for _, answer in _others(state)]
        for title, critique in sorted(state["critiques"].items()):
            about = "What was said of your answer:" if title.endswith(f" on {name}") else "What you said:"
            if name in (title.split(" on ")[0], title.split(" on ")[-1]):
                text += [about, to_block(critique)]
        revised = await self._ask(name, "\n\n".join([*text, "Revise your answer, or hold it."]), Answer)
        changed = f"changes to **{revised.answer}**: {revised.changed_because}"
        await self._say(name, changed if revised.changed_because else f"holds: {revised.answer}", revised)
        return {"answers": {name: revised}}

    async def judge(self, state: State) -> dict[str, Any]:
        """Write the outcome."""
        # The judge sees letters, not names: a known name is a reason to favour it.
        letters = {name: f"Answer {chr(65 + place)}" for place, name in enumerate(sorted(state["answers"]))}
        text = [f"Question: {state['request']}"]
        for name, letter in letters.items():
            text += [f"{letter}:", to_block(state["answers"][name])]
        for title, critique in sorted(state["critiques"].items()):
            author, _, other = title.partition(" on ")
            text += [f"{letters[author]} on {letters[other]}:", to_block(critique)]
        verdict = await self._ask("judge", "\n\n".join(text), Verdict, model=state["judge"], prompt="judge")
        reason = verdict.reason
        for name, letter in letters.items():
            reason = reason.replace(letter, name)
        verdict = verdict.model_copy(update={"reason": reason})
        await self._say("judge", f"**{verdict.answer}** ({verdict.status}): {verdict.reason}", verdict)
        lines = [*state["transcript"], f"## Verdict: {verdict.status}", verdict.answer, verdict.reason]
        path, call_id = _file_name(state["request"]), f"{self._kit.graphs.place()}transcript"
        content = "\n\n".join(lines) + "\n"
        await self._kit.tools.call("write_file", {"path": path, "content": content}, call_id=call_id, agent="judge")
        file = self._kit.workspace / path
        await self._kit.tools.artifact(file, "transcript", state["request"], call_id=call_id, agent="judge")
        outcome = Outcome(
            summary=f"{verdict.answer}\n\n{verdict.reason}\n\nThe debate is written down in {file}.",
            data={
                "verdict": verdict.model_dump(mode="json"),
                "answers": {name: answer.model_dump(mode="json") for name, answer in state["answers"].items()},
                "transcript": str(file),
            },
        )
        return {"verdict": verdict, "result": outcome.model_dump(mode="json")}

    async def _ask(self, name: str, text: str, product: type[Any], *, model: str = "", prompt: str = "debater") -> Any:
        # Two seats may hold the same model; the number behind its name tells them apart and is not part of the model.
        chosen = model or name.partition("#")[0]
        system = (PROMPTS / f"{prompt}.md").read_text(encoding="utf-8")
        # Both sides share what is remembered; rules have nothing to remember, and a judge goes by what was said.
        tools = MEMORY if prompt == "debater" and not self._is_builtin(chosen) else ()
        return await ask(self._kit, text, product, agent=name, system=system, model=chosen, tools=tools)

    async def _say(self, name: str, text: str, product: Answer | Critique | Verdict) -> None:
        await self._kit.recorder.emit(Message(agent=name, text=text, data=product.model_dump(mode="json")))

    def _default_debaters(self) -> list[str]:
        # Not what the name stands for: an alias, or `auto`, also tells the address of the server.
        config, own = self._kit.config, self._kit.config.agents.get("debater")
        default = (own.model if own else None) or self._kit.run.model or config.default_model
        return list(SOLVERS) if self._is_builtin(default) else [f"{default}#1", f"{default}#2"]

    def _default_judge(self, models: Sequence[str]) -> str:
        speaking = [name.partition("#")[0] for name in models if not self._is_builtin(name)]
        return speaking[0] if speaking else "builtin:judge"

    def _is_builtin(self, name: str) -> bool:
        return self._kit.models.by_rules("debater", name=name.partition("#")[0])


def _file_name(question: str) -> str:
    words = re.findall(r"[a-z0-9]+", question.lower())
    return f"debate-{'-'.join(words)[:48].rstrip('-') or 'question'}.md"


def _seats(node: str, state: State) -> list[Send]:
    shared = {"request": state["request"], "answers": state["answers"], "critiques": state["critiques"]}
    return [Send(node, {"name": name, **shared}) for name in state["models"]]


def _to_answer(state: State) -> list[Send]:
    return _seats("answer", state)


def _to_criticise(state: State) -> list[Send]:
    return _seats("criticise", state)


def _others(seat: Seat) -> list[tuple[str, Answer]]:
    return [(name, answer) for name, answer in sorted(seat["answers"].items()) if name != seat["name"]]


def _answer_lines(name: str, answer: Answer) -> list[str]:
    lines = [f"**{name}**: {answer.answer} ({answer.method}; {'certain' if answer.certain else 'not certain'})"]
    lines += [f"- {step.claim}" + (f" — `{step.check}`" if step.check else "") for step in answer.steps]
    lines += [f"- scope: {answer.scope}"] if answer.scope else []
    return lines + ([f"- changed because: {answer.changed_because}"] if answer.changed_because else [])


if __name__ == "__main__":
    from nexus_agents.cli import debate_script

    debate_script()
