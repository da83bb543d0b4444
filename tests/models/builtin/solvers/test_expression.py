from __future__ import annotations

import time
from contextlib import suppress
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexus_agents.core.errors import NexusError
from nexus_agents.models.builtin.solvers.algebra import Algebra
from nexus_agents.models.builtin.solvers.exact import Exact
from nexus_agents.models.builtin.solvers.expression import (
    Evaluator,
    NotAnExpression,
    TooLarge,
    Undefined,
    check,
    parse,
    show,
)

EVALUATORS = [Exact(), Algebra()]


@pytest.mark.parametrize("evaluator", EVALUATORS, ids=lambda one: one.name)
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2 + 3 * 4^2", 50), ("-2^2", -4), ("2^3^2", 512), ("2^-1", Fraction(1, 2)), ("3! ^ 2", 36), ("-3!", -6),
        ("2(3 + 4)", 14), ("1 - 2 - 3", -4), ("8 / 4 / 2", 1), ("7 // 2", 3), ("-7 // 2", -4), ("-7 % 3", 2),
        ("0.1 + 0.2", Fraction(3, 10)), ("gcd(12, 18, 8)", 2), ("lcm(4, 6)", 12), ("binomial(10, 3)", 120),
        ("isqrt(99)", 9), ("floor(7/2)", 3), ("abs(-3)", 3), ("min(3, 1, 2)", 1), ("max(3, 5)", 5),
        ("powmod(2, 100, 97)", pow(2, 100, 97)), ("sqrt(9/4)", Fraction(3, 2)), ("digitsum(123)", 6),
    ],
)  # fmt: skip
def test_values(evaluator: Evaluator, text: str, value: int | Fraction):
    assert evaluator.value(parse(text)) == value


@pytest.mark.parametrize("evaluator", EVALUATORS, ids=lambda one: one.name)
def test_conditions(evaluator: Evaluator):
    assert check("powmod(37, 2305843009213693950, 2305843009213693951) == 1", evaluator)
    assert check("1 < 2 <= 2 and not 3 == 4 or false", evaluator)
    assert not check("7 * 13 == 92", evaluator)
    with pytest.raises(NotAnExpression):
        check("7 * 13", evaluator)
    with pytest.raises(NotAnExpression):
        check("(1 < 2) + 1 == 2", evaluator)


@pytest.mark.parametrize("evaluator", EVALUATORS, ids=lambda one: one.name)
@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("9**9**9", TooLarge), ("9^9^9^9", TooLarge), ("(10^6)!", TooLarge), ("2^14001", TooLarge),
        ("binomial(10^9, 10^8)", TooLarge), ("10^4000 * 10^4000", TooLarge), ("2^-20000", TooLarge),
        ("powmod(2, 2^13000, 7)", TooLarge), ("9" * 5000, TooLarge), ("1000000000000000000000!", TooLarge),
        ("1/0", Undefined), ("5 % 0", Undefined), ("0^-1", Undefined), ("sqrt(2)", Undefined), ("2^(1/2)", Undefined),
        ("(-3)!", Undefined), ("isqrt(-1)", Undefined),
        ("(" * 10_000 + "1" + ")" * 10_000, NotAnExpression), ("(" * 5_000 + "1" + ")" * 5_000, NotAnExpression),
        ("-" * 5_000 + "1", NotAnExpression), ("!" * 50, NotAnExpression), ("2^" * 500 + "1", NotAnExpression),
        ("1/" * 500 + "1", NotAnExpression), ("__import__('os')", NotAnExpression), ("x + 1", NotAnExpression),
        ("gcd(1)", NotAnExpression), ("1 +", NotAnExpression), ("1 2", NotAnExpression), ("", NotAnExpression),
        ("lambda: 1", NotAnExpression), ("١ + ٢", NotAnExpression),
    ],
)  # fmt: skip
def test_refusals_are_typed_and_quick(evaluator: Evaluator, text: str, error: type[NexusError]):
    began = time.perf_counter()
    with pytest.raises(error) as caught:
        evaluator.value(parse(text))
    assert time.perf_counter() - began < 1
    assert caught.value.message
    assert caught.value.hint


def test_too_large_still_says_how_large():
    with pytest.raises(TooLarge) as caught:
        Exact().value(parse("9**9**9"))
    assert "369,693,100 digits" in caught.value.message


def test_long_sums_are_not_deep():
    text = "+".join(["1"] * 5_000)
    assert Exact().value(parse(text)) == 5_000


def _expressions() -> st.SearchStrategy[str]:
    numbers = st.integers(0, 30).map(str) | st.sampled_from(["0.5", "1.25", "100"])
    return st.recursive(
        numbers,
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "%", "//"]), inner).map(
                lambda t: f"({t[0]} {t[1]} {t[2]})"
            ),
            st.tuples(inner, st.sampled_from([" + ", " - ", " * "]), inner).map("".join),
            inner.map(lambda one: f"-({one})"),
            inner.map(lambda one: f"({one})^3"),
            st.tuples(inner, inner).map(lambda t: f"max({t[0]}, {t[1]})"),
        ),
        max_leaves=8,
    )


@settings(max_examples=150, deadline=None)
@given(_expressions())
def test_two_evaluators_and_the_printed_form_agree(text: str):
    node = parse(text)
    try:
        value = Exact().value(node)
    except (Undefined, TooLarge) as error:
        with pytest.raises(type(error)):
            Algebra().value(node)
        return
    assert Algebra().value(node) == value
    assert Exact().value(parse(show(node))) == value


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str):
    with suppress(NexusError):
        assert parse(text)
