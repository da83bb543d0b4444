"""Capabilities: engines that know nothing of language models, and thin tools over them."""
