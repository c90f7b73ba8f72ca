"""The tags of a user's todos. A tag exists as long as a todo outside the trash has it.

Tags are one without regard to case, in the spelling in which the user has first written them.
"""

from typing import Final
from uuid import UUID

from msgspec import Struct

from todo_core.actors import SET_ACTOR, Actor
from todo_core.database.executor import Executor, Transaction
from todo_core.database.statements import Statement
from todo_core.schema.sort_keys import TERMS
from todo_core.todos.changes import lock_log, log_tag, undo_turn
from todo_core.todos.errors import TagChangeNotFound, TagNotFound, TagTooLarge

MAX_TODOS: Final = 50_000
"""The most todos that one rename or deletion of a tag changes, those in the trash included."""
_MAX_TODOS_PER_STATEMENT: Final = 5_000
"""The most todos that one statement changes. It takes about a second for this many."""

# Todos that were written by older versions may have several spellings of a tag. Then the most frequent one is its name.
_SELECT_PAGE = Statement("""
    SELECT (array_agg(tag ORDER BY number DESC, tag COLLATE "C"))[1] AS name, sum(number)::bigint AS count,
        min(folded(tag)) AS key
    FROM (
        SELECT tag, count(*) AS number FROM todos, unnest(tags) AS tag
        WHERE user_id = :user_id AND deleted_at IS NULL
            AND (folded(tag) COLLATE "C", tag_key(tag) COLLATE "C") > (:after_key, tag_key(:after_name))
        GROUP BY tag
    ) AS spellings
    GROUP BY tag_key(tag) ORDER BY min(folded(tag)) COLLATE "C", tag_key(tag) COLLATE "C" LIMIT :limit
""")
# OFFSET keeps PostgreSQL at the index of terms; it might read all todos of the user instead.
_TAGGED: Final = f"""(
    SELECT id, user_id, tags FROM todos
    WHERE {TERMS} @@ (SELECT terms_asked(:user_id, ARRAY[CAST(:tag AS text)], '', '-')) OFFSET 0
) AS tagged WHERE user_id = :user_id"""  # noqa: S608 - constants, as all below
_SELECT_SPELLING = Statement("""
    SELECT CASE WHEN tag_key(:new_tag) = tag_key(:tag) THEN :new_tag
        ELSE (spell_tags(:user_id, ARRAY[CAST(:new_tag AS text)]))[1] END AS spelling
""")
_FORGET = Statement("DELETE FROM known_tags WHERE user_id = :user_id AND tag_key(tag) = tag_key(:tag) RETURNING tag")
_RETAGGED: Final = "retagged(tags, tag_key(:tag), CAST(:new_tag AS text))"
_RETAG = Statement(f"""
    WITH chosen AS (
        SELECT id FROM {_TAGGED} AND tags IS DISTINCT FROM {_RETAGGED} LIMIT :limit
    ), changed AS (
        UPDATE todos SET tags = {_RETAGGED}, version = version + 1, updated_at = now()
        WHERE id IN (SELECT id FROM chosen) RETURNING {SET_ACTOR}
    )
    SELECT count(*) AS number FROM changed
""")  # noqa: S608
_SELECT_ANY = Statement(f"SELECT id FROM {_TAGGED} LIMIT 1")  # noqa: S608
_SELECT_SOME = Statement(f"SELECT id FROM {_TAGGED} LIMIT :limit")  # noqa: S608
_COUNT_CHANGED = Statement("""
    SELECT count(DISTINCT todo_id) AS number FROM change_log
    WHERE user_id = :user_id AND turn_id = :turn_id AND actor IN ('user', 'token')
""")


class TagCount(Struct, frozen=True):
    """A tag and the number of the user's todos outside the trash that have it.

    Tags are sorted by `key`, which is the name without case and accents, then by name without case.
    """

    name: str
    count: int
    key: str


class UndoneTagChange(Struct, frozen=True):
    """The numbers of todos that an undo restored, and of those that it left alone as they were changed since."""

    undone: int
    conflicts: int


async def find(db: Executor, user_id: UUID, *, limit: int, after: tuple[str, str] | None = None) -> list[TagCount]:
    """Returns at most `limit` of the user's tags, sorted by key, then by name.

    `after` is the key and the name of the last tag on the page before.
    """
    key, name = after or ("", "")
    rows = await db.fetch_all(_SELECT_PAGE, user_id=user_id, limit=limit, after_key=key, after_name=name)
    return [TagCount(*row) for row in rows]


async def find_todos(db: Executor, user_id: UUID, tag: str, *, limit: int) -> list[UUID]:
    """Returns the ids of at most `limit` of the user's todos that have the tag, those in the trash included."""
    return [row["id"] for row in await db.fetch_all(_SELECT_SOME, user_id=user_id, tag=tag, limit=limit)]


async def rename(transaction: Transaction, actor: Actor, tag: str, new_tag: str) -> TagCount:
    """Renames a tag in all todos, those in the trash included. Merges it with the new tag if that one exists.

    Returns the new tag in its spelling, with the number of changed todos. Raises TagNotFound and TagTooLarge.
    """
    await lock_log(transaction, actor.user_id)
    row = await transaction.fetch_one(_SELECT_SPELLING, user_id=actor.user_id, tag=tag, new_tag=new_tag)
    assert row is not None  # noqa: S101 - a SELECT without FROM returns one row
    return TagCount(row["spelling"], await _retag(transaction, actor, tag, row["spelling"]), "")


async def delete(transaction: Transaction, actor: Actor, tag: str) -> int:
    """Removes a tag from all todos, those in the trash included, and returns their number.

    Raises TagNotFound and TagTooLarge.
    """
    await lock_log(transaction, actor.user_id)
    return await _retag(transaction, actor, tag, None)


async def undo(transaction: Transaction, actor: Actor, turn_id: UUID) -> UndoneTagChange:
    """Puts back the tags that a rename or a deletion with this turn id has changed. Raises TagChangeNotFound."""
    await lock_log(transaction, actor.user_id)
    row = await transaction.fetch_one(_COUNT_CHANGED, user_id=actor.user_id, turn_id=turn_id)
    if row is None or row["number"] == 0:
        raise TagChangeNotFound
    undone = len(await undo_turn(transaction, actor, turn_id))
    return UndoneTagChange(undone, row["number"] - undone)


async def _retag(transaction: Transaction, actor: Actor, tag: str, new_tag: str | None) -> int:
    """Replaces a tag in all todos, or removes it if the new one is None. Returns the number of changed todos."""
    # First, so that the new tag takes the place of the old one in the quota.
    forgotten = await transaction.write(_FORGET, user_id=actor.user_id, tag=tag)
    values = {"user_id": actor.user_id, "actor": actor.signature, "tag": tag, "new_tag": new_tag}
    changed, number = 0, _MAX_TODOS_PER_STATEMENT
    while number == _MAX_TODOS_PER_STATEMENT:
        row = await transaction.fetch_one(_RETAG, **values, limit=_MAX_TODOS_PER_STATEMENT)
        assert row is not None  # noqa: S101 - an aggregate without GROUP BY returns one row
        number = row["number"]
        changed += number
        if changed > MAX_TODOS:
            raise TagTooLarge
    if changed == 0 and await transaction.fetch_one(_SELECT_ANY, user_id=actor.user_id, tag=tag) is None:
        raise TagNotFound
    if changed:
        await log_tag(transaction, actor, forgotten["tag"] if forgotten else tag, new_tag)
    return changed
