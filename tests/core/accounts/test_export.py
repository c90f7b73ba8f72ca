"""The export of a user's data, compared with the tables and columns of the database."""

import asyncio
import json
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from tests import postgres
from tests.core.accounts.test_sessions import SIGN_UP
from todo_core.accounts import export
from todo_core.database.executor import Database
from todo_core.errors import NotAuthenticated
from todo_core.identifiers import new_id

COLUMNS = """
SELECT table_name, column_name
FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
"""
TABLES_WITHOUT_USER = {"alembic_version", "attempts", "invites", "oauth_clients", "registrations"}
OMITTED_TABLES = {
    *("idempotency_keys", "account_usage", "known_tags", "recovery_codes", "used_challenges"),
    *("oauth_codes", "oauth_access_tokens"),
}
OMITTED_COLUMNS = {
    ("users", "password_hash"),
    ("users", "known_networks"),
    ("users", "email_key"),
    ("users", "password_expires_at"),
    ("todos", "words"),
    ("change_log", "read_bytes"),
    ("turns", "request_digest"),
    ("turns", "reserved_tokens"),
    ("turns", "lease"),
    ("turns", "leased_until"),
    ("turns", "reserved_tokens"),
    ("turns", "stored_bytes"),
    ("rounds", "extras"),
    ("tool_calls", "extras"),
    ("links", "token_hash"),
    ("links", "email_key"),
    ("api_tokens", "token_hash"),
    ("oauth_connections", "refresh_family"),
    ("oauth_connections", "refresh_hash"),
    ("totp", "secret"),
    ("totp", "last_step"),
    ("passkeys", "credential_id"),
    ("passkeys", "public_key"),
    ("passkeys", "sign_count"),
    ("push_subscriptions", "session_id"),
    ("push_subscriptions", "endpoint_hash"),
    ("push_subscriptions", "p256dh"),
    ("push_subscriptions", "auth"),
    ("outbox", "channel"),
    ("outbox", "leased_until"),
    ("outbox", "last_error"),
    *(("webhooks", column) for column in ("host", "secret", "previous_secret", "position", "leased_until", "lease")),
}
ONE_OF_EACH = (
    """INSERT INTO todos (id, user_id, title, "order") VALUES ($1, $1, 'Buy milk', 1)""",
    """INSERT INTO projects (id, user_id, name, "order") VALUES ($1, $1, 'Home', 1)""",
    """
    INSERT INTO links (id, user_id, purpose, token_hash, expires_at)
    VALUES ($1, $1, 'verify_email', uuid_send($1), now())
    """,
    """
    INSERT INTO api_tokens (id, user_id, name, token_hash, scopes)
    VALUES ($1, $1, 'Phone', uuid_send($1), '{todos:read}')
    """,
    """
    INSERT INTO oauth_connections (
        id, user_id, client_id, client_name, client_host, scopes, resource, refresh_family, refresh_hash, expires_at
    )
    VALUES ($1, $1, 'a', 'Claude', 'claude.ai', '{todos:read}', '/mcp', uuid_send($1), '', now())
    """,
    "INSERT INTO totp (id, user_id, secret) VALUES ($1, $1, '')",
    """
    INSERT INTO passkeys (id, user_id, credential_id, public_key, sign_count, name, transports, backed_up)
    VALUES ($1, $1, uuid_send($1), '', 0, 'Phone', '{internal}', true)
    """,
    "INSERT INTO reminder_channels (id, user_id, mail, push, webhook) VALUES ($1, $1, true, true, true)",
    """
    INSERT INTO push_subscriptions (id, user_id, endpoint, endpoint_hash, p256dh, auth)
    VALUES ($1, $1, 'https://push.example.com/1', uuid_send($1), '', '')
    """,
    """
    INSERT INTO webhooks (id, user_id, url, host, secret, position)
    VALUES ($1, $1, 'https://hooks.example.com/', 'hooks.example.com', '', 0)
    """,
    """
    INSERT INTO webhook_deliveries (webhook_id, id, message_id, event, state)
    VALUES ($1, $1, 'msg_1', 'webhook.test', 'waiting')
    """,
    """
    INSERT INTO outbox (id, kind, channel, user_id, payload)
    VALUES ($1, 'mail', 'example.com', $1, '{"template": "verify_email"}')
    """,
)
FILL = (
    """
    INSERT INTO conversations (id, user_id, title) SELECT gen_random_uuid(), $1, n FROM generate_series(1, 550) AS n
    """,
    """
    INSERT INTO turns (id, user_id, conversation_id, message_id, reply_id, request_digest, message, timezone, model)
    SELECT gen_random_uuid(), $1, id, id, id, '', title, 'UTC', 'commands' FROM conversations WHERE user_id = $1
    """,
    """
    INSERT INTO rounds (turn_id, number, content, prompt_tokens, completion_tokens, milliseconds)
    SELECT id, n, '', 0, 0, 0 FROM turns CROSS JOIN generate_series(1, 3) AS n WHERE user_id = $1
    """,
    """
    INSERT INTO tool_calls (turn_id, round, position, call_id, name, arguments)
    SELECT turn_id, number, n, '', 'help', '{}' FROM rounds CROSS JOIN generate_series(1, 2) AS n
    WHERE turn_id IN (SELECT id FROM turns WHERE user_id = $1)
    """,
    "INSERT INTO assistant_usage (user_id, day) SELECT $1, '2030-01-01'::date + n FROM generate_series(1, 550) AS n",
    """
    INSERT INTO sessions (id, user_id, expires_at) SELECT gen_random_uuid(), $1, now() FROM generate_series(1, 550)
    """,
)

