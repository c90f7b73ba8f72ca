"""Lists, renames and deletes conversations, and reads their messages and turns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from todo_assistant.errors import ConversationNotFound
from todo_assistant.turns import store
from todo_assistant.turns.model import ToolCall, Turn
from todo_core.database.byte_pages import MAX_PAGE_BYTES, drop_row_after_page, end_by_bytes
from todo_core.database.executor import Executor, Row
from todo_core.database.statements import Statement


@dataclass(frozen=True, slots=True)
class Conversation:
    id: UUID
    title: str
    created_at: datetime
    active_at: datetime


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a conversation: the user's, or the assistant's answer with all tool calls of the turn."""

    id: UUID
    conversation_id: UUID
    turn_id: UUID
    role: Literal["user", "assistant"]
    content: str
    tool_calls: Sequence[ToolCall]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class MessagePage:
    """A page of messages, newest first. `has_more` is true if older messages follow."""

    messages: Sequence[Message]
    has_more: bool


@dataclass(frozen=True, slots=True)
class MessagePosition:
    """The place of a message in a conversation: its turn, and 1 for the user's message or 2 for the answer."""

    turn_id: UUID
    part: int


_COLUMNS = "id, title, created_at, active_at"
_SELECT_PAGE = Statement(f"""
    SELECT {_COLUMNS} FROM conversations
    WHERE user_id = :user_id AND (active_at, id) < (
        coalesce(CAST(:active_at AS timestamptz), 'infinity'), coalesce(CAST(:id AS uuid), :last_id))
    ORDER BY active_at DESC, id DESC LIMIT CAST(:limit AS int)
""")  # noqa: S608 - names of columns
_FIND_LATEST = Statement(
    "SELECT id FROM conversations WHERE user_id = :user_id ORDER BY active_at DESC, id DESC LIMIT 1"
)
_FIND_CONVERSATION = Statement("SELECT id FROM conversations WHERE id = :conversation_id AND user_id = :user_id")
_RENAME = Statement(f"""
    UPDATE conversations SET title = :title WHERE id = :conversation_id AND user_id = :user_id RETURNING {_COLUMNS}
""")  # noqa: S608 - names of columns
_DELETE = Statement("DELETE FROM conversations WHERE id = :conversation_id AND user_id = :user_id RETURNING id")
# Each turn has two messages, the user's and the assistant's. The assistant's is left out until the turn has a final
# response or a model response (a row of `rounds`). Its size includes that of the turn's tool calls.
_SELECT_MESSAGES = Statement(
    end_by_bytes(
        """
        SELECT message.id, turns.conversation_id, turns.id AS turn_id, part, role, content, message.created_at
        FROM turns CROSS JOIN LATERAL (VALUES
            (message_id, 1, 'user', message, created_at),
            (reply_id, 2, 'assistant', response, coalesce(finished_at, created_at))
        ) AS message (id, part, role, content, created_at)
        WHERE turns.user_id = :user_id AND turns.conversation_id = :conversation_id
            AND turns.id <= :turn_id AND (turns.id, part) < (:turn_id, CAST(:part AS int))
            AND (part = 1 OR response IS NOT NULL OR EXISTS (SELECT FROM rounds WHERE rounds.turn_id = turns.id))
        ORDER BY turns.id DESC, part DESC LIMIT CAST(:limit AS int)
        """,
        """coalesce(octet_length(content), 0) + CASE WHEN part = 1 THEN 0 ELSE coalesce((
            SELECT sum(octet_length(arguments) + coalesce(octet_length(CAST(result AS text)), 0))
            FROM tool_calls WHERE tool_calls.turn_id = sorted_rows.turn_id
        ), 0) END""",
        order_by="turn_id DESC, part DESC",
    )
)
_SELECT_TURNS_BEFORE = Statement(f"""
    SELECT {store.COLUMNS} FROM turns
    WHERE user_id = :user_id AND conversation_id = :conversation_id AND id < :turn_id
    ORDER BY id DESC LIMIT CAST(:limit AS int)
""")  # noqa: S608 - names of columns
_MAX_UUID = UUID(int=2**128 - 1)


