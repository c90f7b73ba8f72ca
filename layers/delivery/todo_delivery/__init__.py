"""Delivery of messages that leave the service. Outside this package, only tests import its libraries."""
