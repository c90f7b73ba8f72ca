"""Routes of the second factor: the authenticator app, recovery codes, and confirmations by a signed-in user."""
