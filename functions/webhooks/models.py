"""Responses of the routes of webhooks."""

from datetime import datetime
from typing import ClassVar, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from todo_core.webhooks.model import DeliveryState, DisabledReason, Event

_WEBHOOK_EXAMPLE: Final[dict[str, JsonValue]] = {
    "id": "0198c5a2-3c00-7d2c-9d2b-0b1e6a7c9f77",
    "url": "https://hooks.example.com/todos",
    "events": ["todo.created", "todo.completed"],
    "description": "Chat of the team",
    "enabled": True,
    "disabled_reason": None,
    "failing_since": None,
    "next_attempt_at": None,
    "previous_secret_until": None,
    "created_at": "2030-01-01T08:00:00Z",
    "updated_at": "2030-01-01T08:00:00Z",
}
_DELIVERY_EXAMPLE: Final[dict[str, JsonValue]] = {
    "id": "0198c5a2-4d10-7b3e-8c55-2f4d0c9e1a88",
    "message_id": "msg_0198c5a23c007d2c9d2b0b1e6a7c9f77_7",
    "event": "todo.created",
    "seq": 7,
    "state": "retrying",
    "attempts": 2,
    "status_code": 503,
    "error": "The receiver answered 503",
    "milliseconds": 118,
    "created_at": "2030-01-01T08:00:01Z",
    "attempted_at": "2030-01-01T08:00:24Z",
}


class WebhookRead(BaseModel):
    """A webhook. While its receiver fails, `failing_since` and `next_attempt_at` are set.

    `disabled_reason` is `owner`, `gone` (the receiver answered 410) or `failing` (for three days).
    """

    model_config: ClassVar = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_WEBHOOK_EXAMPLE]})

    id: UUID
    url: str
    events: list[Event] | None = Field(description="The events that are sent, or null for all.")
    description: str | None
    enabled: bool
    disabled_reason: DisabledReason | None
    failing_since: datetime | None
    next_attempt_at: datetime | None
    previous_secret_until: datetime | None = Field(description="The time until which the previous secret signs too.")
    created_at: datetime
    updated_at: datetime


class WebhookSecretRead(WebhookRead):
    """A webhook with its new secret, which no other response has. Receivers verify signatures with it."""

    model_config: ClassVar = ConfigDict(
        json_schema_extra={"examples": [_WEBHOOK_EXAMPLE | {"secret": f"whsec_{43 * 'x'}="}]}
    )

    secret: str


class DeliveryRead(BaseModel):
    """A message to a webhook, and the result of the latest attempt to send it.

    `message_id` is the header `webhook-id`. `seq` is the number of the change, and null for a test. `status_code` is
    null without an answer; `error` then says why.
    """

    model_config: ClassVar = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_DELIVERY_EXAMPLE]})

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
