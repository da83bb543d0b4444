"""The SQL memory: runs, events, ledger, artifacts, shared context, voices and checkpoints in one database."""
