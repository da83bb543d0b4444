"""The two built-in debaters and their judge: the solvers, spoken to in messages like any other model."""

from __future__ import annotations

import re

from nexus_agents.core.work import Answer, Critique, blocks
from nexus_agents.models.builtin.solvers.bounded import SolverProcess
from nexus_agents.models.builtin.solvers.formal import formalise
from nexus_agents.models.builtin.solvers.phrase import abstain
from nexus_agents.models.builtin.solvers.tasks import OUT_OF_SCOPE
from nexus_agents.models.builtin.solvers.wire import Solver
from nexus_agents.models.builtin.turn import Decision, Product, Say, Turn

__all__ = ["decide_judge", "decide_search", "decide_symbolic"]

QUESTION = re.compile(r"^(?:Question: )?(.*?)(?=\n\n|\Z)", re.S)
HEADED = re.compile(r"^(Answer [A-Z])(?: on (Answer [A-Z]))?:\n\n```json (?:Answer|Critique)\n(.*?)\n```$", re.S | re.M)


def decide_symbolic(turn: Turn, process: SolverProcess) -> Decision:
    """Debate by algebra."""
    return _debate(turn, process, "symbolic")


def decide_search(turn: Turn, process: SolverProcess) -> Decision:
    """Debate by trying."""
    return _debate(turn, process, "search")


def decide_judge(turn: Turn, process: SolverProcess) -> Decision:
    """Judge a debate."""
    answers: list[tuple[str, Answer]] = []
    said: list[tuple[str, str, Critique]] = []
    for author, other, body in HEADED.findall(turn.request):
        if other:
            said.append((author, other, Critique.model_validate_json(body)))
        else:
            answers.append((author, Answer.model_validate_json(body)))
    if not answers:
        return Say("I am the built-in judge and judge only debates; there is none in this message.")
    verdict = process.judge(_question(turn), answers, said)
    return Product(verdict if verdict.answer else verdict.model_copy(update={"answer": "no answer"}))


def _debate(turn: Turn, process: SolverProcess, solver: Solver) -> Decision:
    question = _question(turn)
    task = formalise(question)
    answers = blocks(turn.request, Answer)
    if task is None:
        if "Critique" in turn.tools:
            return Product(Critique(agrees=False, summary="I cannot check this: the question is not one for a solver."))
        return Product(answers[0] if answers else abstain(solver, OUT_OF_SCOPE))
    if not answers:
        return Product(process.solve(solver, task))
    own, others = answers[0], answers[1:]
    if "Critique" in turn.tools:
        return Product(process.criticise(solver, own, others[0], task))
    # What was said of this answer by the others, and what this one said of them; see graphs/debate.py.
    of_own = _after(turn.request, "What was said of your answer:")
    of_others = _after(turn.request, "What you said:")
    revised = own
    for other, said in zip(others, of_others, strict=False):
        nothing = Critique(agrees=True, summary="nothing was said")
        revised = process.revise(solver, revised, other, of_own[0] if of_own else nothing, said, task)
    return Product(revised)


def _question(turn: Turn) -> str:
    found = QUESTION.match(turn.request)
    return found.group(1).strip() if found else turn.request


def _after(text: str, heading: str) -> list[Critique]:
    parts = text.split(heading)[1:]
    return [critiques[0] for part in parts if (critiques := blocks(part, Critique))]