LONGEST = "🚲" * 16_383
"""A description of 64 KB, with room for one more character."""
LONG_TODO = """INSERT INTO todos (id, user_id, title, description, "order") VALUES ($1, $1, '0', $2, 1)"""
CHANGE_LONG_TODO = """UPDATE todos SET title = $2::text, description = $3 || right($2::text, 1) WHERE user_id = $1"""
LONG_CHANGES = 60
MAX_PIECE_BYTES = 64 * 1024 + 2 * 70 * 1024
"""A page and one row, which has a todo before and after a change."""


def export_document(database_url: str, user_id: UUID) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(b"".join(export_pieces(database_url, user_id)))
    return document


def export_pieces(database_url: str, user_id: UUID) -> list[bytes]:
    async def read() -> list[bytes]:
        db = Database(database_url)
        try:
            return [part async for part in export.stream_document(db, user_id)]
        finally:
            await db.close()

    return asyncio.run(read())


def create_user(database_url: str) -> UUID:
    user_id = new_id()
    postgres.query(database_url, SIGN_UP, user_id)
    return user_id


class TestDocument:
    def test_it_has_every_table_and_column_except_the_omitted_ones(self, database_url: str) -> None:
        user_id = create_user(database_url)
        for statement in (*ONE_OF_EACH, *FILL):
            postgres.query(database_url, statement, user_id)
        stored = {
            tuple(row)
            for row in postgres.query(database_url, COLUMNS)
            if row["table_name"] not in TABLES_WITHOUT_USER | OMITTED_TABLES
        }

        document = export_document(database_url, user_id)

        document["users"] = [document.pop("account")]
        document["change_log"] = document.pop("changes")
        document["oauth_connections"] = document.pop("connections")
        del document["exported_at"]
        exported = {(table, column) for table, rows in document.items() for column in rows[0]}
        assert {name for name in stored - exported if name[1] != "user_id"} == OMITTED_COLUMNS

    def test_it_has_every_row_of_the_user_over_several_pages(self, database_url: str) -> None:
        user_id, other = create_user(database_url), create_user(database_url)
        for owner in (user_id, other):
            for statement in FILL:
                postgres.query(database_url, statement, owner)

        document = export_document(database_url, user_id)

        counts = {name: len(rows) for name, rows in document.items() if isinstance(rows, list) and rows}
        assert counts == {
            "conversations": 550,
            "turns": 550,
            "rounds": 3 * 550,
            "tool_calls": 6 * 550,
            "assistant_usage": 550,
            "sessions": 550,
        }
        calls = [(call["turn_id"], call["round"], call["position"]) for call in document["tool_calls"]]
        assert calls == sorted(set(calls))
        assert {call["turn_id"] for call in document["tool_calls"]} == {turn["id"] for turn in document["turns"]}

    def test_long_texts_come_in_small_pieces(self, database_url: str) -> None:
        user_id = create_user(database_url)
        postgres.query(database_url, LONG_TODO, user_id, LONGEST)
        for number in range(LONG_CHANGES):
            postgres.query(database_url, CHANGE_LONG_TODO, user_id, str(number), LONGEST)

        pieces = export_pieces(database_url, user_id)

        assert max(map(len, pieces)) <= MAX_PIECE_BYTES
        changes = json.loads(b"".join(pieces))["changes"]
        assert [change["after"]["title"] for change in changes] == ["0", *map(str, range(LONG_CHANGES))]
        for before, after in pairwise(changes):
            assert after["before"] == before["after"]
        assert changes[-1]["after"]["description"] == f"{LONGEST}9"

    def test_an_account_that_does_not_exist_is_refused(self, database_url: str) -> None:
        with pytest.raises(NotAuthenticated):
            export_document(database_url, new_id())
