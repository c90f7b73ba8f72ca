"""The route group of todos, projects and tags: `/api/v1/todos`, `/api/v1/projects` and `/api/v1/tags`."""
