"""GET /api/v1/todos/changes, and what leads out of the trash: POST /api/v1/todos/{id}/restore."""

from datetime import datetime
from typing import Any

import httpx2
import pytest

from tests.accounts import TODOS, Account, problem

CHANGES = f"{TODOS}/changes"
UNKNOWN = f"{TODOS}/0198c5a1-7a10-7b3e-8c55-2f4d0c9e1a22"
LARGEST = 2**63 - 1

type Json = dict[str, Any]


def changes_of(account: Account, **parameters: int) -> list[Json]:
    answered = account.client.get(CHANGES, params=parameters)
    assert answered.status_code == 200, answered.text
    found: list[Json] = answered.json()
    return found


def todo_of(account: Account, url: str) -> Json:
    read = account.client.get(url)
    assert read.status_code == 200, read.text
    todo: Json = read.json()
    return todo


def trashed(account: Account) -> list[Json]:
    listed = account.client.get(TODOS, params={"trashed": True})
    assert listed.status_code == 200, listed.text
    found: list[Json] = listed.json()
    return found


def put_into_trash(account: Account, url: str) -> None:
    assert account.client.delete(url).status_code == 204


@pytest.fixture
def program(ada: Account, client: httpx2.Client) -> Account:
    """Ada's account as a program uses it: by bearer token, without a cookie."""
    client.headers.update(ada.bearer)
    return Account(client, ada.user)


class TestChanges:
    def test_are_none_at_first(self, ada: Account) -> None:
        assert changes_of(ada) == []

    def test_tell_of_a_creation(self, ada: Account) -> None:
        todo = ada.add("Buy milk", description="The blue one", tags=["home"], due_at="2030-01-31T17:00:00+01:00")
        [change] = changes_of(ada)
        assert datetime.fromisoformat(change.pop("created_at")) == datetime.fromisoformat(todo["created_at"])
        assert change == {
            "seq": 1,
            "todo_id": todo["id"],
            "op": "create",
            "actor": {"kind": "user", "turn_id": None},
            "before": None,
            "after": todo,
        }

    def test_hold_the_todo_before_and_after_just_as_a_read_answers_it(self, ada: Account) -> None:
        url = ada.add("Buy milk", due_date="2030-01-31", order=-1.5)["url"]
        states = [todo_of(ada, url)]
        for patch in (
            {"title": "Buy oat milk", "due_at": "2030-01-31T16:00:00.123456Z", "tags": ["b", "a"]},
            {"completed": True},
            {"completed": False, "description": "“€” \u2028 \U0001f600", "due_at": None},
        ):
            assert ada.client.patch(url, json=patch).status_code == 200
            states.append(todo_of(ada, url))
        found = changes_of(ada)
        assert [change["after"] for change in found] == states
        assert [change["before"] for change in found] == [None, *states[:-1]]

    def test_name_each_operation(self, ada: Account) -> None:
        url = ada.add()["url"]
        for patch in ({"title": "Buy oat milk"}, {"completed": True}, {"completed": False}):
            ada.client.patch(url, json=patch)
        put_into_trash(ada, url)
        ada.client.post(f"{url}/restore")
        ops = ["create", "update", "complete", "reopen", "delete", "restore"]
        assert [(change["seq"], change["op"]) for change in changes_of(ada)] == list(enumerate(ops, start=1))

    def test_hold_what_lies_in_the_trash_as_its_list_shows_it(self, ada: Account) -> None:
        put_into_trash(ada, ada.add()["url"])
        assert [changes_of(ada)[-1]["after"]] == trashed(ada)

    def test_name_what_is_both_by_the_completion(self, ada: Account) -> None:
        url = ada.add()["url"]
        ada.client.patch(url, json={"title": "Bought milk", "completed": True})
        assert changes_of(ada, since=1)[0]["op"] == "complete"

    def test_are_none_where_nothing_was_written(self, ada: Account) -> None:
        url = ada.add()["url"]
        ada.client.patch(url, json={})
        ada.client.post(f"{url}/restore")
        ada.client.patch(url, json={"title": "Never"}, headers={"If-Match": '"7"'})
        assert len(changes_of(ada)) == 1

    def test_tell_a_page_from_a_program(self, ada: Account, program: Account) -> None:
        url = ada.add()["url"]
        program.client.patch(url, json={"completed": True})
        ada.client.patch(url, json={"completed": False})
        put_into_trash(program, url)
        program.client.post(f"{url}/restore")
        kinds = [change["actor"] for change in changes_of(ada)]
        assert kinds == [{"kind": kind, "turn_id": None} for kind in ("user", "token", "user", "token", "token")]

    def test_are_the_same_by_bearer_token(self, ada: Account, program: Account) -> None:
        ada.add()
        assert changes_of(program) == changes_of(ada)

    def test_are_ones_own_only(self, ada: Account, bob: Account) -> None:
        adas, bobs = ada.add("Ada's"), bob.add("Bob's")
        assert bob.client.patch(adas["url"], json={"title": "Mine"}).status_code == 404
        assert [(change["seq"], change["after"]) for change in changes_of(ada)] == [(1, adas)]
        assert [(change["seq"], change["after"]) for change in changes_of(bob)] == [(1, bobs)]

    def test_need_a_session(self, client: httpx2.Client) -> None:
        problem(client.get(CHANGES), 401, "not_authenticated")

    def test_may_be_kept_but_not_used_unasked(self, ada: Account) -> None:
        assert ada.client.get(CHANGES).headers["cache-control"] == "private, no-cache"

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
    def test_are_not_written_by_anyone(self, ada: Account, method: str) -> None:
        ada.add()
        assert ada.client.request(method, CHANGES).status_code in {405, 422}
        assert len(changes_of(ada)) == 1


