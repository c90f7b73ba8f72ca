"""The time of a batch is bounded, because cascades may change many todos in each of its operations."""

from uuid import uuid4

import pytest

from tests import postgres
from tests.core.databases import add_user, open_database, run
from todo_core.actors import Actor
from todo_core.database.statements import Statement
from todo_core.todos import batch
from todo_core.todos.batch_models import Batch, CreateOperation, NewTodo
from todo_core.todos.errors import BatchTooLarge

CREATES = Batch(operations=[CreateOperation(op="create", todo=NewTodo(title=uuid4().hex))] * 100)
ONE = Statement("SELECT 1")


def test_one_operation_that_waits_for_a_stalled_network_does_not_make_the_batch_too_large(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = Actor(add_user(database_url), "user")
    clock = iter([0.0, 60.0, *(60.0 + number for number in range(6))])
    monkeypatch.setattr(batch, "monotonic", lambda: next(clock))

    async def scenario() -> None:
        async with open_database(database_url, pool_size=1) as db:
            await batch.run_batch(db, ada, Batch(operations=CREATES.operations[:4]))

    run(scenario())
    assert len(postgres.query(database_url, "SELECT FROM todos WHERE user_id = $1", ada.user_id)) == 4


def test_a_batch_that_takes_too_long_changes_nothing(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = Actor(add_user(database_url), "user")
    monkeypatch.setattr(batch, "_MAX_SECONDS", 0)

    async def scenario() -> None:
        async with open_database(database_url, pool_size=1) as db:
            with pytest.raises(BatchTooLarge):
                await batch.run_batch(db, ada, CREATES)
            # The connection is free again.
            assert await db.fetch_one(ONE) is not None

    run(scenario())
    assert postgres.query(database_url, "SELECT FROM todos WHERE user_id = $1", ada.user_id) == []
