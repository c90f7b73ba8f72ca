"""Parses phrases for dates and recurrences, in English or another language, and describes rules in English."""
