"""What anybody may see without signing in: when the van comes, and feeds of it."""
