"""Runs the database migrations."""
