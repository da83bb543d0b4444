"""Readers that turn a question into a formal task, one family of tasks a file."""
