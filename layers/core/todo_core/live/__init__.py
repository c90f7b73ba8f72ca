"""Tells the clients of a process that wait for changes as soon as there are some."""
