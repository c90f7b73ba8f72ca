"""Requests to URLs that clients have given: the only home of such requests in the service."""
