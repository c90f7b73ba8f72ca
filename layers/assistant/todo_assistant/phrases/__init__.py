"""English phrases for dates and recurrences."""
