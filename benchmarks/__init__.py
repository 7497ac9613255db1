"""What the program costs beside its budgets: CPU seconds, memory, ratios; never a timed test."""
