"""Webhooks: create, list, read, update, delete, new secrets, tests and deliveries."""

import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

import httpx2
import pytest

from tests import postgres
from tests.accounts import AUTH, PASSWORD, UNKNOWN_ID, WEBHOOKS, Account, problem

URL = "https://hooks.example.com/todos"
SECRET = re.compile(r"whsec_[A-Za-z0-9+/]{43}=")
REFUSED = [
    "http://hooks.example.com/",
    "https://127.0.0.1/",
    "https://0x7f.1/",
    "https://[::ffff:10.0.0.1]/",
    "https://169.254.169.254/latest/meta-data/",
    "https://localhost/",
    "https://postgres/",
    "https://ada:secret@hooks.example.com/",
    "https://hooks.example.com:25/",
    "https://hooks.example.com/#fragment",
    "https://hooks.example.com/a b",
    "ftp://hooks.example.com/",
    "hooks.example.com",
]


def create(account: Account, url: str = URL, **fields: Any) -> dict[str, Any]:
    created = account.client.post(WEBHOOKS, json={"url": url, **fields})
    assert created.status_code == 201, created.text
    webhook: dict[str, Any] = created.json()
    return webhook


def read(account: Account, webhook: dict[str, Any]) -> dict[str, Any]:
    found = account.client.get(f"{WEBHOOKS}/{webhook['id']}")
    assert found.status_code == 200, found.text
    shown: dict[str, Any] = found.json()
    return shown


def pages_of(account: Account, url: str) -> Iterator[list[str]]:
    """Yields the ids on each page of a list, following the links."""
    while True:
        page = account.client.get(url)
        assert page.status_code == 200, page.text
        yield [each["id"] for each in page.json()]
        if "next" not in page.links:
            return
        url = page.links["next"]["url"]


def update(account: Account, webhook: dict[str, Any], **changes: Any) -> httpx2.Response:
    return account.client.patch(f"{WEBHOOKS}/{webhook['id']}", json=changes)


class TestCreate:
    def test_it_answers_with_the_webhook_and_its_secret(self, ada: Account) -> None:
        created = ada.client.post(
            WEBHOOKS, json={"url": URL, "events": ["todo.completed", "todo.created"], "description": "Chat"}
        )

        assert created.status_code == 201
        webhook = created.json()
        assert SECRET.fullmatch(webhook["secret"])
        assert created.headers["location"].endswith(f"{WEBHOOKS}/{webhook['id']}")
        assert created.headers["cache-control"] == "no-store"
        assert (webhook["url"], webhook["description"], webhook["enabled"]) == (URL, "Chat", True)
        assert webhook["events"] == ["todo.created", "todo.completed"]
        assert webhook["disabled_reason"] is webhook["failing_since"] is webhook["previous_secret_until"] is None

    def test_without_events_all_are_sent(self, ada: Account) -> None:
        assert create(ada)["events"] is None

    def test_each_webhook_has_a_secret_of_its_own(self, ada: Account) -> None:
        assert create(ada)["secret"] != create(ada)["secret"]

    def test_the_url_is_normalised(self, ada: Account) -> None:
        assert create(ada, "HTTPS://Hooks.Example.COM:443")["url"] == "https://hooks.example.com/"

    @pytest.mark.parametrize("url", REFUSED)
    def test_a_url_that_is_not_public_is_refused(self, ada: Account, url: str) -> None:
        refusal = problem(ada.client.post(WEBHOOKS, json={"url": url}), 422, "webhook_url_refused")
        assert refusal["detail"].endswith(".")
        assert ada.client.get(WEBHOOKS).json() == []

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"url": ""},
            {"url": 7},
            {"url": "https://" + "a" * 2048},
            {"url": URL, "events": []},
            {"url": URL, "events": ["todo.exploded"]},
            {"url": URL, "events": "todo.created"},
            {"url": URL, "events": ["todo.created"] * 51},
            {"url": URL, "description": "x" * 201},
            {"url": URL, "description": "\u0000"},
            {"url": URL, "secret": "whsec_mine"},
        ],
    )
    def test_other_fields_and_values_are_refused(self, ada: Account, body: dict[str, Any]) -> None:
        problem(ada.client.post(WEBHOOKS, json=body), 422, "validation_failed")

    def test_there_are_twenty_at_most(self, ada: Account) -> None:
        for _ in range(20):
            create(ada)

        refusal = problem(ada.client.post(WEBHOOKS, json={"url": URL}), 403, "quota_exceeded")
        assert (refusal["quota"], refusal["limit"]) == ("webhooks", 20)
        usage = ada.client.get(f"{AUTH}/me/usage").json()
        assert usage["webhooks"] == {"used": 20, "limit": 20}


