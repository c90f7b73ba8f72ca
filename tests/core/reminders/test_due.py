"""A message of a reminder is checked again when it is sent."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tests import postgres
from tests.core.reminders.scenarios import Scenario
from tests.core.reminders.test_firing import set_quiet_hours
from todo_core.actors import Actor
from todo_core.outbox.errors import DeliveryHeld
from todo_core.outbox.leases import LeasedMessage
from todo_core.reminders import channels, due, push_subscriptions
from todo_core.reminders.channels import Channels
from todo_core.reminders.due import DueReminder
from todo_core.todos import operations
from todo_core.todos.model import Todo


def fire(scenario: Scenario) -> tuple[UUID, Todo, LeasedMessage, LeasedMessage]:
    """Lets a reminder fire. Returns its user and todo, its message for mail and its message for a device."""
    ada = scenario.add_user(timezone="Europe/Berlin")
    scenario.subscribe(ada)
    todo = scenario.add(ada, due_at=datetime(2030, 1, 31, 17, tzinfo=UTC))
    scenario.fire()
    mail, push = sorted(scenario.read_messages(), key=lambda message: message.kind, reverse=True)
    return ada, todo, mail, push


class TestFound:
    def test_it_says_what_the_todo_says_now(self, scenario: Scenario) -> None:
        ada, todo, mail, push = fire(scenario)
        scenario.change(ada, todo, title="Oat milk")

        by_mail = scenario.run(due.find_for_mail(scenario.db, mail))
        by_push = scenario.run(due.find_for_push(scenario.db, push))
        assert by_mail is not None
        assert by_push is not None
        reminder, subscription = by_push
        assert (by_mail.title, reminder.title, by_mail.timezone) == ("Oat milk", "Oat milk", "Europe/Berlin")
        assert (by_mail.reminder_at, by_mail.due_at) == (todo.reminder_at, todo.due_at)
        assert by_mail.email == f"{ada.hex}@example.com"
        assert subscription.endpoint == "https://push.example.com/1"
        assert not by_mail.is_late

    def test_it_is_late_two_minutes_after_its_time(self) -> None:
        def reminder(delay: timedelta) -> DueReminder:
            moment = datetime(2030, 1, 31, 17, tzinfo=UTC)
            return DueReminder(UUID(int=0), "Milk", None, None, moment, moment + delay, "ada@example.com", "UTC")

        assert not reminder(timedelta(minutes=2)).is_late
        assert reminder(timedelta(minutes=2, seconds=1)).is_late


class TestNotFound:
    @pytest.mark.parametrize(
        "fields", [{"completed": True}, {"reminder_at": None}, {"reminder_at": datetime(2030, 1, 1, tzinfo=UTC)}]
    )
    def test_after_a_change_of_the_todo(self, scenario: Scenario, fields: dict[str, object]) -> None:
        ada, todo, mail, push = fire(scenario)
        scenario.change(ada, todo, **fields)

        assert scenario.run(due.find_for_mail(scenario.db, mail)) is None
        assert scenario.run(due.find_for_push(scenario.db, push)) is None

    def test_after_the_deletion_of_the_todo(self, scenario: Scenario) -> None:
        ada, todo, mail, push = fire(scenario)
        scenario.run(operations.delete(scenario.db, Actor(ada), todo.id))

        assert scenario.run(due.find_for_mail(scenario.db, mail)) is None
        assert scenario.run(due.find_for_push(scenario.db, push)) is None

    def test_after_the_channel_was_switched_off(self, scenario: Scenario) -> None:
        ada, _, mail, push = fire(scenario)
        scenario.run(channels.replace(scenario.db, ada, Channels(mail=False, push=False)))

        assert scenario.run(due.find_for_mail(scenario.db, mail)) is None
        assert scenario.run(due.find_for_push(scenario.db, push)) is None

    def test_after_the_end_of_the_subscription(self, scenario: Scenario) -> None:
        ada, _, _, push = fire(scenario)
        scenario.run(push_subscriptions.drop(scenario.db, ada, UUID(push.payload["device"])))

        assert scenario.run(due.find_for_push(scenario.db, push)) is None

    def test_when_the_email_is_not_verified_any_more(self, scenario: Scenario) -> None:
        ada, _, mail, _ = fire(scenario)
        postgres.query(scenario.url, "UPDATE users SET email_verified_at = NULL WHERE id = $1", ada)

        assert scenario.run(due.find_for_mail(scenario.db, mail)) is None


def test_within_quiet_hours_it_is_held(scenario: Scenario) -> None:
    ada, _, mail, push = fire(scenario)
    set_quiet_hours(scenario, ada, begin_hours_ago=1, end_in_hours=2)

    for find, message in ((due.find_for_mail, mail), (due.find_for_push, push)):
        with pytest.raises(DeliveryHeld) as held:
            scenario.run(find(scenario.db, message))
        assert timedelta(hours=1) < held.value.until - datetime.now(UTC) <= timedelta(hours=3)
