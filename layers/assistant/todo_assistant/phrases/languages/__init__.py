"""Dates, recurrences and replies in other languages than English, by a file of words for each language."""
