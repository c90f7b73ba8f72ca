"""Todos: `/api/v1/todos`, and the projects in which they may lie."""
