"""Accounts: registration, sign-in, sessions, rate limits and the export."""
