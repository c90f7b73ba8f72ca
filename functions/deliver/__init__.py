"""Delivers the messages of the outbox: by schedule, after a request, or in a loop beside the routes."""
