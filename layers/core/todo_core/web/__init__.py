"""HTTP, once for all functions: the app factory, identity, problem documents, paging, logging."""
