"""The built-in reviewer: what the linters found, and nothing that it did not see."""

from __future__ import annotations

from nexus_agents.core.work import Finding, Plan, Review, TestReport, from_block
from nexus_agents.models.builtin.turn import Calls, Decision, Product, Turn

__all__ = ["decide"]


def decide(turn: Turn) -> Decision:
    """Run the checks, and accept where tests are green and no finding is medium or worse."""
    if not turn.results:
        return Calls([("check_code", {})])
    checked = turn.results[-1]
    if not checked.ok:
        return Product(Review(accepted=False, summary=f"The checks did not run: {checked.text.strip()}"))
    plan, tests = from_block(turn.request, Plan), from_block(turn.request, TestReport)
    owners = {file.path: file.owner for file in plan.files} if plan else {}
    findings = [Finding.model_validate(raw) for raw in checked.data.get("findings", [])]
    findings = [finding.model_copy(update={"owner": owners.get(finding.file, "backend")}) for finding in findings]
    serious = [finding for finding in findings if finding.severity in ("medium", "high")]
    green = tests is not None and tests.green
    used = [str(tool) for tool in checked.data.get("tools", [])]
    used += [f"{tool}: not installed, not run" for tool in checked.data.get("missing", [])]
    summary = f"{len(findings)} findings, {len(serious)} of them medium or worse, by {', '.join(used)}"
    return Product(Review(accepted=green and not serious, summary=summary, findings=findings, tools=used))
