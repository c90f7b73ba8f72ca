"""Stateful tests: random sequences of calls, whose outcome must equal that of a simple model of todos."""
