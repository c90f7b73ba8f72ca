"""The route of quick add: `/api/v1/quick-add`."""
