from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from nexus_agents.models.builtin.solvers import search, symbolic
from nexus_agents.models.builtin.solvers.algebra import Algebra
from nexus_agents.models.builtin.solvers.compare import compare, has_answer
from nexus_agents.models.builtin.solvers.exact import Exact
from nexus_agents.models.builtin.solvers.expression import check
from nexus_agents.models.builtin.solvers.formal import formalise

spec = importlib.util.spec_from_file_location("questions", Path(__file__).with_name("questions.py"))
assert spec is not None
assert spec.loader is not None
made = importlib.util.module_from_spec(spec)
spec.loader.exec_module(made)

SET = made.questions()


def test_the_set_is_large_and_covers_many_kinds():
    assert len(SET) >= 150
    kinds = {task.kind for text, _ in SET if (task := formalise(text))}
    assert len(kinds) >= 17


@pytest.mark.parametrize(("text", "expected"), SET)
def test_both_solvers_find_what_plain_python_finds(text: str, expected: str):
    task = formalise(text)
    assert task is not None
    for solve in (symbolic.solve, search.solve):
        answer = solve(task)
        assert made.right(answer, expected), (solve.__module__, answer)
        for step in answer.steps:
            if step.check:
                assert check(step.check, Exact()), step
                assert check(step.check, Algebra()), step


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("is 2^61 - 1 prime?", "yes, 2^61 - 1 = 2305843009213693951 is prime"),
        ("is 2^521 - 1 prime?", "yes"),
        ("is 2^67 - 1 prime?", "no"),
        ("is 1 prime", "no, 1 is neither prime nor composite"),
        ("is 561 prime", "no, 561 is composite: 3 * 187"),
        ("is 0.1+0.2 = 0.3?", "yes, 0.1+0.2 = 0.3 is true"),
        ("10^10^10 mod 7", "10^10^10 mod 7 = 4"),
        ("9^9^9^9 mod 1000", "9^9^9^9 mod 1000 = 289"),
        ("solve x^2 = 2", "x = -sqrt(2) (about -1.414213562) or x = sqrt(2) (about 1.414213562)"),
        ("x^3 - x - 1 = 0", "x = about 1.324717957"),
        ("solve x^2 + 1 = 0", "no real x is a solution"),
        ("solve 2x = 2x + 1", "no x is a solution"),
        ("solve (x-1)^2 (x-2) = 0", "x = 1 or x = 2"),
        (
            "A bat and a ball cost $1.10. The bat costs $1.00 more than the ball. What does the ball cost?",
            "the bat = 1.05 and the ball = 0.05",
        ),
        ("a farm has chickens and rabbits, 35 heads and 94 legs", "chickens = 23 and rabbits = 12"),
        ("what day of the week was July 20, 1969?", "the weekday of 1969-07-20 = Sunday"),
        ("how many feet are in 2 miles", "2 miles in feet = 10560 feet"),
        ("is ٩٧ prime?", "yes, 97 is prime"),
        ("x² − 5x + 6 = 0", "x = 2 or x = 3"),
    ],
)
def test_well_known_questions(text: str, answer: str):
    task = formalise(text)
    assert task is not None
    one, other = symbolic.solve(task), search.solve(task)
    assert one.answer.startswith(answer)
    assert compare(one, other) in {"same", "fits"}


def test_a_small_budget_makes_the_search_abstain_and_say_so():
    task = formalise("sum of the integers from 1 to 100000")
    assert task is not None
    answer = search.solve(task, operations=100)
    assert not has_answer(answer)
    assert "100 operations" in answer.scope
    assert answer.confidence == 0.0


def test_simulation_states_its_interval_and_the_truth_lies_in_it():
    task = formalise("probability that two of 23 people share a birthday")
    assert task is not None
    estimate = search.solve(task)
    assert not estimate.certain
    assert "99.9 % interval" in estimate.scope
    assert compare(symbolic.solve(task), estimate) == "fits"


@pytest.mark.parametrize(
    "text",
    ["tabs or spaces?", "", "   ", "write a poem", "__import__('os')", "is python better than rust", "5", "2024-02-30",
     "which is better, cats or dogs?", "what is the capital of France?", "how are you", "clone this voice"],
)  # fmt: skip
def test_out_of_scope(text: str):
    assert formalise(text) is None
