"""Software by a team: plan, build side by side, test, review, back to whoever must mend it, deliver.

The team works in a folder under git. Every agent that writes has a worktree of its own, in which it commits once a turn
and which is merged when its turn is over. The team ends when the tests are green and the review accepts, or when the
rounds are used up, and then says what is open.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, NotRequired, TypedDict

from langgraph.graph import END, START, StateGraph

from nexus_agents.agents.backend import BackendAgent
from nexus_agents.agents.frontend import FrontendAgent
from nexus_agents.agents.middleware.stuck import StuckAgent
from nexus_agents.agents.planning import PlanningAgent
from nexus_agents.agents.review import ReviewAgent
from nexus_agents.agents.team.confirming import confirm_plan
from nexus_agents.agents.team.findings import assigned, open_points, progress_is_possible, to_mend, verdict
from nexus_agents.agents.team.pages import plan_page, review_page
from nexus_agents.agents.team.trees import Tree, Trees
from nexus_agents.agents.testing import TestingAgent
from nexus_agents.core.errors import InputError, MissingExtra, PersonNeeded
from nexus_agents.core.events import Message
from nexus_agents.core.runs import Outcome, RunError
from nexus_agents.core.tool import told_to_model
from nexus_agents.core.work import Plan, Review, TestReport, TurnReport, to_block

if TYPE_CHECKING:
    from nexus_agents.core.ports import Kit

__all__ = ["State", "build"]

Builder = Literal["backend", "frontend"]
BUILDERS: dict[Builder, type[BackendAgent] | type[FrontendAgent]] = {"backend": BackendAgent, "frontend": FrontendAgent}

PAGES = ".nexus"
"""Where plan and review stand in a repository that was there before the team; git is told to pass it over."""


def merge(old: dict[str, TurnReport], new: dict[str, TurnReport]) -> dict[str, TurnReport]:
    """Join the reports of agents that work side by side."""
    return {**old, **new}


class State(TypedDict):
    """What the team knows; each channel is there once the node that writes it has run."""

    request: str
    base: NotRequired[str]
    """The commit that the team found; empty in a folder without files."""
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
    graph.add_node("begin", team.begin)
    graph.add_node("backend", team.backend)
    graph.add_node("frontend", team.frontend)
    graph.add_node("merge", team.merge)
    graph.add_node("testing", team.testing)
    graph.add_node("review", team.review)
    graph.add_node("again", team.again)
    graph.add_node("deliver", team.deliver)
    graph.add_edge(START, "planning")
    graph.add_edge("planning", "begin")
    graph.add_edge("begin", "backend")
    graph.add_edge("begin", "frontend")
    graph.add_edge(["backend", "frontend"], "merge")
    graph.add_edge("merge", "testing")
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
        """Look at what is there, and plan."""
        base = await self._found()
        task = state["request"]
        if base and not self._by_rules("planning"):
            known = await self._call("repository_map", {}, "map")
            task = f"{task}\n\nThe repository, in short:\n\n{known.for_model()}"
        return {"base": base, "plan": await PlanningAgent().run(self._kit, task), "round": 0, "reports": {}}

    async def begin(self, state: State) -> dict[str, Any]:
        """Have the plan confirmed where that is wanted, and put it where people can read it."""
        plan = await confirm_plan(self._kit, state["request"], state["plan"], call_id=f"{self._place}plan")
        await self._page(state, "PLAN.md", plan_page(state["request"], plan), f"Plan: {plan.title}", "planning", 0)
        await self._say("planning", plan.summary, plan.model_dump(mode="json"))
        return {"plan": plan}

    async def backend(self, state: State) -> dict[str, Any]:
        """Let the backend engineer build, or mend what is theirs."""
        return await self._build("backend", state)

    async def frontend(self, state: State) -> dict[str, Any]:
        """Let the frontend engineer build, or mend what is theirs."""
        return await self._build("frontend", state)

    async def merge(self, state: State) -> dict[str, Any]:
        """Bring the work of both together; who comes second resolves what does not fit."""
        reports: dict[str, TurnReport] = {}
        for name in BUILDERS:
            if report := state["reports"].get(name):
                reports[name] = await self._bring(name, state, report)
        return {"reports": reports}

    async def testing(self, state: State) -> dict[str, Any]:
        """Let the test engineer write tests, and run them all."""
        plan, turn = state["plan"], state["round"]
        task = ["Write the tests of this plan and run them.", to_block(plan)]
        if turn:
            again = f"Round {turn + 1}: the code was mended. Run the tests again, and mend tests that are wrong."
            task = [again, to_block(plan), to_block(state["tests"])]
            mine = to_mend("testing", state["review"], state["tests"])
            task += [block for block in mine if "TestReport" not in block.partition("\n")[0]]
        tree = await self._trees.open("testing", turn)
        try:
            report = await TestingAgent().run(tree.kit, "\n\n".join(task))
        except StuckAgent as error:
            report = TestReport(passed=0, failed=0, errors=1, command="", sandbox="", summary=error.message)
        await self._trees.commit(tree, turn, f"Test: {report.summary}")
        said = f"Merge the tests of round {turn + 1}"
        if await self._trees.merge("testing", turn, said):
            # A person committed something meanwhile. The ledger keeps that it did not fit; a resume tries it anew.
            again = f"-{self._kit.run.fence}"
            if conflicts := await self._trees.merge("testing", turn, said, again):
                raise PersonNeeded(
                    f"Somebody changed {', '.join(conflicts)} in the workspace while the team worked.",
                    f"Both sides are marked in {tree.kit.workspace}: resolve and commit there, then: "
                    f"nexus resume {self._kit.run.id}",
                )
        return {"tests": report if self._by_rules("testing") else await self._tested(state)}

    async def review(self, state: State) -> dict[str, Any]:
        """Let the reviewer read what was made, with what the checkers say."""
        turn = state["round"]
        begin = f"Review what was built for this plan (round {turn + 1})."
        task = [begin, to_block(state["plan"]), to_block(state["tests"])]
        if not self._by_rules("review"):
            since = state.get("base") or ""
            task.append(f"What was there before is commit {since}." if since else "The folder was empty before.")
            try:
                checked = await self._call("check_code", {"since": since, "types": True}, f"check-{turn}")
                task.append(f"What the checkers say:\n\n{told_to_model(checked)}")
            except MissingExtra as error:
                task.append(f"The checkers did not run: {error.message}")
        review = assigned(await ReviewAgent().run(self._kit, "\n\n".join(task)), state["plan"])
        if review.accepted and not state["tests"].green:
            review = review.model_copy(update={"accepted": False})
        page = review_page(review, state["tests"])
        await self._page(state, "REVIEW.md", page, f"Review: {review.summary}", "review", turn)
        await self._say("review", review.summary, review.model_dump(mode="json"))
        return {"review": review}

    def next_after_review(self, state: State) -> Literal["again", "deliver"]:
        """Deliver what is accepted, or what is open when the rounds are used up."""
        good = state["tests"].green and state["review"].accepted
        used_up = state["round"] + 1 >= self._kit.config.graphs.development.max_rounds
        return "deliver" if good or used_up or not progress_is_possible(state["round"], state["reports"]) else "again"

    async def again(self, state: State) -> dict[str, Any]:
        """Count the round."""
        return {"round": state["round"] + 1}

    async def deliver(self, state: State) -> dict[str, Any]:
        """Say what there is, how it is started, and honestly what is open."""
        for name in (*state["reports"], "testing"):
            await self._trees.close(name)
        plan, tests, review = state["plan"], state["tests"], state["review"]
        folder = self._kit.workspace
        good = tests.green and review.accepted
        await self._kit.tools.artifact(folder, "code", plan.title, call_id=f"{self._place}deliver", agent="team")
        start = f"cd {shlex.quote(str(folder))} && {_with_this_python(plan.run_command)}" if plan.run_command else ""
        test = plan.test_command or f"{shlex.quote(sys.executable)} -m pytest"
        passed = tests.summary if plan.test_command else f"{tests.passed} tests passed"
        summary = f"{plan.title} is in {folder}: {passed}, review {verdict(review)}."
        open_ = [] if good else open_points(review, tests, state["reports"])
        if open_:
            summary = f"{plan.title} is in {folder} and not finished: " + "; ".join(open_)
        outcome = Outcome(
            status="done" if good else "failed",
            summary=summary,
            next=[command for command in (start, f"cd {shlex.quote(str(folder))} && {test}") if command],
            error=None
            if good
            else RunError(
                message=f"{plan.title} was not accepted after {state['round'] + 1} rounds: {open_[0]}",
                hint=f"What there is stands in {folder}; {_page_name(state, 'REVIEW.md')} lists what is open.",
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

    # -- what the nodes do --------------------------------------------------------------------------

    async def _found(self) -> str:
        """Return the commit that the team begins from; files that git does not know yet become one first."""
        found = await self._call("repository_state", {}, "state")
        if found.around:
            raise InputError(
                f"{self._kit.workspace} is a folder of the repository {found.around}.",
                f"Name the whole repository: --workspace {shlex.quote(found.around)}",
            )
        if found.repository and (found.changed or found.merging):
            raise InputError(
                f"{self._kit.workspace} has changes that are not committed: {_few(found.changed) or 'a merge'}.",
                "Commit them or put them aside (git stash) first: the team works on what is committed.",
            )
        if not found.repository and any(self._kit.workspace.iterdir()):
            arguments = {"message": "Keep what was there before", "paths": ["."], "author": "team"}
            made = await self._call("commit", arguments, "before")
            return str(made.commit)
        return str(found.head)

    async def _build(self, name: Builder, state: State) -> dict[str, Any]:
        plan, turn = state["plan"], state["round"]
        if plan.files and not turn and all(file.owner != name for file in plan.files):
            return {}
        task = [f"Build the {name} of this plan.", to_block(plan)]
        if turn:
            wrong = to_mend(name, state["review"], state["tests"])
            if not wrong:
                return {}
            task = [f"Round {turn + 1}: mend the {name}: {len(wrong)} points are open.", to_block(plan), *wrong]
        tree = await self._trees.open(name, turn)
        report = await self._work(name, tree, "\n\n".join(task))
        await self._trees.commit(tree, turn, f"{name.title()}: {report.summary}")
        return {"reports": {name: report}}

    async def _work(self, name: Builder, tree: Tree, task: str) -> TurnReport:
        try:
            return await BUILDERS[name]().run(tree.kit, task)
        except StuckAgent as error:
            return TurnReport(summary=error.message, open_points=[error.message])

    async def _bring(self, name: Builder, state: State, report: TurnReport) -> TurnReport:
        turn = state["round"]
        said = f"Merge the {name} of round {turn + 1}"
        conflicts = await self._trees.merge(name, turn, said)
        if not conflicts:
            return report
        tree = await self._trees.open(name, turn)
        files = ", ".join(conflicts)
        task = [
            f"Your work and that of others meet in: {files}. Both sides are marked there. Resolve them so that what "
            "both meant holds, leave no mark, and change nothing else.",
            to_block(state["plan"]),
        ]
        resolved = await self._work(name, tree, "\n\n".join(task))
        await self._trees.commit(tree, turn, f"{name.title()}: {resolved.summary}", "-resolved")
        if left := await self._trees.merge(name, turn, said, "-resolved"):
            return report.model_copy(
                update={"open_points": [*report.open_points, f"conflicts are left in {', '.join(left)}"]}
            )
        return report

    async def _tested(self, state: State) -> TestReport:
        """Run the tests where all is merged: what counts is what they say here, not what an agent says of them."""
        command, turn = state["plan"].test_command, state["round"]
        if not command:
            since = state.get("base") or ""
            arguments = {"coverage": True, "since": since}
            ran = await self._call("run_tests", arguments, f"tests-{turn}")
            return TestReport.model_validate(ran.model_dump())
        ran = await self._call("run_command", {"command": command}, f"tests-{turn}")
        green = ran.returncode == 0
        output = f"{ran.stdout}\n{ran.stderr}".strip()[-4000:]
        # How many tests there are only the agent says: what was seen is one command that went well, or did not.
        return TestReport(
            passed=int(green),
            failed=int(not green),
            command=command,
            sandbox=ran.level,
            output_tail=output,
            summary=f"`{command}` ended with status {ran.returncode}",
        )

    async def _page(self, state: State, name: str, text: str, message: str, agent: str, turn: int) -> None:
        path = _page_name(state, name)
        if path != name:
            await self._call("write_file", {"path": f"{PAGES}/.gitignore", "content": "*\n"}, f"pages-{agent}-{turn}")
        await self._call("write_file", {"path": path, "content": text}, f"write-{agent}-{turn}")
        if path == name:
            arguments = {"message": message, "paths": [path], "author": agent}
            await self._call("commit", arguments, f"commit-{agent}-{turn}")

    async def _call(self, tool: str, arguments: dict[str, Any], step: str) -> Any:
        return await self._kit.tools.call(tool, arguments, call_id=f"{self._place}{step}", agent="team")

    def _by_rules(self, agent: str) -> bool:
        return self._kit.models.by_rules(agent)

    @property
    def _place(self) -> str:
        # A run may build several applications, one after the other: the task that called tells them apart.
        return self._kit.graphs.place()

    @property
    def _trees(self) -> Trees:
        return Trees(self._kit, self._place)

    async def _say(self, agent: str, text: str, data: dict[str, Any]) -> None:
        await self._kit.recorder.emit(Message(agent=agent, text=text, data=data))


def _page_name(state: State, name: str) -> str:
    return f"{PAGES}/{name}" if state.get("base") else name


def _few(paths: Sequence[str]) -> str:
    return ", ".join(paths[:3]) + (" and more" if len(paths) > 3 else "")


def _with_this_python(command: str) -> str:
    # What the application needs is installed beside Nexus, not in whatever `python` happens to be.
    if not command.startswith("python "):
        return command
    return shlex.quote(sys.executable) + command.removeprefix("python")
