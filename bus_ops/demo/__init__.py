"""A living example: Cần Thơ, with invented readers, books and history."""
