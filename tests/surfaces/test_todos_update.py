"""PATCH /api/v1/todos/{id}: a merge patch with If-Match."""

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
from tests.accounts import AUTH, TODOS, UNKNOWN_TODO, Account, problem

TOGETHER = 4
MAX_QUEUEING_SECONDS = 0.5
WAITING = "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted"

EVERYTHING: dict[str, Any] = {
    "description": "The blue one",
    "completed": True,
    "priority": "high",
    "due_date": "2030-01-31",
    "recurrence": "FREQ=DAILY",
    "recurrence_from": "completion",
    "tags": ["home", "shop"],
    "order": 4.5,
}


def patch(account: Account, todo: dict[str, Any], **changes: object) -> dict[str, Any]:
    """Patches a todo and returns the todo of the response, without `completion`. Fails the test unless it is a 200."""
    response = account.client.patch(todo["url"], json=changes)
    assert response.status_code == 200, response.text
    after: dict[str, Any] = response.json()
    after.pop("completion", None)
    return after


@contextmanager
def lock_todo(database_url: str, todo_id: str) -> Iterator[Callable[[int], None]]:
    """Locks a todo's row during the block, so that patches queue. Yields a function that waits for `count` of them.

    The wait ends after 0.5 seconds: a surface that serves one request at a time never queues a second one.
    """
    with asyncio.Runner() as runner:
        connection = runner.run(postgres.connect(database_url))

        def wait_until_queued(count: int) -> None:
            deadline = monotonic() + MAX_QUEUEING_SECONDS
            while runner.run(connection.fetchval(WAITING)) < count and monotonic() < deadline:
                sleep(0.005)

        runner.run(connection.execute("BEGIN"))
        runner.run(connection.fetchval("SELECT 1 FROM todos WHERE id = $1 FOR UPDATE", todo_id))
        try:
            yield wait_until_queued
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
    def test_given_fields_change_and_the_rest_stays(self, ada: Account, change: dict[str, object]) -> None:
        todo = ada.add(**EVERYTHING)
        after = patch(ada, todo, **change)
        assert only(after, *change) == change
        touched = (*change, "version", "updated_at")
        assert without(after, *touched) == without(todo, *touched)

    def test_the_response_equals_a_later_read(self, ada: Account) -> None:
        todo = ada.add()
        response = ada.client.patch(todo["url"], json={"title": "Buy oat milk"})
        read = ada.client.get(todo["url"])
        assert response.json() == read.json()
        assert response.headers["etag"] == read.headers["etag"]

    def test_the_media_type_of_a_merge_patch_is_accepted(self, ada: Account) -> None:
        todo = ada.add()
        headers = {"Content-Type": "application/merge-patch+json"}
        response = ada.client.patch(todo["url"], content=b'{"title": "Buy oat milk"}', headers=headers)
        assert (response.status_code, response.json()["title"]) == (200, "Buy oat milk")

    @pytest.mark.parametrize(
        ("field", "cleared"),
        [
            ("description", None),
            ("recurrence", None),
            ("recurrence_from", "due"),
            ("tags", []),
            ("priority", "none"),
        ],
    )
    def test_null_clears_a_field(self, ada: Account, field: str, cleared: object) -> None:
        todo = ada.add(**EVERYTHING)
        after = patch(ada, todo, **{field: None})
        assert after[field] == cleared
        touched = (field, "version", "updated_at")
        assert without(after, *touched) == without(todo, *touched)

    def test_null_clears_due_at(self, ada: Account) -> None:
        assert patch(ada, ada.add(due_at="2030-01-31T17:00:00Z"), due_at=None)["due_at"] is None

    @pytest.mark.parametrize("field", ["title", "completed", "order"])
    def test_null_is_refused_for_required_fields(self, ada: Account, field: str) -> None:
        todo = ada.add(**EVERYTHING)
        refused = problem(ada.client.patch(todo["url"], json={field: None}), 422, "validation_failed")
        assert [error["field"] for error in refused["errors"]] == [field]
        assert ada.client.get(todo["url"]).json() == todo

    def test_one_invalid_field_refuses_the_whole_patch(self, ada: Account) -> None:
        todo = ada.add()
        problem(ada.client.patch(todo["url"], json={"title": "New", "priority": "huge"}), 422, "validation_failed")
        assert ada.client.get(todo["url"]).json() == todo

    def test_no_other_todo_changes(self, ada: Account) -> None:
        todo, other = ada.add("Buy milk"), ada.add("Buy bread")
        patch(ada, todo, title="Buy oat milk", completed=True)
        assert ada.client.get(other["url"]).json() == other

    def test_text_is_trimmed_and_normalised_to_nfc(self, ada: Account) -> None:
        after = patch(ada, ada.add(), title=" Cafe\u0301 ", description=" a\r\nb ", tags=[" x", "x "])
        assert only(after, "title", "description", "tags") == {
            "title": "Caf\u00e9",
            "description": "a\nb",
            "tags": ["x"],
        }

    def test_a_new_order_moves_the_todo_in_the_list(self, ada: Account) -> None:
        first = ada.add("First")
        ada.add("Second")
        patch(ada, first, order=9)
        assert ada.titles() == ["Second", "First"]

    def test_update_needs_a_session_that_has_not_ended(self, ada: Account, bob: Account, client: httpx2.Client) -> None:
        todo, bearer, (session,) = ada.add(), ada.bearer, ada.client.get(f"{AUTH}/sessions").json()
        ada.client.delete(f"{AUTH}/sessions/{session['id']}").raise_for_status()
        changes = {"title": "New", "completed": True}
        problem(client.patch(todo["url"], json=changes, headers=bearer), 401, "not_authenticated")
        problem(client.patch(todo["url"], json=changes, headers=bob.bearer), 404, "todo_not_found")

    def test_authentication_is_checked_before_the_id(self, client: httpx2.Client) -> None:
        problem(client.patch(f"{TODOS}/none", json={"title": 5}), 401, "not_authenticated")

    def test_an_unknown_todo_is_not_found(self, ada: Account) -> None:
        problem(ada.client.patch(UNKNOWN_TODO, json={"title": "New"}), 404, "todo_not_found")


