"""Tags: `/api/v1/tags`."""