class TestList:
    def test_the_newest_comes_first_and_pages_follow(self, ada: Account) -> None:
        ids = [create(ada)["id"] for _ in range(5)]

        listed = ada.client.get(WEBHOOKS).json()
        assert [webhook["id"] for webhook in listed] == ids[::-1]
        assert all("secret" not in webhook for webhook in listed)
        assert list(pages_of(ada, f"{WEBHOOKS}?limit=2")) == [ids[:2:-1], ids[2:0:-1], ids[:1]]

    def test_others_see_nothing(self, ada: Account, bob: Account) -> None:
        create(ada)
        assert bob.client.get(WEBHOOKS).json() == []


class TestUpdate:
    def test_given_fields_change_and_the_rest_stays(self, ada: Account) -> None:
        webhook = create(ada, events=["todo.created"], description="Chat")
        changed = update(ada, webhook, url="https://other.example.com/x")

        assert changed.status_code == 200
        assert changed.json() == read(ada, webhook)
        expected = {name: value for name, value in webhook.items() if name not in {"secret", "updated_at"}}
        assert {**changed.json(), "updated_at": None} == {
            **expected,
            "url": "https://other.example.com/x",
            "updated_at": None,
        }

    def test_null_means_all_events_and_no_description(self, ada: Account) -> None:
        webhook = create(ada, events=["todo.created"], description="Chat")
        changed = update(ada, webhook, events=None, description=None).json()
        assert (changed["events"], changed["description"]) == (None, None)

    def test_it_is_switched_off_and_on(self, ada: Account) -> None:
        webhook = create(ada)
        off = update(ada, webhook, enabled=False).json()
        assert (off["enabled"], off["disabled_reason"]) == (False, "owner")
        on = update(ada, webhook, enabled=True).json()
        assert (on["enabled"], on["disabled_reason"]) == (True, None)

    def test_an_empty_patch_changes_nothing(self, ada: Account) -> None:
        webhook = create(ada)
        assert update(ada, webhook).json() == read(ada, webhook)
        assert read(ada, webhook)["updated_at"] == webhook["updated_at"]

    @pytest.mark.parametrize("url", REFUSED)
    def test_a_url_that_is_not_public_is_refused(self, ada: Account, url: str) -> None:
        webhook = create(ada)
        problem(update(ada, webhook, url=url), 422, "webhook_url_refused")
        assert read(ada, webhook)["url"] == URL

    @pytest.mark.parametrize("changes", [{"url": None}, {"enabled": None}, {"enabled": 1}, {"secret": "x"}])
    def test_other_fields_and_values_are_refused(self, ada: Account, changes: dict[str, Any]) -> None:
        problem(update(ada, create(ada), **changes), 422, "validation_failed")


class TestDelete:
    def test_it_is_gone(self, ada: Account) -> None:
        webhook = create(ada)
        assert ada.client.delete(f"{WEBHOOKS}/{webhook['id']}").status_code == 204
        problem(ada.client.get(f"{WEBHOOKS}/{webhook['id']}"), 404, "webhook_not_found")
        problem(ada.client.delete(f"{WEBHOOKS}/{webhook['id']}"), 404, "webhook_not_found")


class TestSecret:
    def test_a_new_secret_is_shown_once_and_the_old_one_signs_for_a_day(self, ada: Account) -> None:
        webhook = create(ada)
        rotated = ada.client.post(f"{WEBHOOKS}/{webhook['id']}/secret")

        assert rotated.status_code == 200
        assert SECRET.fullmatch(rotated.json()["secret"])
        assert rotated.json()["secret"] != webhook["secret"]
        shown = read(ada, webhook)
        assert "secret" not in shown
        assert shown["previous_secret_until"] is not None

    def test_no_secret_is_stored_or_exported_as_text(self, ada: Account, database_url: str) -> None:
        webhook = create(ada)
        rotated = ada.client.post(f"{WEBHOOKS}/{webhook['id']}/secret").json()

        export = ada.client.get(f"{AUTH}/me/export")
        assert [each["url"] for each in export.json()["webhooks"]] == [URL]
        for secret in (webhook["secret"], rotated["secret"]):
            assert secret not in export.text
            found = postgres.query(database_url, "SELECT id FROM webhooks WHERE secret = $1", secret.encode())
            assert found == []
        assert "secret" not in export.json()["webhooks"][0]