class TestVersion:
    def test_each_change_increments_the_version(self, ada: Account) -> None:
        todo = ada.add()
        versions = [patch(ada, todo, title=f"Title {number}")["version"] for number in range(3)]
        assert versions == [2, 3, 4]

    def test_updated_at_increases(self, ada: Account) -> None:
        todo = ada.add()
        after = patch(ada, todo, title="Buy oat milk")
        assert after["updated_at"] > todo["updated_at"]
        assert after["updated_at"].endswith("Z")

    def test_created_at_stays(self, ada: Account) -> None:
        todo = ada.add()
        assert patch(ada, todo, title="Buy oat milk")["created_at"] == todo["created_at"]

    def test_an_empty_patch_changes_nothing(self, ada: Account) -> None:
        todo = ada.add(**EVERYTHING)
        assert patch(ada, todo) == todo
        assert ada.client.get(todo["url"]).json() == todo

    def test_a_refused_patch_changes_nothing(self, ada: Account) -> None:
        todo = ada.add()
        problem(ada.client.patch(todo["url"], json={"title": ""}), 422, "validation_failed")
        assert ada.client.get(todo["url"]).json() == todo


class TestCompleting:
    def test_completed_at_is_now(self, ada: Account) -> None:
        after = patch(ada, ada.add(), completed=True)
        assert after["completed"] is True
        assert after["completed_at"] == after["updated_at"]

    def test_completing_again_keeps_completed_at(self, ada: Account) -> None:
        todo = patch(ada, ada.add(), completed=True)
        assert patch(ada, todo, completed=True)["completed_at"] == todo["completed_at"]

    def test_other_changes_keep_completed_at(self, ada: Account) -> None:
        todo = patch(ada, ada.add(), completed=True)
        assert patch(ada, todo, title="Bought milk")["completed_at"] == todo["completed_at"]

    def test_reopening_clears_completed_at(self, ada: Account) -> None:
        todo = patch(ada, ada.add(), completed=True)
        assert only(patch(ada, todo, completed=False), "completed", "completed_at") == {
            "completed": False,
            "completed_at": None,
        }

    def test_completing_after_reopening_sets_completed_at_anew(self, ada: Account) -> None:
        first = patch(ada, ada.add(), completed=True)
        patch(ada, first, completed=False)
        assert patch(ada, first, completed=True)["completed_at"] > first["completed_at"]

    def test_reopening_an_open_todo_is_accepted(self, ada: Account) -> None:
        assert patch(ada, ada.add(), completed=False)["completed_at"] is None


