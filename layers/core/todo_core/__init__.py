"""The core of the service: database, accounts, todos and the web layer.

Only `todo_core.web` depends on the web framework; the operations of accounts and todos are plain functions.
"""
