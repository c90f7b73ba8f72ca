"""The changes that webhooks get: all from their beginning on, once and in order."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from tests import postgres
from tests.core.databases import open_database, run
from tests.core.webhooks.scenarios import (
    SECRETS,
    Owner,
    Receivers,
    pass_time,
    read_deliveries,
    read_webhooks,
)
from todo_core.database.executor import Database
from todo_core.limits import Retention
from todo_core.todos import bulk, log_cut, projects, trash
from todo_core.todos import operations as todos
from todo_core.todos.filters import Filters
from todo_core.todos.model import TodoUpdate
from todo_core.todos.projects import ProjectCreate, ProjectUpdate
from todo_core.webhooks import leases, operations

ADD_CHANNELS = """
INSERT INTO reminder_channels (id, user_id, mail, push, webhook) VALUES (gen_random_uuid(), $1, true, true, $2)
"""


class TestChanges:
    def test_each_change_is_sent_once_in_order(self, database_url: str) -> None:
        receivers = Receivers()

        async def scenario() -> None:
            async with open_database(database_url) as db:
                ada = await Owner.add(database_url)
                await ada.add_webhook(db)
                for number in range(50):
                    await ada.add_todo(db, f"Todo {number}")
                figures = await receivers.deliver(db)
                assert (figures.delivered, figures.failed) == (50, 0)
                assert (await receivers.deliver(db)).delivered == 0

        run(scenario())
        assert receivers.titles == [f"Todo {number}" for number in range(50)]
        assert [content["data"]["seq"] for content in receivers.contents] == list(range(1, 51))
        assert len({message.message_id for message in receivers.taken}) == 50
        assert [entry["state"] for entry in read_deliveries(database_url)] == ["delivered"] * 50

    def test_changes_before_the_webhook_are_not_sent(self, database_url: str) -> None:
        receivers = Receivers()

        async def scenario() -> None:
            async with open_database(database_url) as db:
                ada = await Owner.add(database_url)
                await ada.add_todo(db, "Before")
                await ada.add_webhook(db)
                await ada.add_todo(db, "After")
                await receivers.deliver(db)

        run(scenario())
        assert receivers.titles == ["After"]

    def test_changes_of_other_users_are_not_sent(self, database_url: str) -> None:
        receivers = Receivers()

        async def scenario() -> None:
            async with open_database(database_url) as db:
                ada, eve = await Owner.add(database_url), await Owner.add(database_url)
                await ada.add_webhook(db)
                await eve.add_todo(db, "Secret of Eve")
                await receivers.deliver(db)

        run(scenario())
        assert receivers.attempted == []

    def test_all_webhooks_of_a_user_get_the_change_with_ids_of_their_own(self, database_url: str) -> None:
        receivers = Receivers()

        async def scenario() -> None:
            async with open_database(database_url) as db:
                ada = await Owner.add(database_url)
                for number in range(5):
                    await ada.add_webhook(db, f"https://{number}.example.com/")
                await ada.add_todo(db)
                await receivers.deliver(db)

        run(scenario())
        assert {message.url for message in receivers.taken} == {f"https://{n}.example.com/" for n in range(5)}
        assert len({message.message_id for message in receivers.taken}) == 5

    def test_only_the_chosen_events_are_sent(self, database_url: str) -> None:
        receivers = Receivers()

        async def scenario() -> None:
            async with open_database(database_url) as db:
                ada = await Owner.add(database_url)
                await ada.add_webhook(db, events=["todo.completed", "todo.deleted"])
                todo = await ada.add_todo(db)
                await todos.update(db, ada.actor, todo.id, TodoUpdate(title="Buy bread"))
                await todos.update(db, ada.actor, todo.id, TodoUpdate(completed=True))
                await bulk.delete(db, ada.actor, Filters())
                await receivers.deliver(db)

        run(scenario())
        assert [content["type"] for content in receivers.contents] == ["todo.completed", "todo.deleted"]
        [webhook] = read_webhooks(database_url)
        assert webhook["position"] == 4

    def test_projects_are_sent(self, database_url: str) -> None:
        receivers = Receivers()

        async def scenario() -> None:
            async with open_database(database_url) as db:
                ada = await Owner.add(database_url)
                await ada.add_webhook(db)
                home = await projects.add(db, ada.actor, ProjectCreate(name="Home"))
                await projects.update(db, ada.actor, home.id, ProjectUpdate(name="House"))
                async with db.transaction() as transaction:
                    await projects.delete(transaction, ada.actor, home.id)
                await receivers.deliver(db)

        run(scenario())
        created, updated, deleted = receivers.contents
        assert [each["type"] for each in (created, updated, deleted)] == [
            "project.created",
            "project.updated",
            "project.deleted",
        ]
        assert updated["data"]["project"]["name"] == "House"
        assert updated["data"]["before"]["name"] == "Home"
        assert deleted["data"]["project"]["url"].startswith("https://api.example.com/api/v1/projects/")

    @pytest.mark.parametrize("is_wanted", [True, False])
    def test_reminders_are_sent_if_their_owner_wants(self, database_url: str, *, is_wanted: bool) -> None:
        receivers = Receivers()

        async def scenario() -> None:
            async with open_database(database_url) as db:
                ada = await Owner.add(database_url)
                await asyncio.to_thread(postgres.query, database_url, ADD_CHANNELS, ada.id, is_wanted)
                await ada.add_webhook(db)
                await ada.add_todo(db, reminder_at=datetime.now(UTC) + timedelta(hours=1))
                await asyncio.to_thread(postgres.query, database_url, "UPDATE todos SET reminded_at = reminder_at")
                await receivers.deliver(db)

        run(scenario())
        reminders = [content for content in receivers.contents if content["type"] == "reminder.due"]
        assert len(reminders) == is_wanted
        assert [content["type"] for content in receivers.contents][:1] == ["todo.created"]

    def test_a_purge_of_the_trash_is_not_sent(self, database_url: str) -> None:
        receivers = Receivers()

        async def scenario() -> None:
            async with open_database(database_url) as db:
                ada = await Owner.add(database_url)
                await ada.add_todo(db)
                await bulk.delete(db, ada.actor, Filters())
                await ada.add_webhook(db)
                await asyncio.to_thread(
                    postgres.query, database_url, "UPDATE todos SET deleted_at = now() - interval '31 days'"
                )
                assert await trash.delete_expired(db, limit=10) == 1
                await receivers.deliver(db)

        run(scenario())
        assert [content["type"] for content in receivers.contents] in ([], ["todo.updated"])

    def test_a_cut_of_the_log_is_told_and_the_rest_is_sent(self, database_url: str) -> None:
        receivers = Receivers()

        async def scenario() -> None:
            async with open_database(database_url) as db:
                ada = await Owner.add(database_url)
                await ada.add_webhook(db)
                for number in range(5):
                    await ada.add_todo(db, f"Todo {number}")
                await asyncio.to_thread(
                    postgres.query,
                    database_url,
                    "UPDATE change_log SET created_at = now() - interval '91 days' WHERE seq <= 3",
                )
                await asyncio.to_thread(
                    postgres.query, database_url, "UPDATE account_usage SET log_begins_at = now() - interval '99 days'"
                )
                assert await log_cut.delete_old(db, limit=100, retention=Retention()) == 3
                await receivers.deliver(db)

        run(scenario())
        assert receivers.titles == ["Todo 3", "Todo 4"]
        cut, *_ = read_deliveries(database_url)
        assert (cut["state"], cut["event"], cut["seq"]) == ("failed", "changes.expired", 3)
        assert cut["error"] == "The changes 1 to 3 are no longer in the log"


class TestSecrets:
    def test_both_secrets_sign_for_a_day_after_a_rotation(self, database_url: str) -> None:
        receivers = Receivers()

        async def scenario() -> list[str]:
            async with open_database(database_url) as db:
                ada = await Owner.add(database_url)
                webhook = await ada.add_webhook(db)
                second = await operations.rotate_secret(db, SECRETS, ada.id, webhook.id)
                third = await operations.rotate_secret(db, SECRETS, ada.id, webhook.id)
                await ada.add_todo(db)
                await receivers.deliver(db)
                await pass_time(database_url, "24 hours")
                await ada.add_todo(db)
                await receivers.deliver(db)
                return [second.secret, third.secret]

        second, third = run(scenario())
        assert [message.secrets for message in receivers.taken] == [[third, second], [third]]


class TestLog:
    def test_the_newest_entries_are_kept(self, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(leases, "MAX_LOGGED", 5)

        async def scenario() -> None:
            async with open_database(database_url) as db:
                ada = await Owner.add(database_url)
                await ada.add_webhook(db)
                for _ in range(12):
                    await ada.add_todo(db)
                await Receivers().deliver(db)

        run(scenario())
        assert [entry["seq"] for entry in read_deliveries(database_url)] == [8, 9, 10, 11, 12]


def test_users_without_webhooks_are_not_followed(database_url: str) -> None:
    async def scenario() -> None:
        async with open_database(database_url) as db:
            ada = await Owner.add(database_url)
            assert await _followed(db, database_url, ada) is None
            webhook = await ada.add_webhook(db)
            until = await _followed(db, database_url, ada)
            assert isinstance(until, datetime)
            assert until.year == 9999
            await operations.delete(db, ada.id, webhook.id)
            ends = await _followed(db, database_url, ada)
            assert isinstance(ends, datetime)
            assert (ends - datetime.now(UTC)).total_seconds() < 3600

    run(scenario())


async def _followed(_db: Database, database_url: str, owner: Owner) -> object:
    statement = "SELECT followed_until FROM account_usage WHERE user_id = $1"
    [row] = await asyncio.to_thread(postgres.query, database_url, statement, owner.id)
    return row["followed_until"]
