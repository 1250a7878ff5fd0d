"""Events beside the usual visits, and the donations that make books and equipment possible."""
