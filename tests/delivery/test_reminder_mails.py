"""Reminders as people get them by mail."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from uuid import UUID

from tests.core.databases import run
from tests.delivery.mails import SENDER
from tests.delivery.reminders import MESSAGE_ID, TODO_ID, build_todo_url, make_message, make_reminder
from todo_core.outbox.deliverer import Outcome
from todo_core.outbox.leases import LeasedMessage
from todo_core.outbox.messages import Mail
from todo_core.reminders.due import DueReminder
from todo_delivery.mail.reminders import make_reminder_sender


def send(
    reminder: DueReminder | None, build_url: Callable[[UUID], str | None] = build_todo_url
) -> tuple[Outcome, list[EmailMessage]]:
    """Delivers a reminder. Returns the outcome, and the mails that were passed on."""
    passed: list[EmailMessage] = []

    async def find(_: LeasedMessage) -> DueReminder | None:
        return reminder

    async def transport(message: EmailMessage, mail: Mail, _url: str | None) -> None:
        assert mail.to == "ada@example.com"
        passed.append(message)

    async def deliver() -> Outcome:
        return await make_reminder_sender(SENDER, build_url, find, transport)(make_message("reminder_mail"))

    return run(deliver()), passed


def text_of(reminder: DueReminder, kind: str = "plain") -> str:
    [message] = send(reminder)[1]
    body = message.get_body((kind,))
    assert isinstance(body, EmailMessage)
    return str(body.get_content()).replace("\r\n", "\n")


class TestText:
    def test_it_has_title_due_date_link_and_the_way_to_switch_it_off(self) -> None:
        assert (
            text_of(make_reminder())
            == f"""
Buy milk

Due on Thursday, 31 January 2030 at 18:00

Times are those of Europe/Berlin.

https://app.example.com/todos/{TODO_ID}

You get this mail because a todo of yours has a reminder. To get no more of
them, switch mail off in the settings of your reminders.

--
This mail was sent automatically. Nobody reads replies to it.
""".lstrip("\n")
        )

    def test_a_late_one_has_both_times_in_the_users_zone(self) -> None:
        late = make_reminder(delay=timedelta(hours=9))
        sentence = "It was set for Thursday, 31 January 2030 at 17:00"

        assert f"This reminder is late. {sentence},\nand is sent on Friday, 1 February 2030 at 02:00.\n" in text_of(
            late
        )
        assert f"{sentence}, and is sent on Friday, 1 February 2030 at 02:00." in text_of(late, "html")

    def test_a_day_has_no_time(self) -> None:
        assert "\nDue on Saturday, 2 February 2030\n" in text_of(make_reminder(due_at=None, due_date=date(2030, 2, 2)))

    def test_without_due_date_and_front_end_it_is_short(self) -> None:
        [message] = send(make_reminder(due_at=None), lambda _: None)[1]

        text = str(message.get_body(("plain",)))
        assert "Due on" not in text
        assert "Times are" not in text
        assert "http" not in text

    def test_a_title_is_text_also_in_html(self) -> None:
        html = text_of(make_reminder(title="<script>alert(1)</script>{{ url }}"), "html")

        assert "<script>" not in html
        assert "{{ url }}" in html


class TestHead:
    def test_repeats_are_the_same_mail_for_receivers(self) -> None:
        [first], [second] = send(make_reminder())[1], send(make_reminder(delay=timedelta(hours=1)))[1]

        assert first["Message-ID"] == second["Message-ID"] == f"<{MESSAGE_ID}@example.com>"
        assert first["Date"] == second["Date"]
        assert first["Date"].datetime == datetime(2030, 1, 31, 16, tzinfo=UTC)

    def test_a_long_title_is_shortened_in_the_subject(self) -> None:
        [message] = send(make_reminder(title="x" * 500))[1]

        assert message["Subject"] == f"Reminder: {'x' * 149}…"

    def test_a_title_cannot_add_a_header(self) -> None:
        [message] = send(make_reminder(title="Milk\u2028Bcc: eve@example.com"))[1]

        assert message["Bcc"] is None


def test_a_reminder_that_does_not_hold_any_more_is_not_sent() -> None:
    assert send(None) == ("dropped", [])
