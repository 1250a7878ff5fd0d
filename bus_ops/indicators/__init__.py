"""Indicators with their yearly targets: from the log or entered by hand, and how far we are."""
