"""The routes of API tokens: `/api/v1/auth/tokens`."""
