"""Web push as browsers and their push services see it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

import pytest

from functions.reminders.keys import make_private_key
from tests.core.databases import run
from tests.delivery.reminders import MEANT, MESSAGE_ID, TODO_ID, build_todo_url, make_message, make_reminder
from tests.push_service import Browser, PushService, push_service, read_claims
from todo_core.outbox.deliverer import Outcome
from todo_core.outbox.errors import DeliveryFailed
from todo_core.outbox.leases import LeasedMessage
from todo_core.reminders.due import DueReminder
from todo_core.reminders.push_keys import find_public_key
from todo_core.reminders.push_subscriptions import NewSubscription
from todo_core.settings import PushSettings
from todo_delivery.push.encryption import MAX_CONTENT_BYTES, encrypt
from todo_delivery.push.requests import make_post
from todo_delivery.push.sending import build_content, make_push_sender

SETTINGS: Final = PushSettings.model_validate(
    {"private_key": make_private_key(), "subject": "mailto:admin@example.com"}
)
PUBLIC_KEY: Final = find_public_key(SETTINGS)
DEVICE: Final = uuid4()


@pytest.fixture
def service() -> Iterator[PushService]:
    with push_service() as service:
        yield service


@pytest.fixture
def browser(service: PushService) -> Browser:
    return Browser(service, "browser")


def send(subscription: NewSubscription, reminder: DueReminder | None, dropped: list[UUID] | None = None) -> Outcome:
    """Delivers a message for a device."""

    async def find(_: LeasedMessage) -> tuple[DueReminder, NewSubscription] | None:
        return None if reminder is None else (reminder, subscription)

    async def drop(message: LeasedMessage) -> None:
        assert dropped is not None
        dropped.append(UUID(message.payload["device"]))

    async def deliver() -> Outcome:
        sender = make_push_sender(SETTINGS, build_todo_url, find, drop, make_post(allow_private=True))
        return await sender(make_message("push", DEVICE))

    return run(deliver())


class TestBrowser:
    def test_it_decrypts_the_reminder(self, browser: Browser) -> None:
        assert send(browser.subscription, make_reminder()) == "delivered"

        assert browser.read() == [
            {
                "type": "reminder",
                "id": str(MESSAGE_ID),
                "todo_id": str(TODO_ID),
                "title": "Buy milk",
                "due": "Due on Thursday, 31 January 2030 at 18:00",
                "reminder_at": "2030-01-31T16:00:00Z",
                "delay": None,
                "url": f"https://app.example.com/todos/{TODO_ID}",
            }
        ]

    def test_a_late_one_has_both_times_in_the_users_zone(self, browser: Browser) -> None:
        send(browser.subscription, make_reminder(delay=timedelta(hours=2, minutes=5)))

        [message] = browser.read()
        assert message["delay"] == (
            "This reminder is late: it was set for Thursday, 31 January 2030 at 17:00, and sent on"
            " Thursday, 31 January 2030 at 19:05."
        )

    def test_another_browser_cannot_read_it(self, browser: Browser, service: PushService) -> None:
        send(browser.subscription, make_reminder())
        other = Browser(service, browser.name)

        with pytest.raises(Exception, match="Decryption error"):
            other.read()

    def test_a_repeat_has_the_same_id_and_another_encryption(self, browser: Browser) -> None:
        for _ in range(2):
            send(browser.subscription, make_reminder())

        first, second = browser.service.requests
        assert first.body != second.body
        assert browser.read()[0] == browser.read()[1]


class TestRequest:
    def test_its_headers_are_those_of_rfc_8030_and_8188(self, browser: Browser) -> None:
        send(browser.subscription, make_reminder())

        [pushed] = browser.service.requests
        assert {name: pushed.headers[name] for name in ("content-encoding", "ttl", "urgency", "topic")} == {
            "content-encoding": "aes128gcm",
            "ttl": "86400",
            "urgency": "high",
            "topic": "AZjFoXoQezSMVS9NDJ4aIg",
        } | {"topic": pushed.headers["topic"]}
        assert len(pushed.headers["topic"]) == 22

    def test_it_is_signed_for_the_push_service_alone(self, browser: Browser) -> None:
        send(browser.subscription, make_reminder())

        claims = read_claims(browser.service.requests[0], PUBLIC_KEY)
        assert claims == {
            "aud": browser.service.url,
            "sub": "mailto:admin@example.com",
            "exp": int((MEANT + timedelta(hours=12, seconds=1)).timestamp()),
        }

    def test_the_longest_title_fits(self, browser: Browser) -> None:
        send(browser.subscription, make_reminder(title="🚲" * 500))
        send(browser.subscription, make_reminder(title='"\\' * 250))

        assert all(len(pushed.body) <= 4096 for pushed in browser.service.requests)
        assert [len(message["title"]) for message in browser.read()] == [200, 200]

    def test_no_content_is_larger_than_push_services_accept(self, browser: Browser) -> None:
        assert len(encrypt(b"x" * MAX_CONTENT_BYTES, browser.subscription)) == 4096
        with pytest.raises(ValueError, match="at most"):
            encrypt(b"x" * (MAX_CONTENT_BYTES + 1), browser.subscription)


class TestAnswer:
    @pytest.mark.parametrize("status", [404, 410])
    def test_a_subscription_that_has_ended_is_dropped(self, browser: Browser, status: int) -> None:
        browser.service.statuses[f"/{browser.name}"] = status
        dropped: list[UUID] = []

        assert send(browser.subscription, make_reminder(), dropped) == "dropped"
        assert dropped == [DEVICE]

    @pytest.mark.parametrize(
        ("status", "is_final"),
        [(400, True), (413, True), (401, False), (403, False), (429, False), (500, False), (503, False), (301, False)],
    )
    def test_other_failures_are_tried_again_unless_they_would_repeat(
        self, browser: Browser, status: int, *, is_final: bool
    ) -> None:
        browser.service.statuses[f"/{browser.name}"] = status

        with pytest.raises(DeliveryFailed, match=f"The push service answered {status}") as failure:
            send(browser.subscription, make_reminder())
        assert failure.value.is_final is is_final

    def test_a_reminder_that_does_not_hold_any_more_is_not_sent(self, browser: Browser) -> None:
        assert send(browser.subscription, None) == "dropped"
        assert browser.service.requests == []


def test_the_content_has_no_link_without_a_front_end() -> None:
    content = build_content(make_message("push", DEVICE), make_reminder(due_at=None), lambda _: None)

    assert b'"url": null' in content
    assert b'"due": null' in content
