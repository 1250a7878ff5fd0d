"""The reading-culture plan that the library and the education department agree each school year."""
