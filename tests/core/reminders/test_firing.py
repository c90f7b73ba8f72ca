"""Reminders fire once, at their time, and only while they hold."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from tests import postgres
from tests.core.databases import add_user, connect
from tests.core.outbox.scenarios import read_outbox
from tests.core.reminders.scenarios import SOON, Scenario
from todo_core.actors import Actor
from todo_core.outbox import backlog
from todo_core.outbox.outbox import DeliveryCounts
from todo_core.reminders import channels, firing
from todo_core.reminders.channels import Channels
from todo_core.reminders.firing import ReminderChannels, fire_due
from todo_core.schema.pending_reminders import IS_PENDING
from todo_core.todos import changes, operations
from todo_core.todos.model import TodoUpdate

HOUR = timedelta(hours=1)
LOCK = "SELECT lock_change_log($1)"


class TestTime:
    def test_a_reminder_fires_once_its_time_has_come(self, scenario: Scenario) -> None:
        ada = scenario.add_user()
        due = scenario.add(ada)
        scenario.add(ada, HOUR)

        assert scenario.fire() == [due.id]
        assert scenario.fire() == [due.id]
        assert scenario.counts == DeliveryCounts(reminders=1)

    def test_a_late_one_is_counted(self, scenario: Scenario) -> None:
        todo = scenario.add(scenario.add_user(), HOUR)
        scenario.pass_time(3 * HOUR)

        assert scenario.fire() == [todo.id]
        assert scenario.counts == DeliveryCounts(reminders=1, late_reminders=1)

    def test_the_loop_learns_when_the_next_one_is_due(self, scenario: Scenario) -> None:
        ada = scenario.add_user()
        scenario.add(ada, HOUR)
        scenario.change(ada, scenario.add(ada, HOUR / 2), completed=True)

        found = scenario.run(backlog.read(scenario.db, []))
        assert found.reminder_seconds == pytest.approx(3600, abs=30)
        assert not found.has_due_reminders
        scenario.pass_time(2 * HOUR)
        found = scenario.run(backlog.find_next(scenario.db, [], found))
        assert found.overdue_seconds == pytest.approx(3600, abs=30)
        assert found.has_due_reminders

    def test_a_time_that_is_over_when_it_is_set_never_fires(self, scenario: Scenario) -> None:
        ada = scenario.add_user()
        scenario.add(ada, -HOUR)
        moved = scenario.add(ada, HOUR)
        scenario.change(ada, moved, reminder_at=datetime.now(UTC) - HOUR)

        assert scenario.fire() == []

    def test_one_that_was_set_again_fires_again(self, scenario: Scenario) -> None:
        ada = scenario.add_user()
        todo = scenario.add(ada)
        scenario.fire()
        scenario.change(ada, todo, reminder_at=datetime.now(UTC) + HOUR)
        assert scenario.fire() == [todo.id]
        scenario.pass_time(HOUR)

        assert scenario.fire() == [todo.id] * 2


class TestWhatEndsIt:
    @pytest.mark.parametrize(
        "fields",
        [{"completed": True}, {"reminder_at": None}, {"reminder_at": datetime.now(UTC) + 3 * HOUR}],
        ids=["completed", "removed", "moved"],
    )
    def test_a_change_before_its_time(self, scenario: Scenario, fields: dict[str, object]) -> None:
        ada = scenario.add_user()
        todo = scenario.add(ada, HOUR)
        scenario.change(ada, todo, **fields)
        scenario.pass_time(HOUR)

        assert scenario.fire() == []

    def test_a_deletion_before_its_time(self, scenario: Scenario) -> None:
        ada = scenario.add_user()
        todo = scenario.add(ada, HOUR)
        scenario.run(operations.delete(scenario.db, Actor(ada), todo.id))
        scenario.pass_time(HOUR + timedelta(minutes=2))
        assert scenario.fire() == []

        scenario.run(operations.restore(scenario.db, Actor(ada), todo.id))
        assert scenario.fire() == []

    def test_a_todo_that_is_open_again_after_its_time(self, scenario: Scenario) -> None:
        ada = scenario.add_user()
        todo = scenario.add(ada, HOUR)
        scenario.change(ada, todo, completed=True)
        scenario.pass_time(HOUR + timedelta(minutes=2))
        scenario.change(ada, todo, completed=False)

        assert scenario.fire() == []

    def test_a_todo_that_is_open_again_before_its_time_reminds(self, scenario: Scenario) -> None:
        ada = scenario.add_user()
        todo = scenario.add(ada, HOUR)
        scenario.change(ada, todo, completed=True)
        scenario.change(ada, todo, completed=False)
        scenario.pass_time(HOUR)

        assert scenario.fire() == [todo.id]

    def test_a_recurring_todo_reminds_of_each_occurrence(self, scenario: Scenario) -> None:
        ada = scenario.add_user()
        todo = scenario.add(ada, due_at=datetime.now(UTC) + HOUR, recurrence="FREQ=DAILY")
        scenario.fire()
        moved = scenario.change(ada, todo, completed=True)
        assert moved.reminder_at is not None
        assert scenario.fire() == [todo.id]
        scenario.pass_time(timedelta(days=1))

        assert scenario.fire() == [todo.id] * 2


class TestChangeLog:
    def test_it_is_a_change_of_the_system_without_a_new_version(self, scenario: Scenario) -> None:
        ada = scenario.add_user()
        todo = scenario.add(ada)
        scenario.fire()

        _, fired = scenario.read_log(ada)
        assert (fired["op"], fired["actor"], fired["todo_id"]) == ("reminder", "system", todo.id)
        assert fired["before"] == fired["after"]
        assert scenario.run(operations.get(scenario.db, ada, todo.id)) == todo

    def test_an_undo_of_a_turn_takes_no_notice_of_it(self, scenario: Scenario) -> None:
        ada, turn_id = scenario.add_user(), uuid4()
        todo = scenario.add(ada)
        turn = Actor(ada, "assistant", turn_id)
        scenario.run(operations.update(scenario.db, turn, todo.id, TodoUpdate(title="Oat milk")))
        scenario.fire()

        async def undo() -> list[UUID]:
            async with scenario.db.transaction() as transaction:
                return [*await changes.undo_turn(transaction, Actor(ada), turn_id)]

        assert scenario.run(undo()) == [todo.id]
        assert scenario.run(operations.get(scenario.db, ada, todo.id)).title == "Milk"
        assert scenario.fire() == [todo.id]


class TestMessages:
    def test_each_channel_gets_one(self, scenario: Scenario) -> None:
        ada = scenario.add_user()
        device = scenario.subscribe(ada, "https://Push.example.com:8443/1?x=1")
        todo = scenario.add(ada)
        scenario.fire()

        by_kind = {message.kind: message for message in scenario.read_messages()}
        mail, push = by_kind.pop("reminder_mail"), by_kind.pop("push")
        assert by_kind == {}
        assert (mail.channel, push.channel) == ("example.com", "push.example.com:8443")
        assert {mail.user_id, push.user_id} == {ada}
        assert {mail.payload["todo_id"], push.payload["todo_id"]} == {str(todo.id)}
        assert (mail.payload["device"], push.payload["device"]) == (None, str(device.id))
        assert datetime.fromisoformat(mail.payload["reminder_at"]) == todo.reminder_at

    @pytest.mark.parametrize(
        ("chosen", "possible", "kinds"),
        [
            (Channels(mail=False), ReminderChannels(mail=True, push=True), {"push"}),
            (Channels(push=False), ReminderChannels(mail=True, push=True), {"reminder_mail"}),
            (Channels(mail=False, push=False), ReminderChannels(mail=True, push=True), set()),
            (Channels(), ReminderChannels(mail=False, push=True), {"push"}),
            (Channels(), ReminderChannels(mail=True, push=False), {"reminder_mail"}),
        ],
    )
    def test_only_channels_that_the_user_and_the_settings_have(
        self, scenario: Scenario, chosen: Channels, possible: ReminderChannels, kinds: set[str]
    ) -> None:
        ada = scenario.add_user()
        scenario.subscribe(ada)
        scenario.run(channels.replace(scenario.db, ada, chosen))
        todo = scenario.add(ada)

        assert scenario.fire(possible) == [todo.id]
        assert {row["kind"] for row in read_outbox(scenario.url)} == kinds

    def test_an_email_that_is_not_verified_gets_none(self, scenario: Scenario) -> None:
        todo = scenario.add(add_user(scenario.url))

        assert scenario.fire() == [todo.id]
        assert read_outbox(scenario.url) == []

    def test_their_ids_follow_from_todo_time_and_device(self, scenario: Scenario) -> None:
        ada = scenario.add_user()
        for number in range(3):
            scenario.subscribe(ada, f"https://push.example.com/{number}")
        for _ in range(2):
            scenario.add(ada)
        scenario.fire()
        first = {row["id"] for row in read_outbox(scenario.url)}
        assert len(first) == 8

        postgres.query(scenario.url, "DELETE FROM outbox")
        postgres.query(scenario.url, "UPDATE todos SET reminded_at = NULL")
        scenario.fire()
        assert {row["id"] for row in read_outbox(scenario.url)} == first

    def test_within_quiet_hours_they_wait_for_their_end(self, scenario: Scenario) -> None:
        ada = scenario.add_user(timezone="Asia/Tokyo")
        set_quiet_hours(scenario, ada, begin_hours_ago=1, end_in_hours=8)
        todo = scenario.add(ada)
        assert scenario.fire() == [todo.id]

        [row] = read_outbox(scenario.url)
        assert row["created_at"] == row["due_at"]
        assert timedelta(hours=7) < row["due_at"] - datetime.now(UTC) <= timedelta(hours=9)


def set_quiet_hours(scenario: Scenario, user_id: UUID, *, begin_hours_ago: int, end_in_hours: int) -> None:
    """Gives the user quiet hours around this moment, by the user's clock."""
    postgres.query(
        scenario.url,
        """
        INSERT INTO reminder_channels (id, user_id, mail, push, webhook, quiet_start, quiet_end)
        SELECT id, id, true, true, true, clock - $2 * interval '1 hour', clock + $3 * interval '1 hour'
        FROM users, date_trunc('minute', now() AT TIME ZONE timezone) AS local, CAST(local AS time) AS clock
        WHERE id = $1
        """,
        user_id,
        begin_hours_ago,
        end_in_hours,
    )


