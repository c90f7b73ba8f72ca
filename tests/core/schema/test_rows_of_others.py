"""Statements of one user read no rows of other users: in a large database they cost what they cost in a small one."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from tests import postgres
from tests.core.databases import add_user, connect, run
from todo_assistant.turns import conversations, undo
from todo_core.accounts import api_tokens, passkeys, second_factor, sessions
from todo_core.accounts.api_tokens import TokenMemory
from todo_core.accounts.export import stream_document
from todo_core.actors import Actor
from todo_core.database.executor import Database, Row, Transaction
from todo_core.database.statements import Statement
from todo_core.reminders import channels, push_subscriptions
from todo_core.reminders.channels import Channels
from todo_core.reminders.push_subscriptions import NewSubscription
from todo_core.todos import bulk, changes, counts, operations, project_undo, projects, tags
from todo_core.todos.filters import DueBound, Filters
from todo_core.todos.model import TodoCreate, TodoUpdate
from todo_core.webhooks import deliveries
from todo_core.webhooks import operations as webhooks
from todo_core.webhooks.model import WebhookCreate, WebhookUpdate
from todo_core.webhooks.secrets import WebhookSecrets

OTHERS = 100
ROWS_PER_OTHER = 200
"""The rows of one kind that each other user has. A scan of all of them reads several hundred buffers."""
MAX_BUFFERS = 150
FILL = (
    """
    INSERT INTO users (id, email, email_key, password_hash, timezone)
    SELECT gen_random_uuid(), 'other' || n, 'other' || n, '', 'UTC' FROM generate_series(1, {others}) AS n
    """,
    """
    INSERT INTO todos (id, user_id, title, "order", tags) SELECT gen_random_uuid(), users.id, 'Todo', n, '{{home}}'
    FROM users, generate_series(1, {rows}) AS n
    """,
    """
    INSERT INTO projects (id, user_id, name, "order") SELECT gen_random_uuid(), users.id, 'Home', n
    FROM users, generate_series(1, {rows}) AS n
    """,
    """
    INSERT INTO conversations (id, user_id, title) SELECT gen_random_uuid(), users.id, n
    FROM users, generate_series(1, {rows}) AS n
    """,
    """
    INSERT INTO turns (id, user_id, conversation_id, message_id, reply_id, request_digest, message, timezone, model)
    SELECT gen_random_uuid(), user_id, id, id, id, '', title, 'UTC', 'commands' FROM conversations
    """,
    """
    INSERT INTO rounds (turn_id, number, content, prompt_tokens, completion_tokens, milliseconds)
    SELECT id, 1, '', 0, 0, 0 FROM turns
    """,
    """
    INSERT INTO tool_calls (turn_id, round, position, call_id, name, arguments)
    SELECT turn_id, number, 1, '', 'help', '{{}}' FROM rounds
    """,
    """
    INSERT INTO sessions (id, user_id, expires_at) SELECT gen_random_uuid(), users.id, now() + interval '1 hour'
    FROM users, generate_series(1, {rows}) AS n
    """,
    """
    INSERT INTO assistant_usage (user_id, day) SELECT id, '2030-01-01'::date + n
    FROM users, generate_series(1, {rows}) AS n
    """,
    """
    INSERT INTO outbox (id, user_id, kind, channel, payload)
    SELECT gen_random_uuid(), users.id, 'mail', 'example.com', '{{}}' FROM users, generate_series(1, {rows}) AS n
    """,
    """
    INSERT INTO links (id, user_id, purpose, token_hash, expires_at)
    SELECT gen_random_uuid(), users.id, 'verify_email', uuid_send(gen_random_uuid()), now()
    FROM users, generate_series(1, {rows}) AS n
    """,
    """
    INSERT INTO api_tokens (id, user_id, name, token_hash, scopes)
    SELECT gen_random_uuid(), users.id, 'Phone', uuid_send(gen_random_uuid()), '{{todos:read}}'
    FROM users, generate_series(1, {rows}) AS n
    """,
    """
    INSERT INTO oauth_connections (
        id, user_id, client_id, client_name, client_host, scopes, resource, refresh_family, refresh_hash, expires_at
    )
    SELECT gen_random_uuid(), users.id, 'a', 'Claude', 'claude.ai', '{{todos:read}}', '/mcp',
        uuid_send(gen_random_uuid()), '', now() + interval '1 day'
    FROM users, generate_series(1, {rows}) AS n
    """,
    """
    INSERT INTO push_subscriptions (id, user_id, endpoint, endpoint_hash, p256dh, auth)
    SELECT gen_random_uuid(), users.id, 'https://push.example.com/' || n, uuid_send(gen_random_uuid()), '', ''
    FROM users, generate_series(1, {rows}) AS n
    """,
    """
    INSERT INTO reminder_channels (id, user_id, mail, push, webhook)
    SELECT gen_random_uuid(), id, true, true, true FROM users
    """,
    """
    INSERT INTO passkeys (id, user_id, credential_id, public_key, sign_count, name, transports, backed_up)
    SELECT gen_random_uuid(), users.id, uuid_send(gen_random_uuid()), '', 0, 'Phone', '{{internal}}', true
    FROM users, generate_series(1, {rows}) AS n
    """,
    """
    INSERT INTO webhooks (id, user_id, url, host, secret, position)
    SELECT gen_random_uuid(), users.id, 'https://hooks.example.com/', 'hooks.example.com', '', 0
    FROM users, generate_series(1, {rows}) AS n
    """,
    """
    INSERT INTO webhook_deliveries (webhook_id, id, message_id, event, state)
    SELECT id, id, 'msg_1', 'todo.created', 'delivered' FROM webhooks
    """,
)
FILL_OWN = (FILL[1], FILL[2], FILL[3], FILL[7])


class Explainer(Transaction):
    """A transaction that explains each statement before it runs it, and records the buffers that the plan reads."""

    def __init__(self, connection: Any) -> None:
        super().__init__(connection, 60)
        self.buffers: dict[str, int] = {}

    async def fetch_all(self, statement: Statement, **values: object) -> list[Row]:
        await self._explain(statement, values)
        return await super().fetch_all(statement, **values)

    async def fetch_one(self, statement: Statement, **values: object) -> Row | None:
        await self._explain(statement, values)
        return await super().fetch_one(statement, **values)

    write = fetch_one

    async def _explain(self, statement: Statement, values: dict[str, object]) -> None:
        explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement.sql}"
        transaction = self._connection.transaction()
        await transaction.start()
        [[text]] = await self._connection.fetch(explain, *statement.arguments(values))
        await transaction.rollback()
        read = count_buffers(json.loads(text)[0]["Plan"])
        self.buffers[statement.sql] = max(read, self.buffers.get(statement.sql, 0))


def count_buffers(plan: dict[str, Any]) -> int:
    """Returns the buffers that a plan reads, without those that a write needs for the row and its many indexes."""
    if plan["Node Type"] == "ModifyTable":
        return sum(count_buffers(child) for child in plan["Plans"])
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


@pytest.fixture(scope="module")
def crowded_database(server_url: str) -> Iterator[str]:
    """A database in which other users have 20,000 rows of each kind."""
    with postgres.database(server_url) as url:
        for statement in FILL:
            postgres.query(url, statement.format(others=OTHERS, rows=ROWS_PER_OTHER))
        postgres.run(url, "VACUUM ANALYZE")
        yield url


async def use_everything(db: Explainer, user_id: UUID) -> None:
    """Runs the statements of lists, writes, the change log, the undo, the assistant's history and the export."""
    turn_id, now = uuid4(), datetime.now(UTC)
    user, turn = Actor(user_id), Actor(user_id, "assistant", turn_id)
    executor = cast("Database", db)
    todo = await operations.add(db, user, TodoCreate(title="Milk", tags=["home"], description="One"))
    await operations.update(db, turn, todo.id, TodoUpdate(title="Oat milk"))
    await operations.update(
        db, user, (await operations.add(db, user, TodoCreate(title="A"))).id, TodoUpdate(completed=True)
    )
    await operations.find_by_id(db, user_id, [todo.id])
    await operations.find_subtodos(db, user_id, [todo.id])
    for filters in (Filters(), Filters(trashed=True), Filters(q="milk"), Filters(tags=["home"]), Filters(sort="due")):
        await operations.find(db, user_id, filters, limit=50)
    bound = DueBound(now, now.date())
    await counts.count(db, user_id, Filters(), counts.CountedDay(bound, bound, bound))
    await tags.find(db, user_id, limit=50)
    await projects.find(db, user_id, archived=False, limit=50)
    await changes.find_since(db, user_id, 0, limit=50)
    await changes.find_changed_todos(db, user_id, turn_id)
    await changes.find_turn_changes(db, user_id, turn_id)
    await project_undo.find_project_changes(db, user_id, turn_id)
    page = await conversations.list_page(db, user_id, limit=50)
    await undo.find_turn_to_reverse(db, user, page[0].id, "undo")
    await undo.find_turn_to_reverse(db, user, page[0].id, "redo")
    await conversations.messages(db, user_id, page[0].id, limit=50)
    token = await api_tokens.create(executor, user_id, name="Backup", scopes=["chat"], expires_at=None, quota=50)
    await api_tokens.fetch_user(db, TokenMemory(), sha256(token.token.encode()).digest())
    await api_tokens.list_page(db, user_id, limit=50)
    await api_tokens.delete(db, user_id, token.id)
    await sessions.list_page(executor, user_id, max_lifetime=timedelta(days=90), limit=50)
    await second_factor.find(db, user_id)
    await passkeys.list_page(db, user_id, limit=50)
    await passkeys.list_credentials(db, user_id)
    await channels.replace(db, user_id, Channels(quiet_hours=None))
    await channels.read(db, user_id)
    new = NewSubscription("https://push.example.com/own", b"", b"")
    device = await push_subscriptions.add(executor, user_id, new, session_id=None, user_agent=None, quota=50)
    await push_subscriptions.list_page(db, user_id, limit=50)
    await push_subscriptions.delete(db, user_id, device.id)
    await use_webhooks(db, executor, user_id)
    await project_undo.restore_removed_projects(db, user, turn_id)
    await changes.undo_turn(db, user, turn_id)
    await project_undo.remove_added_projects(db, user, turn_id)
    await operations.delete(db, user, todo.id)
    await operations.restore(db, user, todo.id)
    await bulk.delete(db, user, Filters(completed=True))
    async for _ in stream_document(executor, user_id):
        pass


