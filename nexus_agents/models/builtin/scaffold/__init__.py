"""Data applications without a language model: a grammar for requests and templates for the files."""

from nexus_agents.models.builtin.scaffold.blueprint import assemble
from nexus_agents.models.builtin.scaffold.grammar import plan_app
from nexus_agents.models.builtin.scaffold.render import backend_files, frontend_files, test_files

__all__ = ["assemble", "backend_files", "frontend_files", "plan_app", "test_files"]