class TestTest:
    def test_it_is_logged_as_waiting_and_answered_at_once(self, ada: Account) -> None:
        webhook = create(ada)
        asked = ada.client.post(f"{WEBHOOKS}/{webhook['id']}/test")

        assert asked.status_code == 202, asked.text
        delivery = asked.json()
        assert (delivery["event"], delivery["state"], delivery["seq"]) == ("webhook.test", "waiting", None)
        listed = ada.client.get(f"{WEBHOOKS}/{webhook['id']}/deliveries").json()
        assert [each["id"] for each in listed] == [delivery["id"]]

    def test_a_repeated_request_asks_once(self, ada: Account) -> None:
        webhook = create(ada)
        headers = {"Idempotency-Key": webhook["id"]}
        first, second = (ada.client.post(f"{WEBHOOKS}/{webhook['id']}/test", headers=headers) for _ in range(2))

        assert first.content == second.content
        assert second.headers["idempotent-replayed"] == "true"
        assert len(ada.client.get(f"{WEBHOOKS}/{webhook['id']}/deliveries").json()) == 1

    def test_too_many_are_refused(self, ada: Account, database_url: str) -> None:
        webhook = create(ada)
        ada.client.post(f"{WEBHOOKS}/{webhook['id']}/test").raise_for_status()
        postgres.query(
            database_url, "UPDATE attempts SET count = 60 WHERE key = $1", f"webhooks:requested:{ada.user['id']}"
        )

        refusal = ada.client.post(f"{WEBHOOKS}/{webhook['id']}/test")
        problem(refusal, 429, "too_many_attempts")
        assert int(refusal.headers["retry-after"]) > 3000


class TestDeliveries:
    @pytest.fixture
    def delivered(self, ada: Account) -> dict[str, Any]:
        webhook = create(ada)
        for _ in range(3):
            ada.client.post(f"{WEBHOOKS}/{webhook['id']}/test").raise_for_status()
        return webhook

    def test_pages_follow(self, ada: Account, delivered: dict[str, Any]) -> None:
        path = f"{WEBHOOKS}/{delivered['id']}/deliveries"
        everything = ada.client.get(path).json()
        pages = list(pages_of(ada, f"{path}?limit=2"))
        assert list(chain.from_iterable(pages)) == [each["id"] for each in everything]
        assert [len(page) for page in pages] == [2, 1]

    def test_a_delivery_is_sent_again(self, ada: Account, delivered: dict[str, Any], database_url: str) -> None:
        [delivery, *_] = ada.client.get(f"{WEBHOOKS}/{delivered['id']}/deliveries").json()
        postgres.query(database_url, "UPDATE webhook_deliveries SET state = 'failed'")
        repeated = ada.client.post(f"{WEBHOOKS}/deliveries/{delivery['id']}/redeliver")

        assert repeated.status_code == 202
        assert (repeated.json()["message_id"], repeated.json()["state"]) == (delivery["message_id"], "waiting")

    def test_an_unknown_delivery_is_not_found(self, ada: Account) -> None:
        problem(ada.client.post(f"{WEBHOOKS}/deliveries/{UNKNOWN_ID}/redeliver"), 404, "delivery_not_found")

    def test_another_users_deliveries_are_not_found(
        self, ada: Account, bob: Account, delivered: dict[str, Any]
    ) -> None:
        [delivery, *_] = ada.client.get(f"{WEBHOOKS}/{delivered['id']}/deliveries").json()
        problem(bob.client.get(f"{WEBHOOKS}/{delivered['id']}/deliveries"), 404, "webhook_not_found")
        problem(bob.client.post(f"{WEBHOOKS}/deliveries/{delivery['id']}/redeliver"), 404, "delivery_not_found")


class TestAccount:
    def test_closing_the_account_deletes_its_webhooks(self, ada: Account, database_url: str) -> None:
        webhook = create(ada)
        ada.client.post(f"{WEBHOOKS}/{webhook['id']}/test").raise_for_status()
        closed = ada.client.post(f"{AUTH}/close-account", json={"password": PASSWORD})
        assert closed.status_code == 204
        assert postgres.query(database_url, "SELECT id FROM webhooks WHERE user_id = $1", ada.user["id"]) == []
