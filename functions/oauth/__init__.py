"""The route group of the OAuth 2.1 authorization server: metadata, consent, registration and tokens."""
