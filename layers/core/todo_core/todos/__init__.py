"""Todos, projects and tags: models, lists, operations, recurrence, the change log and the trash."""
