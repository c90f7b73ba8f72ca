"""Quotas hold for concurrent writes on several connections, as those of several processes."""

import asyncio
from collections.abc import Awaitable, Callable
from copy import replace
from uuid import UUID

import pytest

from tests.core.databases import add_user, open_database, run
from todo_core.actors import Actor
from todo_core.database.executor import Database
from todo_core.errors import QuotaExceeded
from todo_core.limits import Quotas
from todo_core.todos import operations, projects
from todo_core.todos.model import TodoCreate
from todo_core.todos.projects import ProjectCreate

QUOTAS = Quotas(todos=5, projects=5, tags=5)
TOGETHER = 50


async def add_project(db: Database, actor: Actor, _number: int) -> None:
    await projects.add(db, actor, ProjectCreate(name="Home"))


async def add_todo(db: Database, actor: Actor, _number: int) -> None:
    await operations.add(db, actor, TodoCreate(title="Milk"))


async def add_tag(db: Database, actor: Actor, number: int) -> None:
    await operations.add(db, replace(actor, quotas=Quotas(tags=5)), TodoCreate(title="Milk", tags=[f"tag{number}"]))


@pytest.fixture
def ada(database_url: str) -> UUID:
    return add_user(database_url)


@pytest.mark.parametrize("add", [add_project, add_todo, add_tag])
def test_fifty_concurrent_creates_do_not_pass_a_quota(
    database_url: str, ada: UUID, add: Callable[[Database, Actor, int], Awaitable[None]]
) -> None:
    async def scenario() -> list[None | BaseException]:
        async with open_database(database_url) as db:
            creates = (add(db, Actor(ada, quotas=QUOTAS), number) for number in range(TOGETHER))
            return await asyncio.gather(*creates, return_exceptions=True)

    results = run(scenario())
    assert results.count(None) == 5
    assert {type(result) for result in results if result is not None} == {QuotaExceeded}
