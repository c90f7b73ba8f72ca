"""The routes of projects: `/api/v1/projects`."""
