"""Planning a term: what is asked of the planner, its work outside the request, its plan."""
