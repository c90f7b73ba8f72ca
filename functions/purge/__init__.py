"""Deletes expired rows once a day."""
