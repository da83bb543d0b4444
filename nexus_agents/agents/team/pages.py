"""The pages that a team leaves for people: the plan and the review, as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nexus_agents.core.work import Plan, Review, TestReport

__all__ = ["plan_page", "review_page"]


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