class TestDue:
    def test_due_date_replaces_due_at(self, ada: Account) -> None:
        after = patch(ada, ada.add(due_at="2030-01-31T17:00:00Z"), due_date="2030-02-01")
        assert only(after, "due_date", "due_at") == {"due_date": "2030-02-01", "due_at": None}

    def test_due_at_replaces_due_date(self, ada: Account) -> None:
        after = patch(ada, ada.add(due_date="2030-01-31"), due_at="2030-02-01T09:00:00+01:00")
        assert only(after, "due_date", "due_at") == {"due_date": None, "due_at": "2030-02-01T08:00:00Z"}

    def test_clearing_the_unset_kind_of_due_keeps_the_other(self, ada: Account) -> None:
        assert patch(ada, ada.add(due_date="2030-01-31"), due_at=None)["due_date"] == "2030-01-31"
        assert patch(ada, ada.add(due_at="2030-01-31T17:00:00Z"), due_date=None)["due_at"] == "2030-01-31T17:00:00Z"

    def test_one_patch_may_clear_due_date_and_set_due_at(self, ada: Account) -> None:
        after = patch(ada, ada.add(due_date="2030-01-31"), due_date=None, due_at="2030-02-01T09:00:00Z")
        assert only(after, "due_date", "due_at") == {"due_date": None, "due_at": "2030-02-01T09:00:00Z"}

    def test_due_date_and_due_at_may_be_cleared_together(self, ada: Account) -> None:
        after = patch(ada, ada.add(due_date="2030-01-31"), due_date=None, due_at=None)
        assert only(after, "due_date", "due_at") == {"due_date": None, "due_at": None}

    def test_due_date_and_due_at_together_are_refused(self, ada: Account) -> None:
        todo = ada.add()
        both = {"due_date": "2030-01-31", "due_at": "2030-01-31T17:00:00Z"}
        problem(ada.client.patch(todo["url"], json=both), 422, "validation_failed")
        assert ada.client.get(todo["url"]).json() == todo


class TestIfMatch:
    @pytest.mark.parametrize("given", ["{}", "*", '"0", {}', '{},"another"', 'W/"0", {}', '"a, b", {}'])
    def test_the_current_etag_is_a_200(self, ada: Account, given: str) -> None:
        url = ada.add()["url"]
        headers = {"If-Match": given.format(ada.client.get(url).headers["etag"])}
        assert ada.client.patch(url, json={"title": "New"}, headers=headers).status_code == 200
        assert ada.titles() == ["New"]

    @pytest.mark.parametrize(
        "given", ["{}", '"another", {}', "W/{}", '"another"', "unquoted", '"99999999999999999999"']
    )
    def test_a_stale_etag_is_a_412(self, ada: Account, given: str) -> None:
        url = ada.add()["url"]
        headers = {"If-Match": given.format(ada.client.get(url).headers["etag"])}
        ada.client.patch(url, json={"title": "Newer"})
        problem(ada.client.patch(url, json={"title": "New"}, headers=headers), 412, "stale_version")
        assert ada.titles() == ["Newer"]

    def test_a_weak_etag_never_matches(self, ada: Account) -> None:
        url = ada.add()["url"]
        headers = {"If-Match": f"W/{ada.client.get(url).headers['etag']}"}
        problem(ada.client.patch(url, json={"title": "New"}, headers=headers), 412, "stale_version")

    def test_etags_may_come_in_several_headers(self, ada: Account) -> None:
        url = ada.add()["url"]
        lines = [("If-Match", '"another"'), ("If-Match", ada.client.get(url).headers["etag"])]
        assert ada.client.patch(url, json={"title": "New"}, headers=lines).status_code == 200

    def test_if_match_applies_to_an_empty_patch(self, ada: Account) -> None:
        url = ada.add()["url"]
        headers = {"If-Match": ada.client.get(url).headers["etag"]}
        assert ada.client.patch(url, json={}, headers=headers).status_code == 200
        ada.client.patch(url, json={"title": "Newer"})
        problem(ada.client.patch(url, json={}, headers=headers), 412, "stale_version")

    def test_the_etag_of_a_patch_is_valid_for_the_next(self, ada: Account) -> None:
        url = ada.add()["url"]
        first = ada.client.patch(url, json={"title": "First"}, headers={"If-Match": "*"})
        second = ada.client.patch(url, json={"title": "Second"}, headers={"If-Match": first.headers["etag"]})
        assert second.status_code == 200

    def test_one_of_many_simultaneous_patches_with_the_same_etag_succeeds(
        self, ada: Account, database_url: str
    ) -> None:
        todo = ada.add()
        headers = {"If-Match": ada.client.get(todo["url"]).headers["etag"]}

        def patch(number: int) -> httpx2.Response:
            return ada.client.patch(todo["url"], json={"title": f"By {number}"}, headers=headers)

        with ThreadPoolExecutor(TOGETHER) as clients:
            with lock_todo(database_url, todo["id"]) as wait_until_queued:
                pending = [clients.submit(patch, number) for number in range(TOGETHER)]
                wait_until_queued(TOGETHER)
            answers = [each.result() for each in pending]
        assert sorted(answer.status_code for answer in answers) == [200] + [412] * (TOGETHER - 1)
        [won] = [answer.json() for answer in answers if answer.status_code == 200]
        assert ada.client.get(todo["url"]).json() == won

    def test_no_simultaneous_patch_without_etag_is_lost(self, ada: Account) -> None:
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


