"""Parses English phrases for dates and recurrences, and describes recurrence rules in English."""
