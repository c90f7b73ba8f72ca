"""Measures the assistant with tasks: a start state, messages of the user, and the expected end state of the todos."""
