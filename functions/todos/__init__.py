"""Todos: `/api/v1/todos`, with projects and tags."""
