"""Todos: `/api/v1/todos`."""
