"""How the built-in model plays each agent: `decide(turn) -> Decision`, one file a role."""
