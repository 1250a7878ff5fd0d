"""When: terms, stops, calendars, and the dated runs and visits made from them."""
