"""Projects: `/api/v1/projects`."""
