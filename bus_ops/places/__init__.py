"""Where: schools, communes and other sites the van can serve, and the units they lie in."""