async def list_page(
    db: Executor, user_id: UUID, *, limit: int, after: tuple[datetime, UUID] | None = None
) -> list[Conversation]:
    """Returns at most `limit` conversations, the most recently active first.

    `after` holds the `active_at` and the id of the last conversation on the page before.
    """
    active_at, conversation_id = after or (None, None)
    rows = await db.fetch_all(
        _SELECT_PAGE, user_id=user_id, active_at=active_at, id=conversation_id, last_id=_MAX_UUID, limit=limit
    )
    return [Conversation(*row) for row in rows]


async def rename(db: Executor, user_id: UUID, conversation_id: UUID, title: str) -> Conversation:
    """Renames a conversation and returns it. Raises ConversationNotFound."""
    row = await db.write(_RENAME, conversation_id=conversation_id, user_id=user_id, title=title)
    if row is None:
        raise ConversationNotFound
    return Conversation(*row)


async def delete(db: Executor, user_id: UUID, conversation_id: UUID) -> None:
    """Deletes a conversation with its turns, but neither todos nor the change log. Raises ConversationNotFound."""
    if await db.write(_DELETE, conversation_id=conversation_id, user_id=user_id) is None:
        raise ConversationNotFound


async def messages(
    db: Executor, user_id: UUID, conversation_id: UUID | None, *, limit: int, before: MessagePosition | None = None
) -> MessagePage:
    """Returns at most `limit` messages of a conversation before a position, newest first.

    A page may be shorter: it has at most 512 KB of texts and tool calls, but for a single message. Without
    `conversation_id` reads the most recently active conversation, if the user has any. Raises ConversationNotFound.
    """
    if conversation_id is None:
        latest = await db.fetch_one(_FIND_LATEST, user_id=user_id)
        if latest is None:
            return MessagePage([], has_more=False)
        conversation_id = latest["id"]
    elif await db.fetch_one(_FIND_CONVERSATION, conversation_id=conversation_id, user_id=user_id) is None:
        raise ConversationNotFound
    position = before or MessagePosition(_MAX_UUID, 1)
    rows = await db.fetch_all(
        _SELECT_MESSAGES,
        user_id=user_id,
        conversation_id=conversation_id,
        turn_id=position.turn_id,
        part=position.part,
        limit=limit + 1,
        max_bytes=MAX_PAGE_BYTES,
    )
    has_more = drop_row_after_page(rows, limit, MAX_PAGE_BYTES)
    answered = [row["turn_id"] for row in rows if row["role"] == "assistant"]
    calls = await store.load_tool_calls(db, answered, with_extras=False)
    return MessagePage([_message_from_row(row, calls) for row in rows], has_more)


async def turns_before(db: Executor, turn: Turn, *, limit: int) -> list[Turn]:
    """Returns the last turns before this turn in its conversation, at most `limit`, newest first."""
    rows = await db.fetch_all(
        _SELECT_TURNS_BEFORE, user_id=turn.user_id, conversation_id=turn.conversation_id, turn_id=turn.id, limit=limit
    )
    earlier_turns = [store.turn_from_row(row) for row in rows]
    await store.load_model_responses(db, earlier_turns)
    return earlier_turns


def _message_from_row(row: Row, calls: Mapping[UUID, Sequence[ToolCall]]) -> Message:
    """Returns the message of a row. An assistant's message gets the tool calls of its turn from `calls`."""
    return Message(
        id=row["id"],
        conversation_id=row["conversation_id"],
        turn_id=row["turn_id"],
        role=row["role"],
        content=row["content"] or "",
        tool_calls=calls.get(row["turn_id"], ()) if row["role"] == "assistant" else (),
        created_at=row["created_at"],
    )
