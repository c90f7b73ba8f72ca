"""Requests of AG-UI: the `RunAgentInput` that `HttpAgent` of the npm package `@ag-ui/client` sends."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, WithJsonSchema
from pydantic.alias_generators import to_camel

from functions.chat.front_ends.input import (
    MAX_MESSAGES,
    ApprovalAnswer,
    ChatId,
    UserMessage,
    refuse,
    validate,
    validate_text,
)
from todo_core.times import TimeZoneName

_MAX_ANSWERS: Final = 100
_MESSAGE_SCHEMA: Final = {
    "type": "object",
    "required": ["id", "role"],
    "properties": {
        "id": {"type": "string"},
        "role": {"enum": ["developer", "system", "assistant", "user", "tool", "activity", "reasoning"]},
        "content": {},
    },
}


class _Message(BaseModel):
    id: ChatId
    content: str | list[dict[str, Any]]


class _Approved(BaseModel):
    approved: Annotated[bool, Field(strict=True)]


class ResumeEntry(BaseModel):
    """The answer to an interrupt. `cancelled` refuses; `resolved` has the payload `{"approved": true}` or `false`."""

    model_config: ClassVar = ConfigDict(alias_generator=to_camel)

    interrupt_id: ChatId
    status: Literal["resolved", "cancelled"]
    payload: Any = None


class _ForwardedProps(BaseModel):
    timezone: TimeZoneName | None = None


_MESSAGE: Final = TypeAdapter(_Message)
_APPROVED: Final = TypeAdapter(_Approved)
_PROPS: Final = TypeAdapter(_ForwardedProps)
_TEXT: Final = TypeAdapter[str](str)


class RunAgentInput(BaseModel):
    """The input of an AG-UI agent. Only the last user message counts, or `resume`. Tools and state are ignored."""

    model_config: ClassVar = ConfigDict(
        alias_generator=to_camel,
        json_schema_extra={
            "examples": [
                {
                    "threadId": "0198c5a1-8f00-7d2a-9e10-0a2b4c6d8e10",
                    "runId": "0198c5a1-9000-7c11-8a70-5b1f0d2e3c44",
                    "messages": [{"id": "1", "role": "user", "content": "add buy milk"}],
                }
            ]
        },
    )

    thread_id: ChatId = Field(description="The id of the thread. A UUID is also the `conversation_id`.")
    run_id: ChatId
    messages: Annotated[
        list[Any],
        Field(max_length=MAX_MESSAGES),
        WithJsonSchema({"type": "array", "maxItems": MAX_MESSAGES, "items": _MESSAGE_SCHEMA}),
    ]
    resume: list[ResumeEntry] | None = Field(default=None, max_length=_MAX_ANSWERS)
    forwarded_props: Any = Field(default=None, description='May hold `{"timezone": "Europe/Berlin"}`.')

    @property
    def timezone(self) -> str | None:
        """The time zone of the turn. Raises RequestValidationError for one that does not exist."""
        if not isinstance(self.forwarded_props, dict):
            return None
        return validate(_PROPS, self.forwarded_props, ("forwardedProps",)).timezone

    @property
    def known_messages(self) -> Sequence[dict[str, Any]]:
        """The messages that the client has, for a snapshot that leaves out some of them."""
        return [message for message in self.messages if isinstance(message, dict)]

    def read_input(self) -> UserMessage | ApprovalAnswer:
        """Returns the last user message, or the answer to an interrupt. Raises RequestValidationError."""
        if self.resume:
            return self._read_answer(self.resume[-1], ("resume", len(self.resume) - 1))
        for index in reversed(range(len(self.messages))):
            raw = self.messages[index]
            if isinstance(raw, dict) and raw.get("role") == "user":
                return self._read_message(raw, ("messages", index))
        raise refuse("no_message", "The list has no message of the user", ("messages",))

    def _read_message(self, raw: dict[str, Any], path: tuple[str | int, ...]) -> UserMessage:
        message = validate(_MESSAGE, raw, path)
        place = (*path, "content")
        if isinstance(message.content, str):
            return UserMessage(message.id, validate_text(message.content, place))
        if any(part.get("type") != "text" for part in message.content):
            raise refuse("text_only", "The assistant reads text only", place)
        text = "\n".join(validate(_TEXT, part.get("text"), place) for part in message.content)
        return UserMessage(message.id, validate_text(text, place))

    def _read_answer(self, entry: ResumeEntry, path: tuple[str | int, ...]) -> ApprovalAnswer:
        if entry.status == "cancelled":
            return ApprovalAnswer(entry.interrupt_id, approved=False)
        payload = validate(_APPROVED, entry.payload, (*path, "payload"))
        return ApprovalAnswer(entry.interrupt_id, payload.approved)
