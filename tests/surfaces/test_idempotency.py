"""The header Idempotency-Key: what creates something does so once, however often it is sent."""

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
KEPT = ("etag", "location", "content-type")
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
    def test_gets_the_answer_of_the_first_and_does_nothing_anew(self, ada: Account) -> None:
        first, repeat = create(ada, key := new_key()), create(ada, key)

        assert (first.status_code, repeat.status_code) == (201, 201)
        assert repeat.content == first.content
        assert {name: repeat.headers[name] for name in KEPT} == {name: first.headers[name] for name in KEPT}
        assert (is_replayed(first), repeat.headers["idempotent-replayed"]) == (False, "true")
        assert ada.titles() == ["Buy milk"]

    def test_gets_the_same_answer_however_often_and_whatever_became_of_the_todo(self, ada: Account) -> None:
        first = create(ada, key := new_key())
        ada.client.patch(first.json()["url"], json={"title": "Buy bread"}).raise_for_status()
        repeats = [create(ada, key) for _ in range(3)]

        assert [repeat.json() for repeat in repeats] == [first.json()] * 3
        assert ada.titles() == ["Buy bread"]

    def test_may_have_its_fields_in_another_order(self, ada: Account) -> None:
        body = {"title": "Buy milk", "priority": "high"}
        create(ada, key := new_key(), body)

        assert is_replayed(create(ada, key, dict(reversed(body.items()))))

    def test_answers_as_a_request_without_a_key_does(self, ada: Account) -> None:
        keyed, plain = create(ada, new_key()), ada.client.post(TODOS, json=MILK)

        assert keyed.json().keys() == plain.json().keys()
        assert {name: type(value) for name, value in keyed.json().items()} == {
            name: type(value) for name, value in plain.json().items()
        }
        assert [name for name in keyed.headers if name not in plain.headers] == []

    def test_is_at_the_path_with_a_slash_too(self, ada: Account) -> None:
        first = create(ada, key := new_key())
        repeat = ada.client.post(f"{TODOS}/", json=MILK, headers={"Idempotency-Key": key})

        assert repeat.content == first.content


class TestProject:
    def test_is_made_once(self, ada: Account) -> None:
        key = {"Idempotency-Key": new_key()}
        first, repeat = (ada.client.post(PROJECTS, json={"name": "Home"}, headers=key) for _ in range(2))

        assert (first.status_code, repeat.status_code) == (201, 201)
        assert repeat.content == first.content
        assert {name: repeat.headers[name] for name in KEPT} == {name: first.headers[name] for name in KEPT}
        assert (is_replayed(first), is_replayed(repeat)) == (False, True)
        assert ada.client.get(PROJECTS).json() == [first.json()]

    def test_under_a_key_of_a_todo_is_another_matter(self, ada: Account) -> None:
        create(ada, key := new_key())
        made = ada.client.post(PROJECTS, json={"name": "Home"}, headers={"Idempotency-Key": key})

        assert made.status_code == 201
        assert not is_replayed(made)

    def test_with_another_name_under_the_same_key_is_refused(self, ada: Account) -> None:
        key = {"Idempotency-Key": new_key()}
        ada.client.post(PROJECTS, json={"name": "Home"}, headers=key).raise_for_status()

        problem(ada.client.post(PROJECTS, json={"name": "Work"}, headers=key), 422, "idempotency_key_reused")


class TestKey:
    def test_with_another_body_is_refused_and_nothing_is_done(self, ada: Account) -> None:
        create(ada, key := new_key())

        problem(create(ada, key, {"title": "Buy bread"}), 422, "idempotency_key_reused")
        assert ada.titles() == ["Buy milk"]

    def test_is_the_users_own(self, ada: Account, bob: Account) -> None:
        first, other = create(ada, key := new_key()), create(bob, key, {"title": "Buy bread"})

        assert other.status_code == 201
        assert not is_replayed(other)
        assert other.json()["id"] != first.json()["id"]

    def test_another_one_makes_another_todo(self, ada: Account) -> None:
        assert create(ada, new_key()).json()["id"] != create(ada, new_key()).json()["id"]

    @pytest.mark.parametrize("key", [b"", b"two words", "Schlüssel".encode(), b"x" * 256])
    def test_that_is_none_is_refused(self, ada: Account, key: bytes) -> None:
        refused = ada.client.post(TODOS, json=MILK, headers={b"Idempotency-Key": key})

        document = problem(refused, 422, "validation_failed")
        assert [fault["field"].lower() for fault in document["errors"]] == ["idempotency-key"]

    def test_may_have_255_visible_characters(self, ada: Account) -> None:
        assert create(ada, "~" * 255).status_code == 201

    def test_of_a_request_that_was_refused_is_still_free(self, ada: Account) -> None:
        problem(create(ada, key := new_key(), {"title": ""}), 422, "validation_failed")

        assert create(ada, key).status_code == 201

    def test_is_free_again_after_a_day(self, ada: Account, database_url: str) -> None:
        first = create(ada, key := new_key())
        assert len(postgres.query(database_url, EXPIRE, user_id(ada))) == 1
        again = create(ada, key, {"title": "Buy bread"})

        assert again.status_code == 201
        assert not is_replayed(again)
        assert again.json()["id"] != first.json()["id"]
        assert create(ada, key, {"title": "Buy bread"}).content == again.content

    def test_lives_for_a_day(self, ada: Account, database_url: str) -> None:
        create(ada, new_key())
        left = "SELECT extract(epoch FROM expires_at - now())::int AS seconds FROM idempotency_keys WHERE user_id = $1"
        [row] = postgres.query(database_url, left, user_id(ada))

        assert 24 * 3600 - 60 < row["seconds"] <= 24 * 3600

    def test_goes_with_the_account(self, ada: Account, database_url: str) -> None:
        create(ada, new_key())
        postgres.query(database_url, "DELETE FROM users WHERE id = $1", user_id(ada))

        assert postgres.query(database_url, KEYS, user_id(ada)) == []

    def test_is_not_kept_of_a_request_without_one(self, ada: Account, database_url: str) -> None:
        ada.add()

        assert postgres.query(database_url, KEYS, user_id(ada)) == []


class TestAtOnce:
    def test_fifty_repeats_make_one_todo_and_get_one_answer(self, surface: Surface, ada: Account) -> None:
        key = new_key()

        def send(_: int) -> httpx2.Response:
            with surface.client() as client:
                return client.post(TODOS, json=MILK, headers=ada.bearer | {"Idempotency-Key": key})

        with ThreadPoolExecutor(REPEATS) as threads:
            answers = list(threads.map(send, range(REPEATS)))

        assert {answer.status_code for answer in answers} == {201}, [answer.text for answer in answers]
        assert len({answer.content for answer in answers}) == 1
        assert len({tuple(answer.headers[name] for name in KEPT) for answer in answers}) == 1
        assert sum(map(is_replayed, answers)) == REPEATS - 1
        assert ada.titles() == ["Buy milk"]
