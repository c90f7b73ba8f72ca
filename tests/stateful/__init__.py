"""Stateful tests: random sequences of calls, compared with one plain model of todos."""
