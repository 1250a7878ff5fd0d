"""What is lent: readers and cards, titles and copies, loans."""
