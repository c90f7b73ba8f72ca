"""Deletes expired rows once a day, such as old todos in the trash, idempotency keys, sessions and invites."""
