"""Formats other systems read and write: mobile library CSV, spreadsheets."""
