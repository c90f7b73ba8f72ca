"""Webhooks: URLs to which the service sends a user's changes, in the order of the change log."""
