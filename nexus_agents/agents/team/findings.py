"""Whose a finding is, which ones count, and what is open at the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nexus_agents.core.work import Owner, owner_of, to_block

if TYPE_CHECKING:
    from nexus_agents.core.work import Finding, Plan, Review, TestReport, TurnReport

__all__ = ["assigned", "counts", "open_points", "progress_is_possible", "to_mend", "verdict"]


def assigned(review: Review, plan: Plan) -> Review:
    """Return a review whose findings go to the agent that owns the file: by the plan, else by the file's place."""
    owners: dict[str, Owner] = {file.path: file.owner for file in plan.files}
    findings = [
        finding.model_copy(update={"owner": owners.get(finding.file) or owner_of(finding.file)})
        for finding in review.findings
    ]
    return review.model_copy(update={"findings": findings})


def counts(finding: Finding) -> bool:
    """Return whether a finding keeps the work from being accepted."""
    return finding.severity in ("medium", "high")


def to_mend(name: Owner, review: Review, tests: TestReport) -> list[str]:
    """Return what an agent has to mend, as blocks; nothing where all that is open is another's."""
    wrong: list[str] = []
    mine = [finding for finding in review.findings if finding.owner == name and counts(finding)]
    anybody = any(counts(finding) for finding in review.findings)
    # A red test may be anybody's fault: without a finding that names the owner it goes to the backend.
    if not tests.green and (mine or (name == "backend" and not anybody)):
        wrong.append(to_block(tests))
    if mine:
        wrong.append(to_block(review.model_copy(update={"findings": mine})))
    return wrong


def progress_is_possible(turn: int, reports: Mapping[str, TurnReport]) -> bool:
    """Return whether asking again can help: an engineer who says that nothing more can be done is believed."""
    return turn == 0 or not reports or not all(report.open_points for report in reports.values())


def open_points(review: Review, tests: TestReport, reports: Mapping[str, TurnReport]) -> list[str]:
    """Return what is open, honestly and never empty."""
    points = [] if tests.green else [tests.summary]
    points += [f"{f.file}:{f.line}: {f.rule}: {f.evidence}" for f in review.findings if counts(f)]
    points += [point for report in reports.values() for point in report.open_points]
    return points or [review.summary]


def verdict(review: Review) -> str:
    """Return a review in a few words."""
    if not review.findings:
        return "accepted without findings"
    return f"{'accepted' if review.accepted else 'not accepted'} with {len(review.findings)} findings"