class TestSince:
    def test_is_0_by_default(self, ada: Account) -> None:
        ada.add()
        assert changes_of(ada) == changes_of(ada, since=0)

    def test_leaves_out_what_was_seen(self, ada: Account) -> None:
        for title in "abcd":
            ada.add(title)
        assert [change["after"]["title"] for change in changes_of(ada, since=2)] == ["c", "d"]

    @pytest.mark.parametrize("since", [3, 4, 10**6, LARGEST])
    def test_beyond_the_end_shows_nothing(self, ada: Account, since: int) -> None:
        for title in "abc":
            ada.add(title)
        answered = ada.client.get(CHANGES, params={"since": since})
        assert (answered.status_code, answered.json()) == (200, [])
        assert "link" not in answered.headers

    @pytest.mark.parametrize("since", ["-1", "x", "", "1.5", "1e3", "null", str(LARGEST + 1), "9" * 50])
    def test_is_refused_unless_it_is_a_number_of_the_log(self, ada: Account, since: str) -> None:
        refused = problem(ada.client.get(CHANGES, params={"since": since}), 422, "validation_failed")
        assert [error["field"] for error in refused["errors"]] == ["since"]

    @pytest.mark.parametrize("limit", ["0", "201", "-1", "x"])
    def test_with_a_limit_out_of_bounds_is_refused(self, ada: Account, limit: str) -> None:
        refused = problem(ada.client.get(CHANGES, params={"limit": limit}), 422, "validation_failed")
        assert [error["field"] for error in refused["errors"]] == ["limit"]

    @pytest.mark.parametrize("name", ["nope", "Since", "cursor", "user_id"])
    def test_beside_an_unknown_parameter_is_refused(self, ada: Account, name: str) -> None:
        refused = problem(ada.client.get(CHANGES, params={name: "1"}), 422, "validation_failed")
        assert [error["field"] for error in refused["errors"]] == [name]


class TestPages:
    def test_lead_on_by_link_to_the_end(self, ada: Account) -> None:
        for number in range(7):
            ada.add(str(number))
        page = ada.client.get(CHANGES, params={"limit": 3})
        pages = [page.json()]
        while "next" in page.links:
            page = ada.client.get(page.links["next"]["url"])
            pages.append(page.json())
        assert [[change["seq"] for change in page] for page in pages] == [[1, 2, 3], [4, 5, 6], [7]]

    def test_end_without_a_link(self, ada: Account) -> None:
        for number in range(3):
            ada.add(str(number))
        assert "link" not in ada.client.get(CHANGES, params={"limit": 3}).headers

    def test_take_in_what_comes_meanwhile(self, ada: Account) -> None:
        for number in range(3):
            ada.add(str(number))
        page = ada.client.get(CHANGES, params={"limit": 2})
        ada.add("meanwhile")
        later = ada.client.get(page.links["next"]["url"])
        assert [change["after"]["title"] for change in later.json()] == ["2", "meanwhile"]


