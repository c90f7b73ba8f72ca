"""Todos that recur: completing one moves it to its next occurrence, by the clocks of the user's zone."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests import postgres
from tests.accounts import TODOS, Account, problem

CHANGES = f"{TODOS}/changes"
DAILY = "FREQ=DAILY"

type Json = dict[str, Any]


def complete(account: Account, todo: Json, **changes: object) -> Json:
    response = account.client.patch(todo["url"], json={"completed": True, **changes})
    assert response.status_code == 200, response.text
    after: Json = response.json()
    return after


def only(todo: Json, *names: str) -> Json:
    return {name: todo[name] for name in names}


def live_in(account: Account, timezone: str, database_url: str) -> None:
    postgres.query(database_url, "UPDATE users SET timezone = $1 WHERE id = $2", timezone, account.user["id"])


class TestRule:
    def test_is_none_by_default(self, ada: Account) -> None:
        assert ada.add()["recurrence"] is None

    def test_is_kept_in_one_spelling(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-31", recurrence="RRULE:freq=weekly;byday=mo,th")
        assert todo["recurrence"] == "FREQ=WEEKLY;BYDAY=MO,TH"

    def test_may_be_changed_and_cleared(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-31", recurrence=DAILY)
        for rule in ("FREQ=MONTHLY;BYMONTHDAY=-1", None):
            patched = ada.client.patch(todo["url"], json={"recurrence": rule})
            assert patched.json()["recurrence"] == rule

    @pytest.mark.parametrize("rule", ["FREQ=SECONDLY", "FREQ=DAILY;COUNT=1000000000", "FREQ=YEARLY;BYMONTH=13", "", 7])
    def test_another_is_refused(self, ada: Account, rule: object) -> None:
        created = ada.client.post(TODOS, json={"title": "Milk", "due_date": "2030-01-31", "recurrence": rule})
        [error] = problem(created, 422, "validation_failed")["errors"]
        assert error["field"] == "recurrence"

    def test_a_new_one_needs_a_due(self, ada: Account) -> None:
        created = ada.client.post(TODOS, json={"title": "Milk", "recurrence": DAILY})
        [error] = problem(created, 422, "validation_failed")["errors"]
        assert error["code"] == "recurrence_needs_due"

    @pytest.mark.parametrize("completes", [False, True])
    def test_needs_the_due_that_is_there(self, ada: Account, *, completes: bool) -> None:
        todo, without = ada.add(due_date="2030-01-31", recurrence=DAILY), ada.add()
        more = {"completed": True} if completes else {}
        for url, change in ((todo["url"], {"due_date": None}), (without["url"], {"recurrence": DAILY})):
            problem(ada.client.patch(url, json=change | more), 422, "recurrence_needs_due")
        assert ada.client.get(todo["url"]).json() == todo

    def test_goes_with_the_due(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-31", recurrence=DAILY)
        assert ada.client.patch(todo["url"], json={"due_date": None, "recurrence": None}).status_code == 200


class TestCompleting:
    def test_moves_a_day(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-31", recurrence="FREQ=MONTHLY;BYMONTHDAY=-1")
        after = complete(ada, todo)
        assert after == {**todo, "due_date": "2030-02-28", "version": 2, "updated_at": after["updated_at"]}

    def test_moves_an_instant(self, ada: Account) -> None:
        todo = ada.add(due_at="2030-01-08T17:00:00Z", recurrence="FREQ=MONTHLY;BYDAY=2TU")
        assert complete(ada, todo)["due_at"] == "2030-02-12T17:00:00Z"

    def test_goes_on_from_the_due_and_not_from_today(self, ada: Account) -> None:
        todo = ada.add(due_date="2001-01-01", recurrence=DAILY)
        assert complete(ada, todo)["due_date"] == "2001-01-02"

    def test_is_told_by_the_log(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-31", recurrence=DAILY)
        after = complete(ada, todo)
        [change] = ada.client.get(CHANGES, params={"since": 1}).json()
        assert only(change, "op", "before", "after") == {"op": "complete", "before": todo, "after": after}

    def test_counts_down(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-01", recurrence="FREQ=DAILY;COUNT=2")
        assert complete(ada, todo)["recurrence"] == "FREQ=DAILY;COUNT=1"
        last = complete(ada, todo)
        assert only(last, "completed", "due_date") == {"completed": True, "due_date": "2030-01-02"}

    def test_is_for_good_past_the_end(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-01", recurrence="FREQ=DAILY;UNTIL=20300102")
        assert not complete(ada, todo)["completed"]
        last = complete(ada, todo)
        assert last["completed"]
        assert last["completed_at"] == last["updated_at"]

    def test_what_is_done_for_good_stays_where_it_is(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-01", recurrence="FREQ=DAILY;COUNT=1")
        last = complete(ada, todo)
        again = complete(ada, todo, recurrence=DAILY)
        assert only(again, "completed_at", "due_date") == only(last, "completed_at", "due_date")

    def test_a_new_todo_is_complete_as_it_is(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-01", recurrence=DAILY, completed=True)
        assert only(todo, "completed", "due_date") == {"completed": True, "due_date": "2030-01-01"}

    def test_takes_what_else_is_given_first(self, ada: Account) -> None:
        todo = ada.add("Milk", due_date="2030-01-01", recurrence=DAILY)
        after = complete(ada, todo, title="Oat", due_at="2031-01-01T09:00:00Z", recurrence="FREQ=WEEKLY")
        assert only(after, "title", "due_date", "due_at", "completed") == {
            "title": "Oat",
            "due_date": None,
            "due_at": "2031-01-08T09:00:00Z",
            "completed": False,
        }

    def test_is_for_good_when_the_rule_is_cleared(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-01", recurrence=DAILY)
        after = complete(ada, todo, recurrence=None)
        assert only(after, "completed", "due_date") == {"completed": True, "due_date": "2030-01-01"}

    def test_moves_what_has_its_rule_from_the_same_patch(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-01")
        assert complete(ada, todo, recurrence=DAILY)["due_date"] == "2030-01-02"

    def test_an_unknown_todo_is_not_found(self, ada: Account, bob: Account) -> None:
        bobs = bob.add(due_date="2030-01-01", recurrence=DAILY)
        problem(ada.client.patch(bobs["url"], json={"completed": True}), 404, "todo_not_found")


class TestIfMatch:
    def test_with_a_stale_tag_is_a_412(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-01", recurrence=DAILY)
        for tag, status in (('"1"', 200), ('"1"', 412), ('"2"', 200)):
            done = ada.client.patch(todo["url"], json={"completed": True}, headers={"If-Match": tag})
            assert done.status_code == status
        assert ada.client.get(todo["url"]).json()["due_date"] == "2030-01-03"

    def test_of_several_at_once_with_the_same_tag_one_wins(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-01", recurrence=DAILY)

        def done(_: int) -> int:
            return ada.client.patch(todo["url"], json={"completed": True}, headers={"If-Match": '"1"'}).status_code

        with ThreadPoolExecutor(4) as clients:
            assert sorted(clients.map(done, range(4))) == [200, 412, 412, 412]

    def test_of_several_at_once_without_a_tag_each_moves_it_on(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-01", recurrence=DAILY)
        with ThreadPoolExecutor(4) as clients:
            list(clients.map(lambda _: complete(ada, todo), range(4)))
        assert ada.client.get(todo["url"]).json()["due_date"] == "2030-01-05"


class TestClocks:
    def test_nine_stays_nine_over_both_changes(self, ada: Account, database_url: str) -> None:
        live_in(ada, "Europe/Berlin", database_url)
        for due, following in (
            ("2030-03-30T08:00:00Z", "2030-03-31T07:00:00Z"),
            ("2030-10-26T07:00:00Z", "2030-10-27T08:00:00Z"),
        ):
            assert complete(ada, ada.add(due_at=due, recurrence=DAILY))["due_at"] == following

    def test_what_a_change_has_moved_goes_back_to_its_time(self, ada: Account, database_url: str) -> None:
        live_in(ada, "Europe/Berlin", database_url)
        todo = ada.add(due_at="2030-03-30T01:30:00Z", reminder_at="2030-03-30T00:30:00Z", recurrence=DAILY)
        moved = complete(ada, todo)
        assert only(moved, "due_at", "reminder_at") == {
            "due_at": "2030-03-31T01:30:00Z",  # 3:30, because there is no 2:30
            "reminder_at": "2030-03-31T00:30:00Z",
        }
        assert only(complete(ada, todo), "due_at", "reminder_at") == {
            "due_at": "2030-04-01T00:30:00Z",
            "reminder_at": "2030-03-31T23:30:00Z",
        }

    def test_a_due_of_ones_own_forgets_what_was_moved(self, ada: Account, database_url: str) -> None:
        live_in(ada, "Europe/Berlin", database_url)
        todo = ada.add(due_at="2030-03-30T01:30:00Z", recurrence=DAILY)
        complete(ada, todo)
        ada.client.patch(todo["url"], json={"due_at": "2030-04-01T07:00:00Z"})
        assert complete(ada, todo)["due_at"] == "2030-04-02T07:00:00Z"


class TestReminder:
    def test_may_be_set_and_cleared(self, ada: Account) -> None:
        todo = ada.add(reminder_at="2030-01-31T16:00:00+01:00")
        assert todo["reminder_at"] == "2030-01-31T15:00:00Z"
        assert ada.client.patch(todo["url"], json={"reminder_at": None}).json()["reminder_at"] is None

    def test_keeps_its_distance_to_a_day(self, ada: Account, database_url: str) -> None:
        live_in(ada, "Europe/Berlin", database_url)
        todo = ada.add(due_date="2030-03-30", reminder_at="2030-03-29T17:00:00Z", recurrence="FREQ=DAILY;INTERVAL=2")
        assert complete(ada, todo)["reminder_at"] == "2030-03-31T16:00:00Z"

    def test_near_the_end_of_the_calendar_goes(self, ada: Account) -> None:
        todo = ada.add(due_date="9999-12-20", reminder_at="9999-12-30T00:00:00Z", recurrence="FREQ=DAILY;INTERVAL=9")
        assert complete(ada, todo)["reminder_at"] is None


class TestSubtodos:
    def test_that_were_done_are_open_again(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-01", recurrence=DAILY)
        child = ada.add("Child", parent_id=todo["id"])
        grandchild = ada.add("Grandchild", parent_id=child["id"])
        complete(ada, child)
        complete(ada, todo)
        for each in (child, grandchild):
            assert only(ada.client.get(each["url"]).json(), "completed", "completed_at", "version") == {
                "completed": False,
                "completed_at": None,
                "version": 3,
            }

    def test_that_recur_are_done_for_good_with_what_does_not(self, ada: Account) -> None:
        todo = ada.add()
        child = ada.add("Child", parent_id=todo["id"], due_date="2030-01-01", recurrence=DAILY)
        complete(ada, todo)
        after = ada.client.get(child["url"]).json()
        assert only(after, "completed", "due_date") == {"completed": True, "due_date": "2030-01-01"}
