"""The header Idempotency-Key: a repeat of a request creates nothing and gets the response of the first request."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import httpx2
import pytest

from tests import postgres
from tests.accounts import PROJECTS, TODOS, Account, problem
from tests.serving import Surface

MILK = {"title": "Buy milk"}
REPEATS = 50
STORED_HEADERS = ("etag", "location", "content-type")
EXPIRE = "UPDATE idempotency_keys SET expires_at = now() WHERE user_id = $1 RETURNING key"
KEYS = "SELECT key FROM idempotency_keys WHERE user_id = $1"


def new_key() -> str:
    return uuid4().hex


def create(account: Account, key: str, body: Mapping[str, object] = MILK) -> httpx2.Response:
    return account.client.post(TODOS, json=body, headers={"Idempotency-Key": key})


def is_replayed(response: httpx2.Response) -> bool:
    return "idempotent-replayed" in response.headers


def user_id(account: Account) -> UUID:
    return UUID(account.user["id"])


class TestRepeat:
    def test_a_repeat_gets_the_first_response_and_changes_nothing(self, ada: Account) -> None:
        first, repeat = create(ada, key := new_key()), create(ada, key)

        assert (first.status_code, repeat.status_code) == (201, 201)
        assert repeat.content == first.content
        assert {name: repeat.headers[name] for name in STORED_HEADERS} == {
            name: first.headers[name] for name in STORED_HEADERS
        }
        assert (is_replayed(first), repeat.headers["idempotent-replayed"]) == (False, "true")
        assert ada.titles() == ["Buy milk"]

    def test_every_repeat_gets_the_first_response_after_later_changes_too(self, ada: Account) -> None:
        first = create(ada, key := new_key())
        ada.client.patch(first.json()["url"], json={"title": "Buy bread"}).raise_for_status()
        repeats = [create(ada, key) for _ in range(3)]

        assert [repeat.json() for repeat in repeats] == [first.json()] * 3
        assert ada.titles() == ["Buy bread"]

    def test_the_order_of_fields_does_not_matter(self, ada: Account) -> None:
        body = {"title": "Buy milk", "priority": "high"}
        create(ada, key := new_key(), body)

        assert is_replayed(create(ada, key, dict(reversed(body.items()))))

    def test_a_response_has_the_form_of_one_without_a_key(self, ada: Account) -> None:
        keyed, plain = create(ada, new_key()), ada.client.post(TODOS, json=MILK)

        assert keyed.json().keys() == plain.json().keys()
        assert {name: type(value) for name, value in keyed.json().items()} == {
            name: type(value) for name, value in plain.json().items()
        }
        assert [name for name in keyed.headers if name not in plain.headers] == []

    def test_a_repeat_with_a_trailing_slash_is_a_repeat(self, ada: Account) -> None:
        first = create(ada, key := new_key())
        repeat = ada.client.post(f"{TODOS}/", json=MILK, headers={"Idempotency-Key": key})

        assert repeat.content == first.content


class TestProject:
    def test_a_project_is_created_once(self, ada: Account) -> None:
        key = {"Idempotency-Key": new_key()}
        first, repeat = (ada.client.post(PROJECTS, json={"name": "Home"}, headers=key) for _ in range(2))

        assert (first.status_code, repeat.status_code) == (201, 201)
        assert repeat.content == first.content
        assert {name: repeat.headers[name] for name in STORED_HEADERS} == {
            name: first.headers[name] for name in STORED_HEADERS
        }
        assert (is_replayed(first), is_replayed(repeat)) == (False, True)
        assert ada.client.get(PROJECTS).json() == [first.json()]

    def test_a_key_of_another_route_is_another_key(self, ada: Account) -> None:
        create(ada, key := new_key())
        made = ada.client.post(PROJECTS, json={"name": "Home"}, headers={"Idempotency-Key": key})

        assert made.status_code == 201
        assert not is_replayed(made)

    def test_another_name_under_the_same_key_is_refused(self, ada: Account) -> None:
        key = {"Idempotency-Key": new_key()}
        ada.client.post(PROJECTS, json={"name": "Home"}, headers=key).raise_for_status()

        problem(ada.client.post(PROJECTS, json={"name": "Work"}, headers=key), 422, "idempotency_key_reused")


class TestKey:
    def test_another_body_under_the_same_key_is_refused(self, ada: Account) -> None:
        create(ada, key := new_key())

        problem(create(ada, key, {"title": "Buy bread"}), 422, "idempotency_key_reused")
        assert ada.titles() == ["Buy milk"]

    def test_two_users_may_use_the_same_key(self, ada: Account, bob: Account) -> None:
        first, other = create(ada, key := new_key()), create(bob, key, {"title": "Buy bread"})

        assert other.status_code == 201
        assert not is_replayed(other)
        assert other.json()["id"] != first.json()["id"]

    def test_another_key_creates_another_todo(self, ada: Account) -> None:
        assert create(ada, new_key()).json()["id"] != create(ada, new_key()).json()["id"]

    @pytest.mark.parametrize("key", [b"", b"two words", "Schlüssel".encode(), b"x" * 256])
    def test_an_invalid_key_is_refused(self, ada: Account, key: bytes) -> None:
        refused = ada.client.post(TODOS, json=MILK, headers={b"Idempotency-Key": key})

        document = problem(refused, 422, "validation_failed")
        assert [fault["field"].lower() for fault in document["errors"]] == ["idempotency-key"]

    def test_a_key_may_have_255_visible_characters(self, ada: Account) -> None:
        assert create(ada, "~" * 255).status_code == 201

    def test_a_refused_request_leaves_its_key_unused(self, ada: Account) -> None:
        problem(create(ada, key := new_key(), {"title": ""}), 422, "validation_failed")

        assert create(ada, key).status_code == 201

    def test_an_expired_key_may_be_used_again(self, ada: Account, database_url: str) -> None:
        first = create(ada, key := new_key())
        assert len(postgres.query(database_url, EXPIRE, user_id(ada))) == 1
        again = create(ada, key, {"title": "Buy bread"})

        assert again.status_code == 201
        assert not is_replayed(again)
        assert again.json()["id"] != first.json()["id"]
        assert create(ada, key, {"title": "Buy bread"}).content == again.content

    def test_a_key_expires_after_a_day(self, ada: Account, database_url: str) -> None:
        create(ada, new_key())
        left = "SELECT extract(epoch FROM expires_at - now())::int AS seconds FROM idempotency_keys WHERE user_id = $1"
        [row] = postgres.query(database_url, left, user_id(ada))

        assert 24 * 3600 - 60 < row["seconds"] <= 24 * 3600

    def test_a_deleted_account_has_no_keys(self, ada: Account, database_url: str) -> None:
        create(ada, new_key())
        postgres.query(database_url, "DELETE FROM users WHERE id = $1", user_id(ada))

        assert postgres.query(database_url, KEYS, user_id(ada)) == []

    def test_a_request_without_a_key_stores_nothing(self, ada: Account, database_url: str) -> None:
        ada.add()

        assert postgres.query(database_url, KEYS, user_id(ada)) == []


class TestConcurrency:
    def test_fifty_concurrent_repeats_create_one_todo_and_get_one_response(
        self, surface: Surface, ada: Account
    ) -> None:
        key = new_key()

        def send(_: int) -> httpx2.Response:
            with surface.client() as client:
                return client.post(TODOS, json=MILK, headers=ada.bearer | {"Idempotency-Key": key})

        with ThreadPoolExecutor(REPEATS) as threads:
            answers = list(threads.map(send, range(REPEATS)))

        assert {answer.status_code for answer in answers} == {201}, [answer.text for answer in answers]
        assert len({answer.content for answer in answers}) == 1
        assert len({tuple(answer.headers[name] for name in STORED_HEADERS) for answer in answers}) == 1
        assert sum(map(is_replayed, answers)) == REPEATS - 1
        assert ada.titles() == ["Buy milk"]
