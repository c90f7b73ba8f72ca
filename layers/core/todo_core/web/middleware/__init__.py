"""Middleware as plain ASGI classes, because Starlette's BaseHTTPMiddleware takes longer than most routes."""
