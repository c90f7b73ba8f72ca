"""The sentences in which the command model answers the user."""
