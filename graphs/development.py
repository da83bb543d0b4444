"""Software by a team: plan, build side by side, test, review, back to whoever must mend it, deliver.

The team works in a folder under git, one commit an agent turn. It ends when the tests are green and the review accepts,
or when the rounds are used up, and then says what is open.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict

from langgraph.graph import END, START, StateGraph

from nexus_agents.agents.backend import BackendAgent
from nexus_agents.agents.frontend import FrontendAgent
from nexus_agents.agents.planning import PlanningAgent
from nexus_agents.agents.review import ReviewAgent
from nexus_agents.agents.testing import TestingAgent
from nexus_agents.core.events import Message
from nexus_agents.core.runs import Outcome, RunError
from nexus_agents.core.work import Finding, Plan, Review, TestReport, TurnReport, to_block

if TYPE_CHECKING:
    from nexus_agents.core.ports import Kit

__all__ = ["State", "build"]

Owner = Literal["backend", "frontend", "testing"]
BUILDERS: dict[str, type[BackendAgent] | type[FrontendAgent]] = {"backend": BackendAgent, "frontend": FrontendAgent}


def merge(old: dict[str, TurnReport], new: dict[str, TurnReport]) -> dict[str, TurnReport]:
    """Join the reports of agents that work side by side."""
    return {**old, **new}


class State(TypedDict):
    """What the team knows; each channel is there once the node that writes it has run."""

    request: str
    plan: Plan
    round: int
    reports: Annotated[dict[str, TurnReport], merge]
    tests: TestReport
    review: Review
    result: dict[str, Any]


def build(kit: Kit) -> StateGraph[State]:
    """Return the graph of the team."""
    team = Team(kit)
    graph = StateGraph(State)
    graph.add_node("planning", team.planning)
    graph.add_node("backend", team.backend)
    graph.add_node("frontend", team.frontend)
    graph.add_node("testing", team.testing)
    graph.add_node("review", team.review)
    graph.add_node("again", team.again)
    graph.add_node("deliver", team.deliver)
    graph.add_edge(START, "planning")
    graph.add_edge("planning", "backend")
    graph.add_edge("planning", "frontend")
    graph.add_edge(["backend", "frontend"], "testing")
    graph.add_edge("testing", "review")
    graph.add_conditional_edges("review", team.next_after_review, ["again", "deliver"])
    graph.add_edge("again", "backend")
    graph.add_edge("again", "frontend")
    graph.add_edge("deliver", END)
    return graph


class Team:
    """The nodes of the graph, over one kit."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def planning(self, state: State) -> dict[str, Any]:
        """Plan, and put the plan where people can read it."""
        plan = await PlanningAgent().run(self._kit, state["request"])
        await self._write("PLAN.md", plan_page(state["request"], plan), turn="planning-0")
        await self._commit("planning", 0, f"Plan: {plan.title}", ["PLAN.md"])
        await self._say("planning", plan.summary, plan.model_dump(mode="json"))
        return {"plan": plan, "round": 0, "reports": {}}

    async def backend(self, state: State) -> dict[str, Any]:
        """Let the backend engineer build, or mend what is theirs."""
        return await self._build("backend", state)

    async def frontend(self, state: State) -> dict[str, Any]:
        """Let the frontend engineer build, or mend what is theirs."""
        return await self._build("frontend", state)

    async def testing(self, state: State) -> dict[str, Any]:
        """Let the test engineer write tests and run them."""
        plan, turn = state["plan"], state["round"]
        task = ["Write the tests of this plan and run them.", to_block(plan)]
        if turn:
            again = f"Round {turn + 1}: the code was mended. Run the tests again, and mend tests that are wrong."
            task = [again, to_block(plan)]
            task += [to_block(state["tests"])] if "tests" in state else []
        report = await TestingAgent().run(self._kit, "\n\n".join(task))
        # What others left over belongs into history too: nobody else writes at this moment.
        await self._commit("testing", turn, f"Test: {report.summary}", ["."])
        return {"tests": report}

    async def review(self, state: State) -> dict[str, Any]:
        """Let the reviewer read what was made."""
        begin = f"Review what was built for this plan (round {state['round'] + 1})."
        task = [begin, to_block(state["plan"]), to_block(state["tests"])]
        review = await ReviewAgent().run(self._kit, "\n\n".join(task))
        turn = state["round"]
        await self._write("REVIEW.md", review_page(review, state["tests"]), turn=f"review-{turn}")
        await self._commit("review", turn, f"Review: {review.summary}", ["REVIEW.md"])
        await self._say("review", review.summary, review.model_dump(mode="json"))
        return {"review": review}

    def next_after_review(self, state: State) -> Literal["again", "deliver"]:
        """Deliver what is accepted, or what is open when the rounds are used up."""
        good = state["tests"].green and state["review"].accepted
        used_up = state["round"] + 1 >= self._kit.config.graphs.development.max_rounds
        return "deliver" if good or used_up or not _progress_is_possible(state) else "again"

    async def again(self, state: State) -> dict[str, Any]:
        """Count the round."""
        return {"round": state["round"] + 1}

    async def deliver(self, state: State) -> dict[str, Any]:
        """Say what there is, how it is started, and honestly what is open."""
        plan, tests, review = state["plan"], state["tests"], state["review"]
        folder = self._kit.workspace
        good = tests.green and review.accepted
        await self._kit.tools.artifact(folder, "code", plan.title, call_id=f"{self._place}deliver", agent="team")
        start = f"cd {shlex.quote(str(folder))} && {_with_this_python(plan.run_command)}" if plan.run_command else ""
        test = f"cd {shlex.quote(str(folder))} && {shlex.quote(sys.executable)} -m pytest"
        summary = f"{plan.title} is in {folder}: {tests.passed} tests passed, review {_verdict(review)}."
        open_points = [] if good else _open_points(state)
        if open_points:
            summary = f"{plan.title} is in {folder} and not finished: " + "; ".join(open_points)
        outcome = Outcome(
            status="done" if good else "failed",
            summary=summary,
            next=[command for command in (start, test) if command],
            error=None
            if good
            else RunError(
                message=f"{plan.title} was not accepted after {state['round'] + 1} rounds: {open_points[0]}",
                hint=f"What there is stands in {folder}; REVIEW.md lists what is open.",
            ),
            data={
                "workspace": str(folder),
                "tests": tests.model_dump(mode="json"),
                "review": review.model_dump(mode="json"),
                "rounds": state["round"] + 1,
                "entities": [entity.name for entity in plan.entities],
            },
        )
        return {"result": outcome.model_dump(mode="json")}

    async def _build(self, name: Literal["backend", "frontend"], state: State) -> dict[str, Any]:
        plan, turn = state["plan"], state["round"]
        task = [f"Build the {name} of this plan.", to_block(plan)]
        if turn:
            wrong = _to_mend(name, state)
            if not wrong:
                return {}
            task = [f"Round {turn + 1}: mend the {name}: {len(wrong)} points are open.", to_block(plan), *wrong]
        report = await BUILDERS[name]().run(self._kit, "\n\n".join(task))
        owned = [file.path for file in plan.files if file.owner == name]
        await self._commit(name, turn, f"{name.title()}: {report.summary}", [*owned, *report.files])
        return {"reports": {name: report}}

    async def _write(self, path: str, content: str, *, turn: str) -> None:
        arguments = {"path": path, "content": content}
        await self._kit.tools.call("write_file", arguments, call_id=f"{self._place}write-{turn}", agent="team")

    async def _commit(self, agent: str, turn: int, message: str, paths: list[str]) -> None:
        # A model may name paths that are not there, or that are none of the workspace's.
        there = sorted({path for path in paths if _is_below(path) and Path(self._kit.workspace, path).exists()})
        if not there:
            return
        await self._kit.tools.call(
            "commit",
            {"message": message, "paths": there, "author": agent},
            call_id=f"{self._place}commit-{agent}-{turn}",
            agent=agent,
        )

    @property
    def _place(self) -> str:
        # A run may build several applications, one after the other: the task that called tells them apart.
        return self._kit.graphs.place()

    async def _say(self, agent: str, text: str, data: dict[str, Any]) -> None:
        await self._kit.recorder.emit(Message(agent=agent, text=text, data=data))


