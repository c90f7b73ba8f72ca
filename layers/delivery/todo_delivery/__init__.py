"""Delivery of messages that leave the service. Outside this package, only tests import `aiosmtplib` and Jinja2."""
