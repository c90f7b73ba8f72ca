"""The base class of all errors that an API client may see, and errors that belong to no single subject."""

from collections.abc import Iterable, Mapping
from typing import ClassVar, Final, Literal

type JsonMember = str | int | list[str]


class InvalidSettings(Exception):
    """Raised when the service cannot start with the given settings. The message names the setting at fault."""


class ServiceError(Exception):
    """Base class of the errors that the API client receives as a problem document.

    `code` is a stable name for programs, `title` the kind of error, and `detail` one sentence for a person.
    `retry_after` is the time after which to repeat the request, in whole seconds. None means that repeating the
    unchanged request cannot help. `members` are further fields of the problem document. `is_expected` marks a status
    of 500 or more that is a refusal by design: it is not logged as an error. `bearer_error` is the error code of
    RFC 6750, which the header WWW-Authenticate names.
    """

    status: ClassVar[int]
    code: ClassVar[str]
    title: ClassVar[str]
    detail: ClassVar[str]
    is_expected: ClassVar[bool] = False
    bearer_error: ClassVar[str | None] = None
    retry_after: int | None = None
    members: Mapping[str, JsonMember]

    def __init__(self, detail: str | None = None, *, retry_after: int | None = None) -> None:
        """Overrides the `detail` and `retry_after` of the class for this one error, if they are passed."""
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


class InvalidToken(NotAuthenticated):
    """The request has a bearer token, but not a valid one. The client does not learn whether it was valid before."""

    detail = "The bearer token is not valid: it is malformed, has expired or was revoked; sign in, or make a new token."
    bearer_error = "invalid_token"


class InsufficientScope(ServiceError):
    """The API token lacks a scope that the operation needs. No API token may do what needs a session."""

    status = 403
    code = "insufficient_scope"
    title = "Insufficient scope"
    detail = "API tokens may not do this; sign in with the password instead."
    bearer_error = "insufficient_scope"

    def __init__(self, scopes: Iterable[str] = ()) -> None:
        """Names the scopes that the operation needs. Without scopes, it needs a session."""
        needed = " ".join(sorted(scopes))
        super().__init__(f"This needs an API token with the scopes: {needed}." if needed else None)
        if needed:
            self.members = {"scope": needed}


class CrossOrigin(ServiceError):
    status = 403
    code = "cross_origin"
    title = "Foreign origin"
    detail = "A page of this origin may not change anything here; add its origin to CORS_ORIGINS."


type QuotaName = Literal[
    "todos",
    "projects",
    "tags",
    "conversations",
    "api_tokens",
    "passkeys",
    "push_subscriptions",
    "webhooks",
    "stored_bytes",
]

_QUOTAS: Final[Mapping[QuotaName, tuple[str, str]]] = {
    "todos": ("todos", "delete some"),
    "projects": ("projects", "delete one"),
    "tags": ("different tags", "use one that you have, or remove one from all of its todos"),
    "conversations": ("conversations", "delete one"),
    "api_tokens": ("API tokens", "delete one"),
    "passkeys": ("passkeys", "remove one"),
    "push_subscriptions": ("push subscriptions", "delete one"),
    "webhooks": ("webhooks", "delete one"),
    "stored_bytes": ("stored bytes", "delete conversations, or delete todos and wait until the log is cut"),
}
"""Maps each quota to the name of what it counts, and to how a user can make room."""


class QuotaExceeded(ServiceError):
    """A write would exceed a quota of the user. The problem document has the quota's name and limit."""

    status = 403
    code = "quota_exceeded"
    title = "Quota exceeded"

    def __init__(self, quota: QuotaName = "projects", limit: int = 500) -> None:
        counted, remedy = _QUOTAS[quota]
        super().__init__(
            f"Your account may have {limit:,} {counted}; {remedy}, or ask the operator of this service for more."
        )
        self.members = {"quota": quota, "limit": limit}


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


class RateLimited(ServiceError):
    status = 429
    code = "rate_limited"
    title = "Too many requests"
    detail = "You send more requests than the service accepts; go on after the seconds in Retry-After."
    retry_after = 1


class TooBusy(ServiceError):
    """The process has more work than it can do soon: too many requests, or too many passwords to check."""

    status = 503
    code = "too_busy"
    title = "Too busy"
    detail = "The service has more work than it can do at the moment; try again after the seconds in Retry-After."
    is_expected = True
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
