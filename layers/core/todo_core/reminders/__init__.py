"""Reminders: those that are due, and the channels and devices by which users get them."""
