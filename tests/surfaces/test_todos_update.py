"""PATCH /api/v1/todos/{id}: a merge patch, guarded by If-Match."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from time import monotonic, sleep
from typing import Any

import httpx2
import pytest

from tests import postgres
from tests.accounts import AUTH, TODOS, Account, problem

UNKNOWN = f"{TODOS}/0198c5a1-7a10-7b3e-8c55-2f4d0c9e1a22"
TOGETHER = 4
LONGEST_QUEUEING = 0.5
WAITING = "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted"

EVERYTHING: dict[str, Any] = {
    "description": "The blue one",
    "completed": True,
    "priority": "high",
    "due_date": "2030-01-31",
    "tags": ["home", "shop"],
    "order": 4.5,
}


def changed(account: Account, todo: dict[str, Any], **changes: object) -> dict[str, Any]:
    """The todo after these changes."""
    response = account.client.patch(todo["url"], json=changes)
    assert response.status_code == 200, response.text
    after: dict[str, Any] = response.json()
    return after


@contextmanager
def locked(database_url: str, todo_id: str) -> Iterator[Callable[[int], None]]:
    """Holds the todo's row, so that changes queue up behind it; gives a way to wait until so many do.

    A way of serving that takes one request at a time never gets beyond one, so the wait has an end.
    """
    with asyncio.Runner() as runner:
        connection = runner.run(postgres.connect(database_url))

        def until_waiting(count: int) -> None:
            deadline = monotonic() + LONGEST_QUEUEING
            while runner.run(connection.fetchval(WAITING)) < count and monotonic() < deadline:
                sleep(0.005)

        runner.run(connection.execute("BEGIN"))
        runner.run(connection.fetchval("SELECT 1 FROM todos WHERE id = $1 FOR UPDATE", todo_id))
        try:
            yield until_waiting
        finally:
            runner.run(connection.close())


def only(todo: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: todo[name] for name in names}


def without(todo: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in todo.items() if name not in names}


class TestUpdate:
    @pytest.mark.parametrize(
        "change",
        [
            {"title": "Buy oat milk"},
            {"description": "The green one"},
            {"priority": "low"},
            {"due_date": "2031-02-01"},
            {"tags": ["shop"]},
            {"order": -2.5},
        ],
    )
    def test_changes_what_is_given_and_keeps_the_rest(self, ada: Account, change: dict[str, object]) -> None:
        todo = ada.add(**EVERYTHING)
        after = changed(ada, todo, **change)
        assert only(after, *change) == change
        touched = (*change, "version", "updated_at")
        assert without(after, *touched) == without(todo, *touched)

    def test_the_answer_is_what_a_read_shows(self, ada: Account) -> None:
        todo = ada.add()
        response = ada.client.patch(todo["url"], json={"title": "Buy oat milk"})
        read = ada.client.get(todo["url"])
        assert response.json() == read.json()
        assert response.headers["etag"] == read.headers["etag"]

    def test_takes_the_media_type_of_a_merge_patch(self, ada: Account) -> None:
        todo = ada.add()
        headers = {"Content-Type": "application/merge-patch+json"}
        response = ada.client.patch(todo["url"], content=b'{"title": "Buy oat milk"}', headers=headers)
        assert (response.status_code, response.json()["title"]) == (200, "Buy oat milk")

    @pytest.mark.parametrize(
        ("field", "cleared"),
        [("description", None), ("due_date", None), ("tags", []), ("priority", "none")],
    )
    def test_null_clears(self, ada: Account, field: str, cleared: object) -> None:
        todo = ada.add(**EVERYTHING)
        after = changed(ada, todo, **{field: None})
        assert after[field] == cleared
        touched = (field, "version", "updated_at")
        assert without(after, *touched) == without(todo, *touched)

    def test_null_clears_an_instant_too(self, ada: Account) -> None:
        assert changed(ada, ada.add(due_at="2030-01-31T17:00:00Z"), due_at=None)["due_at"] is None

    @pytest.mark.parametrize("field", ["title", "completed", "order"])
    def test_null_is_refused_where_nothing_can_be_cleared(self, ada: Account, field: str) -> None:
        todo = ada.add(**EVERYTHING)
        refused = problem(ada.client.patch(todo["url"], json={field: None}), 422, "validation_failed")
        assert [error["field"] for error in refused["errors"]] == [field]
        assert ada.client.get(todo["url"]).json() == todo

    def test_one_wrong_field_keeps_all_of_it_out(self, ada: Account) -> None:
        todo = ada.add()
        problem(ada.client.patch(todo["url"], json={"title": "New", "priority": "huge"}), 422, "validation_failed")
        assert ada.client.get(todo["url"]).json() == todo

    def test_touches_no_other_todo(self, ada: Account) -> None:
        todo, other = ada.add("Buy milk"), ada.add("Buy bread")
        changed(ada, todo, title="Buy oat milk", completed=True)
        assert ada.client.get(other["url"]).json() == other

    def test_text_is_nfc_and_trimmed(self, ada: Account) -> None:
        after = changed(ada, ada.add(), title=" Cafe\u0301 ", description=" a\r\nb ", tags=[" x", "x "])
        assert only(after, "title", "description", "tags") == {
            "title": "Caf\u00e9",
            "description": "a\nb",
            "tags": ["x"],
        }

    def test_a_new_order_is_a_new_place(self, ada: Account) -> None:
        first = ada.add("First")
        ada.add("Second")
        changed(ada, first, order=9)
        assert ada.titles() == ["Second", "First"]

    def test_needs_a_session(self, ada: Account, client: httpx2.Client) -> None:
        problem(client.patch(ada.add()["url"], json={"title": "New"}), 401, "not_authenticated")
        assert ada.titles() == ["Buy milk"]

    def test_needs_one_that_goes_on(self, ada: Account, bob: Account, client: httpx2.Client) -> None:
        todo, bearer, (session,) = ada.add(), ada.bearer, ada.client.get(f"{AUTH}/sessions").json()
        ada.client.delete(f"{AUTH}/sessions/{session['id']}").raise_for_status()
        changes = {"title": "New", "completed": True}
        problem(client.patch(todo["url"], json=changes, headers=bearer), 401, "not_authenticated")
        problem(client.patch(todo["url"], json=changes, headers=bob.bearer), 404, "todo_not_found")

    def test_who_asks_comes_before_what_is_asked_for(self, client: httpx2.Client) -> None:
        problem(client.patch(f"{TODOS}/none", json={"title": 5}), 401, "not_authenticated")

    def test_an_unknown_todo_is_not_found(self, ada: Account) -> None:
        problem(ada.client.patch(UNKNOWN, json={"title": "New"}), 404, "todo_not_found")

    def test_another_users_todo_is_not_found(self, ada: Account, bob: Account) -> None:
        todo = ada.add()
        problem(bob.client.patch(todo["url"], json={"title": "Bob's"}), 404, "todo_not_found")
        assert ada.client.get(todo["url"]).json() == todo

    @pytest.mark.parametrize("headers", [{}, {"If-Match": "*"}, {"If-Match": '"1"'}, {"If-Match": '"7"'}])
    @pytest.mark.parametrize("change", [{}, {"title": "Bob's"}, {"completed": True}])
    def test_another_users_todo_is_like_one_that_never_existed(
        self, ada: Account, bob: Account, headers: dict[str, str], change: dict[str, object]
    ) -> None:
        todo = ada.add()
        adas, unknown = (bob.client.patch(url, json=change, headers=headers) for url in (todo["url"], UNKNOWN))
        problem(adas, 404, "todo_not_found")
        assert adas.json() | {"request_id": ""} == unknown.json() | {"request_id": ""}
        assert set(adas.headers) == set(unknown.headers)
        assert ada.client.get(todo["url"]).json() == todo


class TestVersion:
    def test_goes_up_with_every_change(self, ada: Account) -> None:
        todo = ada.add()
        versions = [changed(ada, todo, title=f"Title {number}")["version"] for number in range(3)]
        assert versions == [2, 3, 4]

    def test_the_time_of_the_last_change_goes_on(self, ada: Account) -> None:
        todo = ada.add()
        after = changed(ada, todo, title="Buy oat milk")
        assert after["updated_at"] > todo["updated_at"]
        assert after["updated_at"].endswith("Z")

    def test_the_time_of_creation_stays(self, ada: Account) -> None:
        todo = ada.add()
        assert changed(ada, todo, title="Buy oat milk")["created_at"] == todo["created_at"]

    def test_an_empty_patch_changes_nothing(self, ada: Account) -> None:
        todo = ada.add(**EVERYTHING)
        assert changed(ada, todo) == todo
        assert ada.client.get(todo["url"]).json() == todo

    def test_a_refused_patch_changes_nothing(self, ada: Account) -> None:
        todo = ada.add()
        problem(ada.client.patch(todo["url"], json={"title": ""}), 422, "validation_failed")
        assert ada.client.get(todo["url"]).json() == todo


class TestCompleting:
    def test_is_done_now(self, ada: Account) -> None:
        after = changed(ada, ada.add(), completed=True)
        assert after["completed"] is True
        assert after["completed_at"] == after["updated_at"]

    def test_again_keeps_the_first_time(self, ada: Account) -> None:
        todo = changed(ada, ada.add(), completed=True)
        assert changed(ada, todo, completed=True)["completed_at"] == todo["completed_at"]

    def test_what_is_done_keeps_its_time_through_other_changes(self, ada: Account) -> None:
        todo = changed(ada, ada.add(), completed=True)
        assert changed(ada, todo, title="Bought milk")["completed_at"] == todo["completed_at"]

    def test_reopening_clears_the_time(self, ada: Account) -> None:
        todo = changed(ada, ada.add(), completed=True)
        assert only(changed(ada, todo, completed=False), "completed", "completed_at") == {
            "completed": False,
            "completed_at": None,
        }

    def test_after_reopening_is_done_anew(self, ada: Account) -> None:
        first = changed(ada, ada.add(), completed=True)
        changed(ada, first, completed=False)
        assert changed(ada, first, completed=True)["completed_at"] > first["completed_at"]

    def test_reopening_what_is_open_is_fine(self, ada: Account) -> None:
        assert changed(ada, ada.add(), completed=False)["completed_at"] is None


class TestDue:
    def test_a_day_takes_the_place_of_an_instant(self, ada: Account) -> None:
        after = changed(ada, ada.add(due_at="2030-01-31T17:00:00Z"), due_date="2030-02-01")
        assert only(after, "due_date", "due_at") == {"due_date": "2030-02-01", "due_at": None}

    def test_an_instant_takes_the_place_of_a_day(self, ada: Account) -> None:
        after = changed(ada, ada.add(due_date="2030-01-31"), due_at="2030-02-01T09:00:00+01:00")
        assert only(after, "due_date", "due_at") == {"due_date": None, "due_at": "2030-02-01T08:00:00Z"}

    def test_clearing_the_one_keeps_the_other(self, ada: Account) -> None:
        assert changed(ada, ada.add(due_date="2030-01-31"), due_at=None)["due_date"] == "2030-01-31"
        assert changed(ada, ada.add(due_at="2030-01-31T17:00:00Z"), due_date=None)["due_at"] == "2030-01-31T17:00:00Z"

    def test_clearing_the_one_may_set_the_other(self, ada: Account) -> None:
        after = changed(ada, ada.add(due_date="2030-01-31"), due_date=None, due_at="2030-02-01T09:00:00Z")
        assert only(after, "due_date", "due_at") == {"due_date": None, "due_at": "2030-02-01T09:00:00Z"}

    def test_both_may_be_cleared(self, ada: Account) -> None:
        after = changed(ada, ada.add(due_date="2030-01-31"), due_date=None, due_at=None)
        assert only(after, "due_date", "due_at") == {"due_date": None, "due_at": None}

    def test_both_at_once_are_refused(self, ada: Account) -> None:
        todo = ada.add()
        both = {"due_date": "2030-01-31", "due_at": "2030-01-31T17:00:00Z"}
        problem(ada.client.patch(todo["url"], json=both), 422, "validation_failed")
        assert ada.client.get(todo["url"]).json() == todo


class TestIfMatch:
    @pytest.mark.parametrize("given", ["{}", "*", '"0", {}', '{},"another"', 'W/"0", {}', '"a, b", {}'])
    def test_with_the_current_tag_is_a_200(self, ada: Account, given: str) -> None:
        url = ada.add()["url"]
        headers = {"If-Match": given.format(ada.client.get(url).headers["etag"])}
        assert ada.client.patch(url, json={"title": "New"}, headers=headers).status_code == 200
        assert ada.titles() == ["New"]

    @pytest.mark.parametrize(
        "given", ["{}", '"another", {}', "W/{}", '"another"', "unquoted", '"99999999999999999999"']
    )
    def test_with_a_stale_tag_is_a_412(self, ada: Account, given: str) -> None:
        url = ada.add()["url"]
        headers = {"If-Match": given.format(ada.client.get(url).headers["etag"])}
        ada.client.patch(url, json={"title": "Newer"})
        problem(ada.client.patch(url, json={"title": "New"}, headers=headers), 412, "stale_version")
        assert ada.titles() == ["Newer"]

    def test_a_weak_tag_never_matches(self, ada: Account) -> None:
        url = ada.add()["url"]
        headers = {"If-Match": f"W/{ada.client.get(url).headers['etag']}"}
        problem(ada.client.patch(url, json={"title": "New"}, headers=headers), 412, "stale_version")

    def test_tags_may_come_on_several_lines(self, ada: Account) -> None:
        url = ada.add()["url"]
        lines = [("If-Match", '"another"'), ("If-Match", ada.client.get(url).headers["etag"])]
        assert ada.client.patch(url, json={"title": "New"}, headers=lines).status_code == 200

    def test_an_empty_patch_is_guarded_too(self, ada: Account) -> None:
        url = ada.add()["url"]
        headers = {"If-Match": ada.client.get(url).headers["etag"]}
        assert ada.client.patch(url, json={}, headers=headers).status_code == 200
        ada.client.patch(url, json={"title": "Newer"})
        problem(ada.client.patch(url, json={}, headers=headers), 412, "stale_version")

    def test_the_tag_of_a_patch_serves_the_next_one(self, ada: Account) -> None:
        url = ada.add()["url"]
        first = ada.client.patch(url, json={"title": "First"}, headers={"If-Match": "*"})
        second = ada.client.patch(url, json={"title": "Second"}, headers={"If-Match": first.headers["etag"]})
        assert second.status_code == 200

    def test_of_many_at_once_with_the_same_tag_one_wins(self, ada: Account, database_url: str) -> None:
        todo = ada.add()
        headers = {"If-Match": ada.client.get(todo["url"]).headers["etag"]}

        def patch(number: int) -> httpx2.Response:
            return ada.client.patch(todo["url"], json={"title": f"By {number}"}, headers=headers)

        with ThreadPoolExecutor(TOGETHER) as clients:
            with locked(database_url, todo["id"]) as until_waiting:
                pending = [clients.submit(patch, number) for number in range(TOGETHER)]
                until_waiting(TOGETHER)
            answers = [each.result() for each in pending]
        assert sorted(answer.status_code for answer in answers) == [200] + [412] * (TOGETHER - 1)
        [won] = [answer.json() for answer in answers if answer.status_code == 200]
        assert ada.client.get(todo["url"]).json() == won

    def test_of_many_at_once_without_a_tag_none_is_lost(self, ada: Account) -> None:
        url = ada.add()["url"]
        fields = ({"title": "New"}, {"description": "New"}, {"priority": "high"}, {"tags": ["new"]}, {"order": 5})
        with ThreadPoolExecutor(len(fields)) as clients:
            list(clients.map(lambda change: ada.client.patch(url, json=change), fields))
        todo = ada.client.get(url).json()
        assert only(todo, "title", "description", "priority", "tags", "order") == {
            "title": "New",
            "description": "New",
            "priority": "high",
            "tags": ["new"],
            "order": 5,
        }
        assert todo["version"] == 1 + len(fields)
        log = ada.client.get(f"{TODOS}/changes", params={"since": 1}).json()
        assert [change["after"]["version"] for change in log] == [2, 3, 4, 5, 6]
        assert all(change["before"] == earlier["after"] for earlier, change in pairwise(log))
