"""Webhooks and deliveries as they are stored, and the fields that a client may send."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, ClassVar, Final, Literal, get_args
from uuid import UUID

from msgspec import Struct
from pydantic import MISSING, AfterValidator, BaseModel, ConfigDict, Field, StrictBool

from todo_core.outgoing_urls import MAX_CHARACTERS
from todo_core.secret_values import SecretValue
from todo_core.text import Text

Event = Literal[
    "todo.created",
    "todo.updated",
    "todo.completed",
    "todo.deleted",
    "todo.restored",
    "reminder.due",
    "project.created",
    "project.updated",
    "project.deleted",
    "tag.renamed",
    "tag.deleted",
]
"""The type of a change that webhooks send."""
TEST: Final = "webhook.test"
"""The type of a message that the owner asks for."""
EVENTS: Final[Sequence[Event]] = get_args(Event)

type DisabledReason = Literal["owner", "gone", "failing"]
type DeliveryState = Literal["waiting", "delivered", "retrying", "failed"]

_MAX_EVENTS: Final = 50
"""A number above that of all events, because an event may be repeated."""


def _sort_events(events: list[Event]) -> list[Event]:
    return [event for event in EVENTS if event in events]


WebhookUrl = Annotated[
    str, Text(min_length=1, max_length=MAX_CHARACTERS), Field(json_schema_extra={"format": "webhook-url"})
]
Events = Annotated[
    list[Event],
    Field(min_length=1, max_length=_MAX_EVENTS, description="The events to send, or null for all, also later ones."),
    AfterValidator(_sort_events),
]
Description = Annotated[str, Text(max_length=200)]


class WebhookCreate(BaseModel):
    """A new webhook. Without `events`, all events are sent."""

    model_config: ClassVar = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "url": "https://hooks.example.com/todos",
                    "events": ["todo.created", "todo.completed"],
                    "description": "Chat of the team",
                },
                {"url": "https://hooks.example.com/all"},
            ]
        },
    )

    url: WebhookUrl
    events: Events | None = None
    description: Description | None = None


class WebhookUpdate(BaseModel):
    """A merge patch: an absent field stays. `null` as `events` means all events."""

    model_config: ClassVar = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"enabled": True}, {"events": None, "description": None}]}
    )

    url: WebhookUrl | MISSING = MISSING
    events: Events | None | MISSING = MISSING
    description: Description | None | MISSING = MISSING
    enabled: StrictBool | MISSING = MISSING


class Webhook(Struct, frozen=True):
    """A webhook without its secret. `events` is None for all.

    `failing_since` and `next_attempt_at` are set while the receiver does not take the next change.
    """

    id: UUID
    url: str
    events: Sequence[Event] | None
    description: str | None
    enabled: bool
    disabled_reason: DisabledReason | None
    failing_since: datetime | None
    next_attempt_at: datetime | None
    previous_secret_until: datetime | None
    created_at: datetime
    updated_at: datetime


class WebhookWithSecret(Webhook, SecretValue, frozen=True):
    """A webhook with a new secret, whose text is known only now."""

    secret: str


class Delivery(Struct, frozen=True):
    """A message to a webhook, and the result of the latest attempt to send it.

    `message_id` is the header `webhook-id`. `seq` is the change that is sent, or None for a test.
    """

    id: UUID
    message_id: str
    event: str
    seq: int | None
    state: DeliveryState
    attempts: int
    status_code: int | None
    error: str | None
    milliseconds: int | None
    created_at: datetime
    attempted_at: datetime | None
