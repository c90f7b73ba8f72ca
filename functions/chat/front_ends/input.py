"""The part of a front end's request that counts: its last message, or the answer to an approval.

Clients send the whole conversation. All but this part is ignored: the service has its own history of each conversation.
"""

from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Annotated, Any, Final, NamedTuple
from uuid import UUID

from fastapi.exceptions import RequestValidationError
from pydantic import Field, TypeAdapter, ValidationError

from functions.chat.models import MessageText
from functions.chat.running import answer_or_load
from todo_assistant.assistant import Assistant
from todo_assistant.errors import TurnNotFound
from todo_assistant.turns.model import NewTurn, Turn
from todo_core.web.identity import SignedInUser

MAX_MESSAGES: Final = 5_000
_MAX_ID_CHARACTERS: Final = 200
_UUID_CHARACTERS: Final = 36
_KEY_LIFETIME: Final = timedelta(days=36_500)
"""A message takes effect once, also if it is sent again after years: its client keeps the id for so long."""

ChatId = Annotated[str, Field(min_length=1, max_length=_MAX_ID_CHARACTERS)]
_MESSAGE_TEXT: Final = TypeAdapter[str](MessageText)

type Path = tuple[str | int, ...]
"""The place of a value in the body."""


class UserMessage(NamedTuple):
    """A message of the user. Its id is that of the client."""

    id: str
    text: str


class ApprovalAnswer(NamedTuple):
    """The answer to the approval `approval_id`, which covers all tool calls of one round.

    `calls` has the ids of these calls as the client knows them.
    """

    approval_id: str
    approved: bool
    calls: Sequence[str] = ()


class OpenedTurn(NamedTuple):
    """A turn to stream. The client has all events up to those of `after_round`: 0 unless it answered an approval."""

    turn: Turn
    after_round: int = 0
    answered_calls: Sequence[str] = ()


def identify_conversation(user_id: UUID, chat_id: str) -> UUID:
    """Returns the id of the conversation that a client calls `chat_id`.

    A UUID is used as it is. Any other text gives a UUID of version 8 made of a hash, another one for each user.
    """
    if len(chat_id) == _UUID_CHARACTERS:
        try:
            return UUID(chat_id)
        except ValueError:
            pass
    digest = sha256(user_id.bytes + chat_id.encode(errors="surrogatepass")).digest()
    version_and_variant = 8 << 76 | 2 << 62
    return UUID(int=int.from_bytes(digest[:16]) & ~(15 << 76 | 3 << 62) | version_and_variant)


def format_approval_id(turn: Turn) -> str:
    """Returns the id of the approval that a turn waits for: the turn and the round of its tool calls."""
    return f"{turn.id}.{turn.approval.round}" if turn.approval else ""


async def open_turn(
    assistant: Assistant, user: SignedInUser, chat_id: str, asked: UserMessage | ApprovalAnswer, timezone: str | None
) -> OpenedTurn:
    """Begins a turn, continues the turn of an approval, or finds the turn of a repeated message.

    Raises the errors of `Assistant.begin` and `answer_or_load`.
    """
    conversation_id = identify_conversation(user.id, chat_id)
    if isinstance(asked, ApprovalAnswer):
        turn_id, round_number = _parse_approval_id(asked.approval_id)
        turn = await answer_or_load(
            assistant, user.id, conversation_id, turn_id, round_number=round_number, approved=asked.approved
        )
        opened = OpenedTurn(turn, round_number, asked.calls)
    else:
        turn = await assistant.begin(user.id, _make_turn(conversation_id, asked, timezone or user.timezone, assistant))
        opened = OpenedTurn(turn)
    turn.token_name = user.token_name
    return opened


def validate[Value](adapter: TypeAdapter[Value], value: object, path: Path) -> Value:
    """Returns the validated value at a place of the body. Raises RequestValidationError."""
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        faults: list[dict[str, Any]] = [{**fault, "loc": ("body", *path, *fault["loc"])} for fault in error.errors()]
        raise RequestValidationError(faults) from None


def validate_text(text: str, path: Path) -> str:
    """Returns the text of a message, which has 1 to 4,000 characters. Raises RequestValidationError."""
    return validate(_MESSAGE_TEXT, text, path)


def refuse(code: str, sentence: str, path: Path) -> RequestValidationError:
    """Returns the error for a value of the body that no schema describes."""
    return RequestValidationError([{"type": code, "loc": ("body", *path), "msg": sentence}])


def _make_turn(conversation_id: UUID, message: UserMessage, timezone: str, assistant: Assistant) -> NewTurn:
    # The text belongs to the key, because a person may edit a message, which keeps its id.
    parts = (str(conversation_id), message.id, message.text)
    digest = sha256("\0".join(parts).encode(errors="surrogatepass")).digest()
    return NewTurn(
        message=message.text,
        conversation_id=conversation_id,
        timezone=timezone,
        model=assistant.model.name,
        # A space, which no Idempotency-Key contains, keeps the two kinds apart.
        idempotency_key=f"message {digest.hex()}",
        digest=digest,
        key_lifetime=_KEY_LIFETIME,
        opens_conversation=True,
    )


def _parse_approval_id(text: str) -> tuple[UUID, int]:
    """Returns the turn and the round of an approval. Raises TurnNotFound."""
    turn_id, _, number = text.rpartition(".")
    try:
        return UUID(turn_id), min(int(number), 2**31 - 1)
    except ValueError:
        raise TurnNotFound from None
