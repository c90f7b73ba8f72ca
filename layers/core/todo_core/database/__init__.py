"""PostgreSQL: the connection pool, statements, transactions and idempotency keys."""