def plan_page(request: str, plan: Plan) -> str:
    """Return the plan as Markdown."""
    lines = [f"# {plan.title}", "", f"Asked: {request}", "", plan.summary, ""]
    for entity in plan.entities:
        lines += [f"## {entity.name}", ""]
        for field in entity.fields:
            notes = [field.type, "" if field.required else "optional", "unique" if field.unique else ""]
            lines.append(f"- `{field.name}`: {', '.join(note for note in notes if note)}")
        lines += [f"- belongs to `{relation.target}` as `{relation.name}`" for relation in entity.relations]
        lines.append("")
    sections = {
        "Interfaces": plan.interfaces,
        "Accepted when": plan.acceptance,
        "Files": [f"`{file.path}` ({file.owner}): {file.purpose}" for file in plan.files],
        "Assumptions": plan.assumptions,
    }
    for title, points in sections.items():
        if points:
            lines += [f"## {title}", "", *(f"- {point}" for point in points), ""]
    return "\n".join(lines).rstrip() + "\n"


def review_page(review: Review, tests: TestReport) -> str:
    """Return the review as Markdown."""
    lines = [
        "# Review",
        "",
        review.summary,
        "",
        f"Tests: {tests.passed} passed, {tests.failed} failed, {tests.errors} errors",
        "",
    ]
    lines += [f"- {tool}" for tool in review.tools]
    if review.findings:
        lines += ["", "| severity | where | rule | evidence |", "|---|---|---|---|"]
        lines += [f"| {f.severity} | {f.file}:{f.line} | {f.rule} | {f.evidence} |" for f in review.findings]
    return "\n".join(lines).rstrip() + "\n"


