"""The HTTP side that all route groups share: app factory, middleware, identity, problems, paging, OpenAPI."""
