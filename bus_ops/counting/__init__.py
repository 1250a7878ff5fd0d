"""Counting: what each figure means, each visit's figures, and their sums, kept in step."""
