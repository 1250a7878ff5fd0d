"""Who: libraries, people who sign in, and what each role may do."""
