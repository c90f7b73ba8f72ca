"""Accounts and sessions: `/api/v1/auth`."""