class TestConcurrency:
    def test_several_processes_let_each_fire_once(self, scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(firing, "_MAX_AT_ONCE", 7)
        users = [scenario.add_user() for _ in range(5)]
        todos = {scenario.add(user).id for user in users for _ in range(12)}
        counts = [DeliveryCounts() for _ in range(4)]

        async def fire_all() -> None:
            possible = ReminderChannels(mail=True, push=True)
            while sum(count.reminders for count in counts) < len(todos):
                await asyncio.gather(*(fire_due(scenario.db, possible, count) for count in counts))

        scenario.run(fire_all())
        assert sorted(scenario.fire()) == sorted(todos)
        assert len(read_outbox(scenario.url)) == len(todos)

    def test_a_user_who_changes_todos_at_the_moment_delays_nobody(
        self, scenario: Scenario, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(firing, "_MAX_AT_ONCE", 3)
        busy, other = scenario.add_user(), scenario.add_user()
        waiting = [scenario.add(busy, 2 * SOON).id for _ in range(7)]
        todo = scenario.add(other)

        async def fire_while_busy() -> bool:
            async with connect(scenario.url) as connection, connection.transaction():
                await connection.execute(LOCK, busy)
                return await fire_due(scenario.db, ReminderChannels(mail=True, push=True), scenario.counts)

        assert scenario.run(fire_while_busy())
        assert scenario.counts.reminders == 1
        assert set(scenario.fire()) == {todo.id, *waiting}

    def test_an_account_that_is_being_closed_is_skipped(self, scenario: Scenario) -> None:
        ada = scenario.add_user()
        scenario.add(ada)

        async def close_while_firing() -> None:
            async with connect(scenario.url) as connection, connection.transaction():
                await connection.execute("SELECT FROM users WHERE id = $1 FOR UPDATE", ada)
                assert await fire_due(scenario.db, ReminderChannels(mail=True, push=True), scenario.counts)
                await connection.execute("DELETE FROM users WHERE id = $1", ada)

        scenario.run(close_while_firing())
        assert scenario.fire() == []


class TestIndex:
    def test_due_reminders_are_found_by_the_partial_index(self, scenario: Scenario) -> None:
        ada = scenario.add_user()
        postgres.query(
            scenario.url,
            """
            INSERT INTO todos (id, user_id, title, "order", reminder_at)
            SELECT gen_random_uuid(), $1, 'x', n, CASE WHEN n % 100 = 0 THEN now() + interval '1 day' END
            FROM generate_series(1, 20000) AS n
            """,
            ada,
        )
        postgres.run(scenario.url, "ANALYZE todos")
        select = f"SELECT id FROM todos WHERE {IS_PENDING} AND reminder_at <= now() ORDER BY reminder_at LIMIT 200"  # noqa: S608
        plan = "\n".join(row[0] for row in postgres.query(scenario.url, f"EXPLAIN {select}"))

        assert "Index Scan using todos_to_remind" in plan
        size = postgres.query(scenario.url, "SELECT reltuples FROM pg_class WHERE relname = 'todos_to_remind'")
        assert size[0][0] == 200
