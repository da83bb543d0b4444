"""State machines, one a file: `build(kit) -> StateGraph`."""
