"""Requests and responses of the routes of reminders."""

from collections.abc import Callable
from datetime import datetime, time
from typing import Annotated, Any, ClassVar, Final, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, StrictBool, model_validator
from pydantic_core import PydanticCustomError

from todo_core.outgoing_urls import MAX_CHARACTERS
from todo_core.reminders.channels import Channels, QuietHours
from todo_core.reminders.push_subscriptions import NewSubscription
from todo_core.web_push_keys import AUTH_BYTES, PUBLIC_KEY_BYTES, decode, is_public_key

_MAX_KEY_CHARACTERS: Final = 100
_CHANNELS_EXAMPLE: Final[dict[str, JsonValue]] = {
    "mail": True,
    "push": True,
    "webhook": True,
    "quiet_hours": {"start": "22:00", "end": "07:00"},
}
_ENDPOINT_EXAMPLE: Final = "https://updates.push.services.example.com/wpush/v2/gAAAAABk"

ClockTime = Annotated[str, Field(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["22:00"])]
"""A time of the day in the user's zone: hours and minutes."""


class QuietHoursFields(BaseModel):
    """Hours in which no reminder is sent, in the user's time zone. They may go over midnight.

    A reminder within them is sent at their end, with both times.
    """

    model_config: ClassVar = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [_CHANNELS_EXAMPLE["quiet_hours"]]}
    )

    start: ClockTime
    end: ClockTime

    @model_validator(mode="after")
    def _require_some_time(self) -> Self:
        if self.start == self.end:
            raise PydanticCustomError("quiet_hours", "Give different times, or null for no quiet hours")
        return self


class ChannelsFields(BaseModel):
    """The channels by which the user gets reminders. All are on until the user chooses.

    Mail goes to a verified email, `push` to browsers with a subscription, and `webhook` to webhooks for `reminder.due`.
    In any case a reminder is a change with the operation `reminder`.
    """

    model_config: ClassVar = ConfigDict(extra="forbid", json_schema_extra={"examples": [_CHANNELS_EXAMPLE]})

    mail: StrictBool
    push: StrictBool
    webhook: StrictBool
    quiet_hours: QuietHoursFields | None

    @classmethod
    def of(cls, channels: Channels) -> Self:
        quiet = channels.quiet_hours
        hours = None if quiet is None else QuietHoursFields(start=f"{quiet.start:%H:%M}", end=f"{quiet.end:%H:%M}")
        return cls(mail=channels.mail, push=channels.push, webhook=channels.webhook, quiet_hours=hours)

    def to_channels(self) -> Channels:
        quiet, hours = self.quiet_hours, None
        if quiet is not None:
            hours = QuietHours(time.fromisoformat(quiet.start), time.fromisoformat(quiet.end))
        return Channels(self.mail, self.push, self.webhook, hours)


class PushKeyRead(BaseModel):
    """The public key of the service, which a page passes to `pushManager.subscribe` as `applicationServerKey`."""

    model_config: ClassVar = ConfigDict(
        json_schema_extra={
            "examples": [
                {"key": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"}
            ]
        }
    )

    key: str


def _require_public_key(text: str) -> str:
    if not _is_key(text, is_public_key):
        raise PydanticCustomError("p256dh", "Give the public key of the subscription: a point of P-256 in base64url")
    return text


def _require_auth(text: str) -> str:
    if not _is_key(text, lambda key: len(key) == AUTH_BYTES):
        raise PydanticCustomError("auth", f"Give the secret of the subscription: {AUTH_BYTES} bytes in base64url")
    return text


def _is_key(text: str, accepts: Callable[[bytes], bool]) -> bool:
    try:
        return accepts(decode(text))
    except ValueError:
        return False


def _base64url(size: int) -> Any:
    """Returns the bound of a key's text, and the pattern of its bytes for the JSON Schema."""
    pattern = f"^[A-Za-z0-9_-]{{{-(-size * 4 // 3)}}}={{0,2}}$"
    return Field(max_length=_MAX_KEY_CHARACTERS, json_schema_extra={"pattern": pattern})


class PushKeys(BaseModel):
    """The keys of a subscription, as browsers write them: base64url."""

    model_config: ClassVar = ConfigDict(extra="forbid")

    p256dh: Annotated[str, _base64url(PUBLIC_KEY_BYTES), AfterValidator(_require_public_key)]
    auth: Annotated[str, _base64url(AUTH_BYTES), AfterValidator(_require_auth)]


class PushSubscriptionCreate(BaseModel):
    """A subscription of a browser: the result of `subscription.toJSON()`. `expirationTime` is ignored."""

    model_config: ClassVar = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "endpoint": _ENDPOINT_EXAMPLE,
                    "expirationTime": None,
                    "keys": {
                        "p256dh": (
                            "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
                        ),
                        "auth": "BTBZMqHH6r4Tts7J_aSIgg",
                    },
                }
            ]
        },
    )

    endpoint: str = Field(min_length=1, max_length=MAX_CHARACTERS, json_schema_extra={"format": "webhook-url"})
    expiration_time: Annotated[float, Field(allow_inf_nan=False)] | None = Field(default=None, alias="expirationTime")
    keys: PushKeys

    def to_subscription(self) -> NewSubscription:
        return NewSubscription(self.endpoint, decode(self.keys.p256dh), decode(self.keys.auth))


class PushSubscriptionRead(BaseModel):
    """A browser that gets reminders. Its keys are never shown."""

    model_config: ClassVar = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": "0198c5a1-7000-7d2c-9d2b-0b1e6a7c9f44",
                    "endpoint": _ENDPOINT_EXAMPLE,
                    "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                    "created_at": "2030-01-01T08:00:00Z",
                }
            ]
        },
    )

    id: UUID
    endpoint: str
    user_agent: str | None
    created_at: datetime
