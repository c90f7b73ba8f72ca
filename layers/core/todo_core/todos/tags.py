"""The tags of a user's todos. A tag exists as long as a todo outside the trash has it."""

from uuid import UUID

from msgspec import Struct

from todo_core.database.executor import Executor
from todo_core.database.statements import Statement
from todo_core.todos.listed import LAST_SEQ, Listed

_SELECT_PAGE = Statement(f"""
    SELECT tag AS name, count(*), folded(tag) AS key, {LAST_SEQ} FROM todos, unnest(tags) AS tag
    WHERE user_id = :user_id AND deleted_at IS NULL
        AND (folded(tag) COLLATE "C", tag COLLATE "C") > (:after_key, :after_name)
    GROUP BY tag ORDER BY folded(tag) COLLATE "C", tag COLLATE "C" LIMIT :limit
""")  # noqa: S608 - constants


class TagCount(Struct, frozen=True):
    """A tag and the number of the user's todos outside the trash that have it.

    Tags are sorted by `key`, which is the name without case and accents, then by name.
    """

    name: str
    count: int
    key: str


async def find(db: Executor, user_id: UUID, *, limit: int, after: tuple[str, str] | None = None) -> Listed[TagCount]:
    """Returns at most `limit` of the user's tags, sorted by key, then by name.

    `after` is the key and the name of the last tag on the page before.
    """
    key, name = after or ("", "")
    rows = await db.fetch_all(_SELECT_PAGE, user_id=user_id, limit=limit, after_key=key, after_name=name)
    return Listed([TagCount(*row[:-1]) for row in rows], rows[0]["last_seq"] if rows else None)
