"""Runs: start, stream, resume and cancel them; approvals, wiring, and the orchestrator of workflows."""
