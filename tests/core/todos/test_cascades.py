"""A cascade costs the same for each subtodo, however often the tree was changed in the transaction."""

import pytest

from tests.core.databases import add_user, open_database, run
from todo_core.actors import Actor
from todo_core.database.executor import Transaction
from todo_core.database.statements import Statement
from todo_core.todos import operations
from todo_core.todos.model import TodoCreate

pytestmark = pytest.mark.pooler

SELECT_READ_ROWS = Statement("""
    SELECT idx_tup_fetch + seq_tup_read AS rows FROM pg_stat_xact_user_tables WHERE relname = 'todos'
""")
SUBTODOS = 100
REPETITIONS = 5


async def count_read_rows(transaction: Transaction) -> int:
    row = await transaction.fetch_one(SELECT_READ_ROWS)
    assert row is not None
    return int(row["rows"])


def test_deleting_and_restoring_a_tree_reads_at_most_ten_rows_per_subtodo(database_url: str) -> None:
    actor = Actor(add_user(database_url))

    async def scenario() -> list[int]:
        async with open_database(database_url) as db:
            root = await operations.add(db, actor, TodoCreate(title="Root"))
            async with db.transaction() as transaction:
                for number in range(SUBTODOS):
                    await operations.add(transaction, actor, TodoCreate(title=str(number), parent_id=root.id))
            counts = []
            async with db.transaction() as transaction:
                for _ in range(REPETITIONS):
                    before = await count_read_rows(transaction)
                    await operations.delete(transaction, actor, root.id)
                    await operations.restore(transaction, actor, root.id)
                    counts.append(await count_read_rows(transaction) - before)
            return counts

    assert max(run(scenario())) <= 10 * SUBTODOS