class TestRestore:
    def test_answers_the_todo_with_its_tag(self, ada: Account) -> None:
        todo = ada.add(tags=["home"], priority="high")
        put_into_trash(ada, todo["url"])
        restored = ada.client.post(f"{todo['url']}/restore")
        assert restored.status_code == 200
        assert restored.json() == todo | {
            "version": 3,
            "updated_at": restored.json()["updated_at"],
        }
        read = ada.client.get(todo["url"])
        assert (read.json(), read.headers["etag"]) == (restored.json(), restored.headers["etag"])

    def test_it_is_in_the_list_again_and_not_in_the_trash(self, ada: Account) -> None:
        url = ada.add()["url"]
        put_into_trash(ada, url)
        assert (ada.titles(), [todo["title"] for todo in trashed(ada)]) == ([], ["Buy milk"])
        ada.client.post(f"{url}/restore")
        assert (ada.titles(), trashed(ada)) == (["Buy milk"], [])

    def test_of_one_that_is_not_in_the_trash_answers_it_as_it_is(self, ada: Account) -> None:
        todo = ada.add()
        restored = ada.client.post(f"{todo['url']}/restore")
        assert (restored.status_code, restored.json()) == (200, todo)
        assert restored.headers["etag"] == ada.client.get(todo["url"]).headers["etag"]

    def test_again_changes_nothing(self, ada: Account) -> None:
        url = ada.add()["url"]
        put_into_trash(ada, url)
        first, second = (ada.client.post(f"{url}/restore") for _ in range(2))
        assert (first.json(), first.headers["etag"]) == (second.json(), second.headers["etag"])

    def test_an_unknown_todo_is_not_found(self, ada: Account) -> None:
        problem(ada.client.post(f"{UNKNOWN}/restore"), 404, "todo_not_found")

    @pytest.mark.parametrize("headers", [{}, {"If-Match": "*"}, {"If-Match": '"1"'}, {"If-Match": '"7"'}])
    def test_another_users_todo_is_like_one_that_never_existed(
        self, ada: Account, bob: Account, headers: dict[str, str]
    ) -> None:
        url = ada.add()["url"]
        put_into_trash(ada, url)
        adas, unknown = (bob.client.post(f"{each}/restore", headers=headers) for each in (url, UNKNOWN))
        problem(adas, 404, "todo_not_found")
        assert adas.json() | {"request_id": ""} == unknown.json() | {"request_id": ""}
        assert (ada.titles(), len(trashed(ada))) == ([], 1)

    def test_needs_a_session(self, ada: Account, client: httpx2.Client) -> None:
        url = ada.add()["url"]
        put_into_trash(ada, url)
        problem(client.post(f"{url}/restore"), 401, "not_authenticated")
        assert ada.titles() == []

    @pytest.mark.parametrize("given", ["*", '"0", "{}"', '"{}"'])
    def test_with_the_current_tag_it_is_done(self, ada: Account, given: str) -> None:
        url = ada.add()["url"]
        put_into_trash(ada, url)
        current = trashed(ada)[0]["version"]
        restored = ada.client.post(f"{url}/restore", headers={"If-Match": given.format(current)})
        assert restored.status_code == 200
        assert ada.titles() == ["Buy milk"]

    def test_with_a_stale_tag_it_stays_in_the_trash(self, ada: Account) -> None:
        url = ada.add()["url"]
        stale = ada.client.get(url).headers["etag"]
        put_into_trash(ada, url)
        problem(ada.client.post(f"{url}/restore", headers={"If-Match": stale}), 412, "stale_version")
        assert (ada.titles(), len(trashed(ada))) == ([], 1)

    def test_with_a_stale_tag_is_refused_outside_of_the_trash_too(self, ada: Account) -> None:
        url = ada.add()["url"]
        stale = ada.client.get(url).headers["etag"]
        ada.client.patch(url, json={"title": "Buy oat milk"})
        problem(ada.client.post(f"{url}/restore", headers={"If-Match": stale}), 412, "stale_version")


class TestTrash:
    def test_is_empty_at_first(self, ada: Account) -> None:
        ada.add()
        assert trashed(ada) == []

    def test_holds_what_was_deleted_and_says_since_when(self, ada: Account) -> None:
        todo = ada.add("Goes")
        ada.add("Stays")
        put_into_trash(ada, todo["url"])
        [found] = trashed(ada)
        assert found == todo | {"version": 2, "updated_at": found["updated_at"], "deleted_at": found["deleted_at"]}
        assert found["deleted_at"] == found["updated_at"] > todo["updated_at"]

    def test_is_not_what_a_list_shows_without_asking(self, ada: Account) -> None:
        put_into_trash(ada, ada.add("Goes")["url"])
        ada.add("Stays")
        assert ada.titles() == ada.titles(trashed=False) == ["Stays"]

    def test_takes_the_other_filters(self, ada: Account) -> None:
        for title, priority in (("Buy milk", "high"), ("Buy eggs", "low"), ("Call mum", "high")):
            put_into_trash(ada, ada.add(title, priority=priority)["url"])
        assert ada.titles(trashed=True, priority="high", q="buy") == ["Buy milk"]

    def test_has_pages(self, ada: Account) -> None:
        for title in "abc":
            put_into_trash(ada, ada.add(title)["url"])
        page = ada.client.get(TODOS, params={"trashed": True, "limit": 2})
        rest = ada.client.get(page.links["next"]["url"])
        assert sorted(todo["title"] for todo in [*page.json(), *rest.json()]) == ["a", "b", "c"]

    def test_is_ones_own(self, ada: Account, bob: Account) -> None:
        put_into_trash(ada, ada.add()["url"])
        assert trashed(bob) == []

    @pytest.mark.parametrize("value", ["1", "yes", "", "TRUE"])
    def test_is_asked_for_by_true_alone(self, ada: Account, value: str) -> None:
        refused = problem(ada.client.get(TODOS, params={"trashed": value}), 422, "validation_failed")
        assert [error["field"] for error in refused["errors"]] == ["trashed"]
