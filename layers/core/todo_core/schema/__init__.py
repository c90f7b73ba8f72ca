"""The database schema as it is today: tables per subject, functions and triggers, sort keys, head revision."""
