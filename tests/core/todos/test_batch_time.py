"""The time of a batch is bounded, because cascades may change many todos in each of its operations."""

import pytest

from tests import postgres
from tests.core.databases import add_user, open_database, run
from todo_core.actors import Actor
from todo_core.database.statements import Statement
from todo_core.todos import batch
from todo_core.todos.batch_models import (
    Batch,
    CreateOperation,
    NewTodo,
    TodoChanges,
    UpdateOperation,
    convert_ref_to_id,
)
from todo_core.todos.errors import BatchTooLarge

CREATE = CreateOperation(op="create", ref="todo", todo=NewTodo(title="Buy milk"))
UPDATES = [
    UpdateOperation(op="update", id=convert_ref_to_id("todo"), changes=TodoChanges(title=f"Buy milk {number}"))
    for number in range(99)
]
BATCH = Batch(operations=[CREATE, *UPDATES])
ONE = Statement("SELECT 1")


def test_one_operation_that_waits_for_a_stalled_network_does_not_make_the_batch_too_large(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = Actor(add_user(database_url), "user")
    clock = iter([0.0, 60.0, *(60.0 + number for number in range(6))])
    monkeypatch.setattr(batch, "monotonic", lambda: next(clock))

    async def scenario() -> None:
        async with open_database(database_url, pool_size=1) as db:
            await batch.run_batch(db, ada, Batch(operations=BATCH.operations[:4]))

    run(scenario())
    stored = postgres.query(database_url, "SELECT title, version FROM todos WHERE user_id = $1", ada.user_id)
    assert [tuple(row) for row in stored] == [("Buy milk 2", 4)]


def test_a_batch_that_takes_too_long_changes_nothing(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = Actor(add_user(database_url), "user")
    monkeypatch.setattr(batch, "_MAX_SECONDS", 0)

    async def scenario() -> None:
        async with open_database(database_url, pool_size=1) as db:
            with pytest.raises(BatchTooLarge):
                await batch.run_batch(db, ada, BATCH)
            # The connection is free again.
            assert await db.fetch_one(ONE) is not None

    run(scenario())
    assert postgres.query(database_url, "SELECT FROM todos WHERE user_id = $1", ada.user_id) == []
