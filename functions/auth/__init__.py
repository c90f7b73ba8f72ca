"""The route group of accounts and sessions: `/api/v1/auth`."""
