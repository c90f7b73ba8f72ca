"""The current database schema: tables, SQL functions, triggers, sort keys, and the revision of the last migration."""
