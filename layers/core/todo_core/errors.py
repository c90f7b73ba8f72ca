"""The facts that end a request early.

An error names the fact and carries what every face needs to tell it: `status` (HTTP's number for it), `code`
(stable, for programs), `title` (the kind) and `detail` (one sentence for a person: what was wrong, what to do).
"""

from collections.abc import Mapping
from typing import ClassVar

type JsonMember = str | int | list[str]


class ServiceError(Exception):
    """Root of all errors that a caller may see.

    `retry_after` is in whole seconds, those of its kind unless given; None where repeating the request unchanged cannot
    help. `members` are facts for programs beyond the code.
    """

    status: ClassVar[int]
    code: ClassVar[str]
    title: ClassVar[str]
    detail: ClassVar[str]
    retry_after: int | None = None
    members: Mapping[str, JsonMember]

    def __init__(self, detail: str | None = None, *, retry_after: int | None = None) -> None:
        self.sentence = detail or self.detail
        if retry_after is not None:
            self.retry_after = retry_after
        self.members = {}
        super().__init__(self.sentence)


class InvalidCursor(ServiceError):
    status = 400
    code = "invalid_cursor"
    title = "Invalid cursor"
    detail = "The cursor is not one that this list handed out; start again without it."


class NotAuthenticated(ServiceError):
    status = 401
    code = "not_authenticated"
    title = "Not signed in"
    detail = "Sign in first: send the session_token cookie or an Authorization: Bearer header."


class InvalidCredentials(ServiceError):
    status = 401
    code = "invalid_credentials"
    title = "Wrong email or password"
    detail = "The email and the password do not belong together; check both and try again."


class WrongPassword(ServiceError):
    """Not a 401, at which front ends sign the user out: the session is as good as before."""

    status = 403
    code = "wrong_password"
    title = "Wrong password"
    detail = "This is not the account's password; check it and try again."


class CrossOrigin(ServiceError):
    status = 403
    code = "cross_origin"
    title = "Foreign origin"
    detail = "A page of this origin may not change anything here; add its origin to CORS_ORIGINS."


class TodoNotFound(ServiceError):
    status = 404
    code = "todo_not_found"
    title = "Todo not found"
    detail = "You have no todo with this id."


class SessionNotFound(ServiceError):
    status = 404
    code = "session_not_found"
    title = "Session not found"
    detail = "You have no session with this id; it may have ended already."


class ProjectNotFound(ServiceError):
    status = 404
    code = "project_not_found"
    title = "Project not found"
    detail = "You have no project with this id."


class EmailTaken(ServiceError):
    status = 409
    code = "email_taken"
    title = "Email taken"
    detail = "An account with this email exists already; sign in, or register another email."


class RequestInProgress(ServiceError):
    status = 409
    code = "request_in_progress"
    title = "Request in progress"
    detail = "A request with this Idempotency-Key is being worked on; repeat it after the seconds in Retry-After."
    retry_after = 1


class IdempotencyKeyReused(ServiceError):
    status = 422
    code = "idempotency_key_reused"
    title = "Idempotency key reused"
    detail = "This Idempotency-Key came with another request before; use a new key for each request."


class InvalidTodo(ServiceError):
    """Root of the rules that only the database can hold, because they speak of other todos, or of what is stored."""

    status = 422


class UnknownParent(InvalidTodo):
    code = "unknown_parent"
    title = "Unknown parent"
    detail = "You have no todo with the id in parent_id, or it is in the trash; give the id of another, or null."


class UnknownProject(InvalidTodo):
    code = "unknown_project"
    title = "Unknown project"
    detail = "You have no project with the id in project_id; give the id of another, or null."


class TreeCycle(InvalidTodo):
    code = "tree_cycle"
    title = "A todo below itself"
    detail = "A todo can be neither its own subtodo nor one of its subtodos'; give another parent_id."


class TreeTooDeep(InvalidTodo):
    code = "tree_too_deep"
    title = "Tree too deep"
    detail = "Below a top-level todo there are five levels of subtodos at most; give a parent_id further up."


class RecurrenceNeedsDue(InvalidTodo):
    code = "recurrence_needs_due"
    title = "Recurrence needs a due date"
    detail = "A todo that recurs needs a due_date or due_at to recur from; give one, or set recurrence to null."


class StaleVersion(ServiceError):
    status = 412
    code = "stale_version"
    title = "Changed meanwhile"
    detail = "It has changed since the version in If-Match; read it again and repeat the change."


class TooManyAttempts(ServiceError):
    status = 429
    code = "too_many_attempts"
    title = "Too many attempts"
    detail = "Too many attempts; wait for the seconds in Retry-After and try again."


class TooBusy(ServiceError):
    status = 503
    code = "too_busy"
    title = "Too busy"
    detail = "Too many passwords are being checked at the moment; try again after the seconds in Retry-After."
    retry_after = 5


class DatabaseUnavailable(ServiceError):
    status = 503
    code = "database_unavailable"
    title = "Database unavailable"
    detail = "The database does not answer at the moment; try again after the seconds in Retry-After."
    retry_after = 2


class SchemaOutdated(ServiceError):
    status = 503
    code = "schema_outdated"
    title = "Schema outdated"
    detail = "The database's schema is not at the revision that this version needs; run the migrations."
    retry_after = 10
