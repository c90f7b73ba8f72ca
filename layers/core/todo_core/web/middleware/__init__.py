"""Plain ASGI middleware, one file each: Starlette's BaseHTTPMiddleware takes longer than most routes."""
