"""The routes of tags: `/api/v1/tags`."""
