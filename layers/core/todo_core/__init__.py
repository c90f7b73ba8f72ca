"""The core of the service: database, accounts, todos and the web layer.

Only `todo_core.web` knows HTTP; all operations are plain functions.
"""
