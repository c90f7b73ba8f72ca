"""Turns of the assistant and the conversations they belong to."""