async def use_webhooks(db: Explainer, executor: Database, user_id: UUID) -> None:
    """Runs the statements of the routes of webhooks."""
    secrets = WebhookSecrets(["a key of the tests"])
    new = WebhookCreate(url="https://hooks.example.com/")
    webhook = await webhooks.create(executor, secrets, user_id, new, quota=1000, allow_private=False)
    await webhooks.list_page(db, user_id, limit=50)
    await webhooks.update(executor, user_id, webhook.id, WebhookUpdate(enabled=True), allow_private=False)
    await webhooks.rotate_secret(db, secrets, user_id, webhook.id)
    delivery = await deliveries.request_test(db, user_id, webhook.id)
    await deliveries.list_page(db, user_id, webhook.id, limit=50)
    await deliveries.repeat(db, user_id, delivery.id)
    await webhooks.delete(executor, user_id, webhook.id)


def test_no_statement_reads_rows_of_others(crowded_database: str) -> None:
    user_id = add_user(crowded_database)
    for statement in FILL_OWN:
        own = statement.format(rows=3).replace("FROM users,", f"FROM (SELECT '{user_id}'::uuid AS id) AS users,")
        postgres.query(crowded_database, own)

    async def scenario() -> dict[str, int]:
        async with connect(crowded_database) as connection, connection.transaction():
            # The first call of a function in a connection reads the catalog.
            first = TodoCreate(title="First", tags=["first"], order=1)
            await operations.add(Transaction(connection, 60), Actor(user_id), first)
            db = Explainer(connection)
            await use_everything(db, user_id)
            return db.buffers

    buffers = run(scenario())
    assert len(buffers) > 30
    assert {sql: read for sql, read in buffers.items() if read > MAX_BUFFERS} == {}