class TestNoChange:
    """A patch that changes nothing makes no version and no entry in the log."""

    @pytest.mark.parametrize(
        "patch",
        [
            *(
                {"title": "Buy milk"},
                {"title": "  Buy milk "},
                {"completed": False},
                {"priority": "high"},
                {"order": 7},
            ),
            *({"tags": ["Home", "shop"]}, {"tags": ["home", "SHOP"]}, {"due_at": "2030-01-31T18:00:00+01:00"}),
            *({"due_at": "2030-01-31T17:00:00Z", "title": "Buy milk"}, {"description": None}, {"parent_id": None}, {}),
        ],
    )
    def test_the_same_values_make_no_version(self, ada: Account, patch: dict[str, object]) -> None:
        fields = {"priority": "high", "tags": ["Home", "shop"], "due_at": "2030-01-31T17:00:00Z", "order": 7}
        todo = ada.add("Buy milk", **fields)
        patched = ada.client.patch(todo["url"], json=patch)
        assert (patched.status_code, patched.json(), patched.headers["etag"]) == (200, todo, '"1"')
        assert ada.client.get(todo["url"]).json() == todo
        assert len(ada.client.get(f"{TODOS}/changes").json()) == 1

    def test_one_new_value_makes_one_version(self, ada: Account) -> None:
        todo = ada.add("Buy milk", priority="high")
        patched = ada.client.patch(todo["url"], json={"title": "Buy milk", "priority": "low"}).json()
        assert (patched["version"], patched["priority"]) == (2, "low")

    def test_a_stale_etag_is_refused_though_nothing_would_change(self, ada: Account) -> None:
        todo = ada.add("Buy milk")
        ada.client.patch(todo["url"], json={"title": "Buy oat milk"}).raise_for_status()
        stale = ada.client.patch(todo["url"], json={"title": "Buy oat milk"}, headers={"If-Match": '"1"'})
        problem(stale, 412, "stale_version")
        current = ada.client.patch(todo["url"], json={"title": "Buy oat milk"}, headers={"If-Match": '"2"'})
        assert (current.status_code, current.json()["version"]) == (200, 2)

    def test_a_batch_makes_no_version_either(self, ada: Account) -> None:
        todo = ada.add("Buy milk")
        operation = {"op": "update", "id": todo["id"], "changes": {"title": "Buy milk"}}
        done = ada.client.post(f"{TODOS}/batch", json={"operations": [operation] * 3}).json()
        assert [result["todo"] for result in done["results"]] == [todo] * 3
        assert len(ada.client.get(f"{TODOS}/changes").json()) == 1

    def test_a_missing_todo_is_not_found(self, ada: Account) -> None:
        todo = ada.add("Buy milk")
        ada.delete(todo["url"])
        problem(ada.client.patch(todo["url"], json={"title": "Buy milk"}), 404, "todo_not_found")

    def test_a_project_makes_no_version_either(self, ada: Account) -> None:
        project = ada.add_project("Home", order=3)
        for patch in ({"name": "Home"}, {"archived": False}, {"order": 3}, {"name": "Home", "order": 3}, {}):
            assert ada.client.patch(project["url"], json=patch).json() == project
        assert ada.client.patch(project["url"], json={"name": "House"}).json()["version"] == 2
