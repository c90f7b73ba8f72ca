"""What every function shares: settings, database, security, errors, models and the operations.

`todo_core.web` is the only part that knows HTTP; the operations beside it are plain functions.
"""
