"""The routes of webhooks: `/api/v1/webhooks`."""
