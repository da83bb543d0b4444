"""Agents: a prompt, a model, a set of tools and a typed output each, over one shared loop."""
