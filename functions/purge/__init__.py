"""Deletes expired rows once a day: old todos in the trash, idempotency keys, sessions and rate-limit counters."""
