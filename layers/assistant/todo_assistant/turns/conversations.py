"""Conversations: listing, renaming and deleting them, and what was said in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from todo_assistant.errors import ConversationNotFound
from todo_assistant.turns import store
from todo_assistant.turns.model import ToolCall, Turn
from todo_core.database.executor import Executor
from todo_core.database.statements import Statement


@dataclass(frozen=True, slots=True)
class Conversation:
    id: UUID
    title: str
    created_at: datetime
    active_at: datetime


@dataclass(frozen=True, slots=True)
class Message:
    """A message: the user's, or the assistant's with the calls that it made."""

    id: UUID
    conversation_id: UUID
    turn_id: UUID
    role: Literal["user", "assistant"]
    content: str
    tool_calls: Sequence[ToolCall]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class MessagePosition:
    """A message's place in a conversation: its turn, and 1 for what the user said or 2 for the answer."""

    turn_id: UUID
    part: int


_COLUMNS = "id, title, created_at, active_at"
_PAGE = Statement(f"""
    SELECT {_COLUMNS} FROM conversations
    WHERE user_id = :user_id AND (active_at, id) < (
        coalesce(CAST(:active_at AS timestamptz), 'infinity'), coalesce(CAST(:id AS uuid), :last_id))
    ORDER BY active_at DESC, id DESC LIMIT CAST(:limit AS int)
""")  # noqa: S608 - names of columns
_LATEST = Statement("SELECT id FROM conversations WHERE user_id = :user_id ORDER BY active_at DESC, id DESC LIMIT 1")
_EXISTS = Statement("SELECT id FROM conversations WHERE id = :conversation_id AND user_id = :user_id")
_RENAME = Statement(f"""
    UPDATE conversations SET title = :title WHERE id = :conversation_id AND user_id = :user_id RETURNING {_COLUMNS}
""")  # noqa: S608 - names of columns
_DELETE = Statement("DELETE FROM conversations WHERE id = :conversation_id AND user_id = :user_id RETURNING id")
_MESSAGES = Statement("""
    SELECT message.id, turns.conversation_id, turns.id AS turn_id, role, content, at AS created_at
    FROM turns CROSS JOIN LATERAL (VALUES
        (message_id, 1, 'user', message, created_at),
        (reply_id, 2, 'assistant', response, coalesce(finished_at, created_at))
    ) AS message (id, part, role, content, at)
    WHERE turns.user_id = :user_id AND turns.conversation_id = :conversation_id
        AND turns.id <= :turn_id AND (turns.id, part) < (:turn_id, CAST(:part AS int))
        AND (part = 1 OR response IS NOT NULL OR EXISTS (SELECT FROM rounds WHERE rounds.turn_id = turns.id))
    ORDER BY turns.id DESC, part DESC LIMIT CAST(:limit AS int)
""")
_TURNS_BEFORE = Statement(f"""
    SELECT {store.COLUMNS} FROM turns
    WHERE user_id = :user_id AND conversation_id = :conversation_id AND id < :turn_id
    ORDER BY id DESC LIMIT CAST(:limit AS int)
""")  # noqa: S608 - names of columns
_LAST_ID = UUID(int=2**128 - 1)
"""Comes after every id."""


async def list_page(
    db: Executor, user_id: UUID, *, limit: int, after: tuple[datetime, UUID] | None = None
) -> list[Conversation]:
    """At most `most` conversations, the most recently active first, after the one that was active then."""
    active_at, conversation_id = after or (None, None)
    rows = await db.fetch_all(
        _PAGE, user_id=user_id, active_at=active_at, id=conversation_id, last_id=_LAST_ID, limit=limit
    )
    return [Conversation(*row) for row in rows]


async def rename(db: Executor, user_id: UUID, conversation_id: UUID, title: str) -> Conversation:
    """Raises ConversationNotFound."""
    row = await db.write(_RENAME, conversation_id=conversation_id, user_id=user_id, title=title)
    if row is None:
        raise ConversationNotFound
    return Conversation(*row)


async def delete(db: Executor, user_id: UUID, conversation_id: UUID) -> None:
    """Forgets what was said. The todos stay, and so does the log of their changes. Raises ConversationNotFound."""
    if await db.write(_DELETE, conversation_id=conversation_id, user_id=user_id) is None:
        raise ConversationNotFound


async def messages(
    db: Executor, user_id: UUID, conversation_id: UUID | None, *, limit: int, before: MessagePosition | None = None
) -> list[Message]:
    """Returns at most `limit` messages before a position, newest first; of the latest conversation if none is named.

    Raises ConversationNotFound.
    """
    if conversation_id is None:
        latest = await db.fetch_one(_LATEST, user_id=user_id)
        if latest is None:
            return []
        conversation_id = latest["id"]
    elif await db.fetch_one(_EXISTS, conversation_id=conversation_id, user_id=user_id) is None:
        raise ConversationNotFound
    place = before or MessagePosition(_LAST_ID, 1)
    rows = await db.fetch_all(
        _MESSAGES,
        user_id=user_id,
        conversation_id=conversation_id,
        turn_id=place.turn_id,
        part=place.part,
        limit=limit,
    )
    calls = await store.load_tool_calls(db, [row["turn_id"] for row in rows if row["role"] == "assistant"])
    return [
        Message(
            id=row["id"],
            conversation_id=row["conversation_id"],
            turn_id=row["turn_id"],
            role=row["role"],
            content=row["content"] or "",
            tool_calls=calls.get(row["turn_id"], ()) if row["role"] == "assistant" else (),
            created_at=row["created_at"],
        )
        for row in rows
    ]


async def turns_before(db: Executor, turn: Turn, *, limit: int) -> list[Turn]:
    """The last `most` turns of the conversation before this one, newest first."""
    rows = await db.fetch_all(
        _TURNS_BEFORE, user_id=turn.user_id, conversation_id=turn.conversation_id, turn_id=turn.id, limit=limit
    )
    found = [store.turn_from_row(row) for row in rows]
    await store.load_model_responses(db, found)
    return found