def _is_below(path: str) -> bool:
    return not Path(path).is_absolute() and ".." not in Path(path).parts


def _to_mend(name: str, state: State) -> list[str]:
    wrong: list[str] = []
    # A red test may be anybody's fault; without a finding that names the owner it goes to the backend.
    if not state["tests"].green and name == "backend":
        wrong.append(to_block(state["tests"]))
    mine = [finding for finding in state["review"].findings if finding.owner == name and _counts(finding)]
    if mine:
        wrong.append(to_block(state["review"].model_copy(update={"findings": mine})))
    return wrong


def _counts(finding: Finding) -> bool:
    return finding.severity in ("medium", "high")


def _progress_is_possible(state: State) -> bool:
    # An engineer who says that nothing more can be done is believed: asking again would only burn the budget.
    if state["round"] == 0:
        return True
    reports = state["reports"].values()
    return not all(report.open_points for report in reports)


def _open_points(state: State) -> list[str]:
    tests, review = state["tests"], state["review"]
    points = [] if tests.green else [tests.summary]
    points += [f"{f.file}:{f.line}: {f.rule}: {f.evidence}" for f in review.findings if _counts(f)]
    points += [point for report in state["reports"].values() for point in report.open_points]
    return points or [review.summary]


def _verdict(review: Review) -> str:
    if not review.findings:
        return "accepted without findings"
    return f"{'accepted' if review.accepted else 'not accepted'} with {len(review.findings)} findings"


def _with_this_python(command: str) -> str:
    # What the application needs is installed beside Nexus, not in whatever `python` happens to be.
    if not command.startswith("python "):
        return command
    return shlex.quote(sys.executable) + command.removeprefix("python")
