"""The error of a migration that was not completed."""


class MigrationFailed(Exception):
    """Raised when the schema does not reach the head revision. The message says why, and what to do."""
