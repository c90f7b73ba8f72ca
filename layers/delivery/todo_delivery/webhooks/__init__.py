"""Webhooks: signatures by Standard Webhooks, and requests to receivers."""
