"""Requests of the AI SDK: the body that `useChat` of the npm package `ai` sends."""

from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, WithJsonSchema

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

_MESSAGE_SCHEMA: Final = {
    "type": "object",
    "required": ["id", "role", "parts"],
    "properties": {
        "id": {"type": "string"},
        "role": {"enum": ["system", "user", "assistant"]},
        "parts": {"type": "array", "items": {"type": "object"}},
    },
}


class _Message(BaseModel):
    id: ChatId
    role: Literal["user", "assistant"]
    parts: list[dict[str, Any]] = Field(max_length=1_000)


class _Answer(BaseModel):
    id: ChatId
    approved: Annotated[bool, Field(strict=True)]


_MESSAGE: Final = TypeAdapter(_Message)
_ANSWER: Final = TypeAdapter(_Answer)
_TEXT: Final = TypeAdapter[str](str)


class AiSdkRequest(BaseModel):
    """The body that `useChat` sends. Only the last message counts, or the one named by `messageId`."""

    model_config: ClassVar = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "Xk2J8sVb0qLmT4cR",
                    "messages": [
                        {"id": "a8Vw2nQe7ZrYp1Ds", "role": "user", "parts": [{"type": "text", "text": "add buy milk"}]}
                    ],
                    "trigger": "submit-message",
                }
            ]
        }
    )

    id: ChatId = Field(description="The id of the chat. A UUID is also the `conversation_id`.")
    messages: Annotated[
        list[Any],
        Field(min_length=1, max_length=MAX_MESSAGES),
        WithJsonSchema({"type": "array", "minItems": 1, "maxItems": MAX_MESSAGES, "items": _MESSAGE_SCHEMA}),
    ]
    trigger: Literal["submit-message", "regenerate-message"] = "submit-message"
    message_id: str | None = Field(default=None, alias="messageId")
    timezone: TimeZoneName | None = Field(default=None, description="The account's if left out.")

    def read_input(self) -> UserMessage | ApprovalAnswer:
        """Returns the message, or the answer to an approval. Raises RequestValidationError."""
        index = self._find_message()
        path = ("messages", index)
        message = validate(_MESSAGE, self.messages[index], path)
        if message.role == "user":
            if any(part.get("type") == "file" for part in message.parts):
                raise refuse("text_only", "The assistant reads text only", (*path, "parts"))
            texts = [part.get("text") for part in message.parts if part.get("type") == "text"]
            text = "\n".join(validate(_TEXT, text, (*path, "parts")) for text in texts)
            return UserMessage(message.id, validate_text(text, (*path, "parts")))
        answered = [part for part in message.parts if part.get("state") == "approval-responded"]
        if not answered:
            raise refuse("no_message", "The last message is none of the user's, and answers no approval", path)
        answer = validate(_ANSWER, answered[-1].get("approval"), (*path, "parts", "approval"))
        calls = [call for part in answered if isinstance(call := part.get("toolCallId"), str)]
        return ApprovalAnswer(answer.id, approved=answer.approved, calls=calls)

    def _find_message(self) -> int:
        """Returns the index of the message that an approval or an edit names, or else that of the last message."""
        if self.message_id is not None and self.trigger == "submit-message":
            for index, message in enumerate(self.messages):
                if isinstance(message, dict) and message.get("id") == self.message_id:
                    return index
        return len(self.messages) - 1
