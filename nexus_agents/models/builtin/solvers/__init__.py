"""Two solvers that work in different ways over the same questions, and what they need to debate."""
