"""Mails are written into the outbox with their cause."""

import json
from contextlib import suppress
from uuid import UUID, uuid4

from tests import postgres
from tests.core.databases import add_user, open_database, run
from tests.core.outbox.scenarios import add_mail, read_outbox
from todo_core.outbox import leases
from todo_core.outbox.messages import LinkRef, Mail, enqueue


class CauseFailed(Exception):
    """The transaction of a test's mail fails."""


def test_a_mail_is_written_only_if_its_transaction_commits(database_url: str) -> None:
    async def scenario() -> None:
        async with open_database(database_url) as db:
            with suppress(CauseFailed):
                async with db.transaction() as transaction:
                    await add_mail(transaction, "lost@example.com")
                    raise CauseFailed
            async with db.transaction() as transaction:
                await add_mail(transaction, "kept@example.com")

    run(scenario())
    assert [json.loads(row["payload"])["to"] for row in read_outbox(database_url)] == ["kept@example.com"]


def test_a_delivery_reads_the_mail_that_was_written(database_url: str) -> None:
    mail = Mail("verify_email", "ada@Example.com", parameters={"name": "Ada ☕"}, link=LinkRef(uuid4(), "verify_email"))

    async def scenario() -> None:
        async with open_database(database_url) as db:
            message_id = await enqueue(db, mail)
            [message] = await leases.claim(db, ["mail"])
            assert (message.id, message.kind, message.channel) == (message_id, "mail", "example.com")
            assert Mail.of_payload(message.payload) == mail

    run(scenario())


def test_the_end_of_the_account_deletes_its_messages(database_url: str) -> None:
    ada, bob = add_user(database_url), add_user(database_url)

    async def scenario() -> list[UUID]:
        async with open_database(database_url) as db:
            return [await add_mail(db, user_id=ada), await add_mail(db, user_id=bob)]

    _, other = run(scenario())
    postgres.query(database_url, "DELETE FROM users WHERE id = $1", ada)
    assert [row["id"] for row in read_outbox(database_url)] == [other]
