"""The routes of push subscriptions, and the public key."""

from base64 import urlsafe_b64decode
from collections.abc import Iterator
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal

from functions import groups
from tests.accounts import AUTH, Account, Newcomers, close_account, problem, sign_in
from tests.serving import InProcess
from tests.surfaces.push_subscriptions import ENDPOINT, KEYS, REMINDERS, SUBSCRIPTIONS, list_subscriptions, subscribe
from todo_core.limits import Quotas
from todo_core.settings import PushSettings, load
from todo_core.web.app import create_app
from todo_core.web_push_keys import decode, is_public_key

PUSH_KEY = f"{REMINDERS}/push-key"


def post(account: Account, **fields: Any) -> Any:
    return account.client.post(SUBSCRIPTIONS, json={"endpoint": ENDPOINT, "keys": KEYS, **fields})


class TestKey:
    def test_a_browser_can_subscribe_with_it(self, ada: Account) -> None:
        key = ada.client.get(PUSH_KEY).json()["key"]

        assert is_public_key(decode(key))
        assert len(urlsafe_b64decode(key + "=")) == 65


class TestCreate:
    def test_what_a_browser_says_of_its_subscription_is_accepted(self, ada: Account) -> None:
        response = post(ada, expirationTime=None)

        assert response.status_code == 201
        created = response.json()
        assert created == {
            "id": created["id"],
            "endpoint": ENDPOINT,
            "user_agent": created["user_agent"],
            "created_at": created["created_at"],
        }
        assert created["created_at"].endswith("Z")
        assert list_subscriptions(ada) == [created]

    def test_the_same_endpoint_twice_is_one(self, ada: Account) -> None:
        first, second = post(ada), post(ada)

        assert (first.status_code, second.status_code) == (201, 200)
        assert first.json() == second.json()
        assert len(list_subscriptions(ada)) == 1

    def test_a_browser_with_another_user_belongs_to_the_last_one(self, ada: Account, bob: Account) -> None:
        subscribe(ada)
        subscribe(bob)

        assert list_subscriptions(ada) == []
        assert len(list_subscriptions(bob)) == 1

    def test_a_repeat_with_its_key_gets_the_same_response(self, ada: Account) -> None:
        key = {"Idempotency-Key": "once"}
        first, second = (
            ada.client.post(SUBSCRIPTIONS, json={"endpoint": ENDPOINT, "keys": KEYS}, headers=key) for _ in range(2)
        )

        assert (first.status_code, second.status_code) == (201, 201)
        assert second.headers["idempotent-replayed"] == "true"
        assert first.json() == second.json()

    def test_one_beyond_the_quota_is_refused(self, ada: Account) -> None:
        quota = Quotas().push_subscriptions
        for number in range(quota):
            subscribe(ada, f"https://push.example.com/{number}")

        document = problem(post(ada, endpoint="https://push.example.com/one-more"), 403, "quota_exceeded")
        assert (document["quota"], document["limit"]) == ("push_subscriptions", quota)
        usage = ada.client.get(f"{AUTH}/me/usage").json()["push_subscriptions"]
        assert usage == {"used": quota, "limit": quota}
        assert post(ada, endpoint="https://push.example.com/0").status_code == 200

    @pytest.mark.parametrize(
        "endpoint",
        [
            "",
            "push.example.com/1",
            "http://push.example.com/1",
            "https://127.0.0.1/1",
            "https://localhost/1",
            "https://[::1]/1",
            "https://169.254.169.254/latest/meta-data",
            "https://user:password@push.example.com/1",
            "https://push.example.com:22/1",
            "https://push.example.com/a b",
            "https://push.example.com/\u0000",
            f"https://push.example.com/{'x' * 2048}",
            "file:///etc/passwd",
        ],
    )
    def test_an_endpoint_that_is_no_public_https_url_is_refused(self, ada: Account, endpoint: str) -> None:
        document = problem(post(ada, endpoint=endpoint), 422, "validation_failed")

        assert [error["field"] for error in document["errors"]] == ["endpoint"]
        assert list_subscriptions(ada) == []

    @pytest.mark.parametrize(
        "keys",
        [
            {},
            {"p256dh": KEYS["p256dh"]},
            {"auth": KEYS["auth"]},
            KEYS | {"p256dh": KEYS["auth"]},
            KEYS | {"p256dh": "A" * 87},
            KEYS | {"p256dh": KEYS["p256dh"][:-4] + "AAAA"},
            KEYS | {"p256dh": "B" + "_" * 86},
            KEYS | {"p256dh": KEYS["p256dh"] + "!"},
            KEYS | {"auth": "A" * 21},
            KEYS | {"auth": "A" * 44},
            KEYS | {"auth": ""},
            KEYS | {"auth": "ä" * 22},
            KEYS | {"more": "x"},
        ],
    )
    def test_keys_that_no_browser_makes_are_refused(self, ada: Account, keys: dict[str, str]) -> None:
        problem(post(ada, keys=keys), 422, "validation_failed")
        assert list_subscriptions(ada) == []


class TestList:
    def test_it_has_pages_with_the_newest_first(self, ada: Account) -> None:
        created = [subscribe(ada, f"https://push.example.com/{number}")["id"] for number in range(3)]
        first = ada.client.get(SUBSCRIPTIONS, params={"limit": 2})
        second = ada.client.get(first.links["next"]["url"])

        assert [each["id"] for each in [*first.json(), *second.json()]] == created[::-1]

    def test_no_response_has_the_keys(self, ada: Account) -> None:
        subscribe(ada)

        for url in (SUBSCRIPTIONS, f"{AUTH}/me/export"):
            text = ada.client.get(url).text
            assert ENDPOINT in text
            assert KEYS["auth"] not in text
            assert KEYS["p256dh"] not in text


class TestDelete:
    def test_it_is_gone(self, ada: Account) -> None:
        path = f"{SUBSCRIPTIONS}/{subscribe(ada)['id']}"

        assert ada.client.delete(path).status_code == 204
        assert list_subscriptions(ada) == []
        problem(ada.client.delete(path), 404, "subscription_not_found")

    def test_signing_out_ends_the_subscription_of_the_browser(self, ada: Account) -> None:
        subscribe(ada)
        ada.client.post(f"{AUTH}/logout")
        sign_in(ada.client, ada.email)

        assert list_subscriptions(ada) == []

    def test_closing_the_account_ends_it(self, ada: Account, bob: Account) -> None:
        subscribe(ada)
        assert close_account(ada.client).status_code == 204

        assert subscribe(bob)["endpoint"] == ENDPOINT


class TestWithoutSettings:
    @pytest.fixture
    def without_push(self, newcomers: Newcomers, environment: dict[str, str]) -> Iterator[Account]:
        """An account at a service without a key for web push."""
        assert environment
        settings = load().model_copy(update={"push": PushSettings()})
        app = create_app(*groups.load_routers("reminders"), settings=settings)
        with start_blocking_portal() as portal, InProcess(app, portal).client() as client:
            yield newcomers.sign_in(client)

    def test_the_routes_of_push_say_so(self, without_push: Account) -> None:
        problem(without_push.client.get(PUSH_KEY), 503, "push_not_configured")
        problem(post(without_push), 503, "push_not_configured")
        assert list_subscriptions(without_push) == []
        assert without_push.client.get(f"{REMINDERS}/channels").status_code == 200
