from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from nexus_agents.core.work import Answer, Critique, Step
from nexus_agents.models.builtin.solvers import search, symbolic
from nexus_agents.models.builtin.solvers.algebra import Algebra
from nexus_agents.models.builtin.solvers.compare import compare
from nexus_agents.models.builtin.solvers.critique import criticise
from nexus_agents.models.builtin.solvers.exact import Exact
from nexus_agents.models.builtin.solvers.formal import formalise
from nexus_agents.models.builtin.solvers.judge import judge
from nexus_agents.models.builtin.solvers.revise import revise
from nexus_agents.models.builtin.solvers.tasks import Task

spec = importlib.util.spec_from_file_location("questions", Path(__file__).with_name("questions.py"))
assert spec is not None
assert spec.loader is not None
made = importlib.util.module_from_spec(spec)
spec.loader.exec_module(made)


def task_of(text: str) -> Task:
    task = formalise(text)
    assert task is not None
    return task


def say(text: str, **more: object) -> Answer:
    return Answer.model_validate({"answer": text, "method": "test", **more})


@pytest.mark.parametrize(
    ("question", "wrong", "step"),
    [
        ("is 91 prime?", "yes, 91 is prime", "gcd(91, factorial(isqrt(91))) == 1"),
        ("is 1000003 prime?", "no, 1000003 is composite: 3 * 333334", "3 * 333334 == 1000003"),
        ("gcd of 84 and 126", "gcd(84, 126) = 21", "84 % 21 == 0 and 126 % 21 == 0 and (2) * 84 + (-1) * 126 == 21"),
        ("solve x^2 - 5x + 6 = 0", "x = 1 or x = 6", "1^2 - 5 * 1 + 6 == 0"),
        ("2^10 + 1", "2^10 + 1 = 1024", "2^10 + 1 == 1024"),
        ("remainder when 7^222 is divided by 13", "7^222 mod 13 = 5", "powmod(7, 222, 13) == 5"),
        ("probability that two dice sum to 7", "the probability = 5/36 (about 0.1388888889)", "5 / 6^2 == 1/6"),
        ("how many primes are below 100?", "the number = 24", "24 + 1 == 24"),
    ],
)
def test_planted_wrong_answers_are_objected_to_and_lose(question: str, wrong: str, step: str):
    task = task_of(question)
    planted = say(wrong, steps=[Step(claim="so it is", check=step)])
    for own, evaluator in ((symbolic.solve(task), Algebra()), (search.solve(task), Exact())):
        said = criticise(own, planted, task, evaluator)
        assert not said.agrees
        assert any("does not hold" in one for one in said.objections)
        assert any("answers differ" in one for one in said.objections)
        back = criticise(planted, own, task, evaluator)
        held = revise(own, planted, back, said, task, evaluator)
        assert held == own
        changed = revise(planted, own, said, back, task, evaluator)
        assert compare(changed, own) == "same"
        assert changed.changed_because
        verdict = judge(question, [("liar", planted), ("honest", own)], [("honest", "liar", said)])
        assert verdict.status == "resolved"
        assert verdict.answer == own.answer


def test_a_wrong_answer_with_true_but_idle_steps_does_not_win():
    task = task_of("is 91 prime?")
    planted = say("yes, 91 is prime", steps=[Step(claim="arithmetic works", check="2 + 2 == 4")])
    own = symbolic.solve(task)
    assert (
        revise(own, planted, criticise(planted, own, task, Exact()), criticise(own, planted, task, Algebra()), task)
        == own
    )
    verdict = judge("is 91 prime?", [("liar", planted), ("honest", own)], [])
    assert verdict.status == "open"


def test_false_accusations_move_nobody():
    task = task_of("is 97 prime?")
    own, other = symbolic.solve(task), say("no, 97 is composite: 3 * 32")
    slander = Critique(agrees=False, objections=["step 1 does not hold: I say so"], summary="wrong")
    fair = criticise(own, other, task, Algebra())
    assert revise(own, other, slander, fair, task, Algebra()) == own


def test_who_abstains_concedes_only_to_what_was_seen_to_hold():
    task = task_of("gcd of 10^1000+1 and 10^900+7")
    a, b = symbolic.solve(task), search.solve(task, operations=1000)
    of_a, of_b = criticise(b, a, task, Exact()), criticise(a, b, task, Algebra())
    changed = revise(b, a, of_b, of_a, task, Exact())
    assert changed.answer == a.answer
    assert "1 steps" in changed.changed_because
    bare = a.model_copy(update={"steps": []})
    assert revise(b, bare, of_b, criticise(b, bare, task, Exact()), task, Exact()) == b


def test_an_estimate_gives_way_to_the_exact_value_in_its_interval():
    _, estimate, verdict = made.debate("probability that 12 dice sum to 40")
    assert "between" in estimate.answer
    assert verdict.status == "resolved"
    assert "45731543/725594112" in verdict.answer
    assert "search gave way" in verdict.reason


def test_verdicts():
    assert made.debate("is 2^61 - 1 prime?")[2].status == "agreed"
    huge = made.debate("9**9**9")[2]
    assert huge.status == "single"
    assert "369,693,100 digits" in huge.answer
    assert "289" in huge.answer
    nothing = made.debate("sqrt(2)")[2]
    assert nothing.status == "open"
    scope = judge("tabs or spaces?", [], [])
    assert scope.status == "out_of_scope"
    assert "coin change" in scope.reason


@pytest.mark.parametrize(
    ("one", "other", "relation"),
    [
        ("gcd(84, 126) = 42", "The answer is 42.", "same"),
        ("yes, 97 is prime", "Yes, it is.", "same"),
        ("yes, 97 is prime", "no, 97 is composite", "differs"),
        ("x = 2 or x = 3", "x = 3 or x = 2", "same"),
        ("x = 2 or x = 3", "x = 2", "differs"),
        ("the sum = 5050", "the sum = 5051", "differs"),
        ("the sum = 5,050", "the sum = 5050", "same"),
        ("p = 1/6 (about 0.1666666667)", "p = about 0.16, between 0.15 and 0.18", "fits"),
        ("p = 1/6 (about 0.1666666667)", "p = about 0.19, between 0.18 and 0.20", "differs"),
        ("12 = 2^2 * 3", "12 = 2 * 6", "differs"),
        ("12345678901234567890 = 12345678901234567891", "x = 12345678901234567890", "differs"),
        ("no x is a solution", "x = 0", "differs"),
    ],
)
def test_comparing_answers(one: str, other: str, relation: str):
    assert compare(say(one), say(other)) == relation
    assert compare(say(other), say(one)) == relation


def test_the_debate_is_never_worse_than_its_weaker_side():
    """Measured with a search budget of 200 operations instead of 2,000,000; run with -s to see the table."""
    score = {"symbolic": 0, "search": 0, "debate": 0, "debate wrong": 0}
    asked = made.questions(seed=11)
    for text, expected in asked:
        a, b, verdict = made.debate(text, operations=200)
        score["symbolic"] += made.right(a, expected)
        score["search"] += made.right(b, expected)
        score["debate"] += made.right(verdict, expected)
        score["debate wrong"] += verdict.status not in {"open", "out_of_scope"} and not made.right(verdict, expected)
    table = ", ".join(f"{name} {value} of {len(asked)}" for name, value in score.items())
    sys.stdout.write(f"\nwith 200 operations: {table}\n")
    assert score["debate"] >= min(score["symbolic"], score["search"])
    assert score["debate wrong"] == 0
