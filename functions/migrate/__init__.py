"""The schema of the database, brought to its newest revision."""
