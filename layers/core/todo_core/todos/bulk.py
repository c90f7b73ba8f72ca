"""Operations on all todos that filters select. They work in chunks: the user's other changes wait for a chunk."""

from typing import Final

from todo_core.actors import Actor
from todo_core.database.executor import Executor
from todo_core.todos import queries
from todo_core.todos.filters import Filters

_MAX_PER_STATEMENT: Final = 5_000
"""The most todos that one statement selects. It takes about a second for this many."""


async def delete(db: Executor, actor: Actor, filters: Filters) -> None:
    """Puts the user's todos that meet the filters into the trash. Todos that are there keep their time of deletion.

    After an interruption, another call deletes the remaining todos.
    """
    statement, moment = queries.delete_some(frozenset(filters.conditions)), None
    while True:
        # All chunks set the same `deleted_at`, because restoring a todo restores only subtodos with the same value.
        deleted = await db.write(
            statement,
            user_id=actor.user_id,
            actor=actor.signature,
            limit=_MAX_PER_STATEMENT,
            moment=moment,
            **filters.values,
        )
        assert deleted is not None  # noqa: S101 - an aggregate without GROUP BY returns one row
        if deleted["number"] < _MAX_PER_STATEMENT:
            return
        moment = deleted["moment"]


async def restore(db: Executor, actor: Actor, filters: Filters) -> None:
    """Takes the user's todos that meet the filters out of the trash, with the subtodos that were deleted with them.

    A parent comes before its subtodos, so that they find their place below it. After an interruption, another call
    restores the remaining todos.
    """
    statement, number = queries.restore_some(frozenset(filters.conditions)), 1
    while number:
        restored = await db.write(
            statement, user_id=actor.user_id, actor=actor.signature, limit=_MAX_PER_STATEMENT, **filters.values
        )
        assert restored is not None  # noqa: S101 - an aggregate without GROUP BY returns one row
        number = restored["number"]
