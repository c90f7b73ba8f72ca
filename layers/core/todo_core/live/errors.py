"""Errors of requests that wait for changes."""

from todo_core.errors import ServiceError


class TooManyStreams(ServiceError):
    """The user has as many streams, or requests that wait for changes, as one user may have in a process."""

    status = 429
    code = "too_many_streams"
    title = "Too many streams"
    detail = "You follow your changes with as many requests as one user may have; end one of them first."
    retry_after = 5
