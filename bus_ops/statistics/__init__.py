"""Figures: what the service did, by period, place, audience and van, on screen and as files."""
