"""Alembic scripts: how each revision of the tables becomes the next."""
