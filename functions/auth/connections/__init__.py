"""The routes of connections: `/api/v1/auth/connections`."""
