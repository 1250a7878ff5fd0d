"""The period planner: which stop is visited on which dates, and in which order each day."""
