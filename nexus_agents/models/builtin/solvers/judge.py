"""The outcome of a debate: what stands, and what was checked to say so."""

from __future__ import annotations

from collections.abc import Sequence

from nexus_agents.core.work import Answer, Critique, Verdict
from nexus_agents.models.builtin.solvers.compare import compare, has_answer
from nexus_agents.models.builtin.solvers.critique import Checks, recheck
from nexus_agents.models.builtin.solvers.exact import Exact
from nexus_agents.models.builtin.solvers.formal import formalise
from nexus_agents.models.builtin.solvers.tasks import OUT_OF_SCOPE

__all__ = ["Said", "judge"]

Said = tuple[str, str, Critique]
"""A critic, the author of the answer that it read, and what it said."""


def judge(question: str, answers: Sequence[tuple[str, Answer]], critiques: Sequence[Said]) -> Verdict:
    """Return the verdict on a debate.

    The judge believes nobody: it tries every checkable step again. Answers with a step that fails are out; of those
    left, all must say the same (`agreed`, or `resolved` where someone had to give way), or the ones that
    prove their answer outweigh those that do not (`resolved`); otherwise the question stays `open`.

    Args:
        question: The question in words.
        answers: Author and last answer.
        critiques: Who said what of whose answer.
    """
    present = [(name, answer) for name, answer in answers if has_answer(answer)]
    if not present:
        if formalise(question) is None:
            return Verdict(status="out_of_scope", answer="", reason=OUT_OF_SCOPE, confidence=0.0)
        reasons = "; ".join(f"{name}: {answer.scope or answer.method}" for name, answer in answers)
        return Verdict(status="open", answer="", reason=f"Nobody has an answer. {reasons}", confidence=0.0)
    checks = {name: recheck(answer, Exact()) for name, answer in present}
    sound = [(name, answer) for name, answer in present if not checks[name].failed]
    refuted = [name for name, _ in present if checks[name].failed]
    if not sound:
        reason = f"A step fails in every answer ({_tried(checks)})."
        return Verdict(status="open", answer="", reason=reason, confidence=0.0)
    changed = [f"{name} gave way: {answer.changed_because}" for name, answer in present if answer.changed_because]
    for name in refuted:
        changed.append(f"{name} is out: step {checks[name].failed[0]} does not hold")
    camps = _camps(sound)
    if len(camps) > 1:
        proven = [camp for camp in camps if any(answer.certain for _, answer in camp)]
        if len(proven) != 1:
            views = "; ".join(f"{name}: {answer.answer}" for name, answer in sound)
            reason = f"They differ and neither is refuted ({_tried(checks)}). {views}"
            return Verdict(status="open", answer="", reason=reason, confidence=0.0)
        changed += [
            f"{name} offers no proof: {answer.scope}"
            for camp in camps
            if camp is not proven[0]
            for name, answer in camp
        ]
        camps = proven
    name, best = max(camps[0], key=lambda one: (one[1].certain, one[1].confidence, "sqrt" in one[1].answer))
    if len(answers) > 1 and len(present) == 1:
        read_by = [f"{critic}: {critique.summary}" for critic, author, critique in critiques if author == name]
        reason = " ".join([f"Only {name} has an answer ({_tried(checks)}).", *read_by])
        return Verdict(status="single", answer=best.answer, reason=reason, confidence=best.confidence)
    doubt = "" if best.certain else f" It is not a proof: {best.scope or best.method}."
    methods = "; ".join(f"{author}: {answer.method}" for author, answer in camps[0])
    if changed:
        reason = f"{'. '.join(changed)}. Checked again: {_tried(checks)}.{doubt}"
        return Verdict(status="resolved", answer=best.answer, reason=reason, confidence=best.confidence)
    status = "agreed" if len(camps[0]) > 1 else "single"
    opening = "They agree" if status == "agreed" else "There is one answer"
    reason = f"{opening} ({methods}). Checked again: {_tried(checks)}.{doubt}"
    return Verdict(status=status, answer=best.answer, reason=reason, confidence=best.confidence)


def _camps(answers: list[tuple[str, Answer]]) -> list[list[tuple[str, Answer]]]:
    """Put together the answers that say the same."""
    camps: list[list[tuple[str, Answer]]] = []
    for name, answer in answers:
        camp = next((one for one in camps if all(compare(answer, other) != "differs" for _, other in one)), None)
        if camp is None:
            camps.append([(name, answer)])
        else:
            camp.append((name, answer))
    return camps


def _tried(checks: dict[str, Checks]) -> str:
    return ", ".join(
        f"{name} {len(one.held)} of {len(one.held) + len(one.failed)} checkable steps hold"
        if one.held or one.failed
        else f"{name} has no step that can be checked"
        for name, one in checks.items()
    )
