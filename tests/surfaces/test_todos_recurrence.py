"""Recurring todos: completing one moves it to its next occurrence on the wall clock of the user's zone."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from tests.accounts import TODOS, Account, problem
from tests.surfaces.recurring import CHANGES, DAILY, Json, complete, live_in, only, patch, today


class TestRule:
    def test_a_todo_has_no_recurrence_by_default(self, ada: Account) -> None:
        assert ada.add()["recurrence"] is None

    def test_a_rule_is_stored_in_canonical_form(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-31", recurrence="RRULE:freq=weekly;byday=mo,th")
        assert todo["recurrence"] == "FREQ=WEEKLY;BYDAY=MO,TH"

    def test_a_rule_may_be_changed_and_cleared(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-31", recurrence=DAILY)
        for rule in ("FREQ=MONTHLY;BYMONTHDAY=-1", None):
            patched = ada.client.patch(todo["url"], json={"recurrence": rule})
            assert patched.json()["recurrence"] == rule

    @pytest.mark.parametrize("rule", ["FREQ=SECONDLY", "FREQ=DAILY;COUNT=1000000000", "FREQ=YEARLY;BYMONTH=13", "", 7])
    def test_an_invalid_rule_is_refused(self, ada: Account, rule: object) -> None:
        created = ada.client.post(TODOS, json={"title": "Milk", "due_date": "2030-01-31", "recurrence": rule})
        [error] = problem(created, 422, "validation_failed")["errors"]
        assert error["field"] == "recurrence"

    def test_a_rule_that_never_comes_after_the_due_date_is_refused(self, ada: Account) -> None:
        rule = "FREQ=MONTHLY;INTERVAL=12;BYMONTH=2"
        new = {"title": "Milk", "due_date": "2030-11-01", "recurrence": rule}
        problem(ada.client.post(TODOS, json=new), 422, "recurrence_never_comes")
        assert ada.add(due_date="2030-02-01", recurrence=rule)["recurrence"] == rule
        todo = ada.add(due_date="2030-11-01")
        for changes in ({}, {"due_date": "2031-11-01"}, {"completed": True}):
            problem(ada.client.patch(todo["url"], json={"recurrence": rule, **changes}), 422, "recurrence_never_comes")
        assert ada.client.get(todo["url"]).json() == todo
        assert patch(ada, todo, recurrence=rule, due_date="2031-02-01")["recurrence"] == rule

    def test_a_weekday_of_the_start_is_that_of_the_users_time_zone(self, ada: Account, database_url: str) -> None:
        live_in(ada, "America/New_York", database_url)
        new = {"title": "Milk", "due_at": "2030-01-08T03:00:00Z"}  # Monday evening in New York
        never = ada.client.post(TODOS, json={**new, "recurrence": "FREQ=DAILY;INTERVAL=7;BYDAY=TU"})
        problem(never, 422, "recurrence_never_comes")
        assert ada.client.post(TODOS, json={**new, "recurrence": "FREQ=DAILY;INTERVAL=7;BYDAY=MO"}).status_code == 201

    def test_a_postponed_todo_keeps_a_rule_that_would_never_come_after_its_date(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-02-15", recurrence="FREQ=MONTHLY;BYMONTH=2")
        postponed = patch(ada, todo, due_date="2030-03-30")
        assert patch(ada, todo, **only(postponed, "due_date", "recurrence"))["due_date"] == "2030-03-30"
        assert complete(ada, todo)["due_date"] == "2031-02-15"

    def test_a_rule_needs_a_due_date(self, ada: Account) -> None:
        created = ada.client.post(TODOS, json={"title": "Milk", "recurrence": DAILY})
        [error] = problem(created, 422, "validation_failed")["errors"]
        assert error["code"] == "recurrence_needs_due"

    @pytest.mark.parametrize("completes", [False, True])
    def test_the_due_date_of_a_recurring_todo_cannot_be_cleared_alone(self, ada: Account, *, completes: bool) -> None:
        todo, without = ada.add(due_date="2030-01-31", recurrence=DAILY), ada.add()
        more = {"completed": True} if completes else {}
        for url, change in ((todo["url"], {"due_date": None}), (without["url"], {"recurrence": DAILY})):
            problem(ada.client.patch(url, json=change | more), 422, "recurrence_needs_due")
        assert ada.client.get(todo["url"]).json() == todo

    def test_rule_and_due_date_may_be_cleared_together(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-31", recurrence=DAILY)
        assert ada.client.patch(todo["url"], json={"due_date": None, "recurrence": None}).status_code == 200


class TestCompleting:
    def test_completing_moves_a_due_date(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-31", recurrence="FREQ=MONTHLY;BYMONTHDAY=-1")
        after = complete(ada, todo)
        assert after == {**todo, "due_date": "2030-02-28", "version": 2, "updated_at": after["updated_at"]}

    def test_completing_moves_due_at(self, ada: Account) -> None:
        todo = ada.add(due_at="2030-01-08T17:00:00Z", recurrence="FREQ=MONTHLY;BYDAY=2TU")
        assert complete(ada, todo)["due_at"] == "2030-02-12T17:00:00Z"

    def test_an_overdue_todo_does_not_come_back_overdue(self, ada: Account) -> None:
        days, weeks = (
            ada.add(due_date=today(-3), recurrence=DAILY),
            ada.add(due_date=today(-8), recurrence="FREQ=WEEKLY"),
        )
        assert complete(ada, days)["due_date"] == today(1)
        assert complete(ada, weeks)["due_date"] == today(6)

    def test_an_overdue_instant_comes_back_after_now(self, ada: Account) -> None:
        now = datetime.now(UTC).replace(microsecond=0)
        for due, following in (
            (now - timedelta(days=2, hours=1), 23),
            (now - timedelta(days=3) + timedelta(hours=1), 1),
        ):
            todo = ada.add(due_at=due.isoformat(), recurrence=DAILY)
            assert complete(ada, todo)["due_at"] == f"{now + timedelta(hours=following):%Y-%m-%dT%H:%M:%SZ}"

    def test_count_includes_the_occurrences_that_are_over(self, ada: Account) -> None:
        todo = ada.add(due_date=today(-3), recurrence="FREQ=DAILY;COUNT=6")
        assert complete(ada, todo)["recurrence"] == "FREQ=DAILY;COUNT=2"
        assert complete(ada, ada.add(due_date=today(-6), recurrence="FREQ=DAILY;COUNT=6"))["completed"]

    def test_the_change_log_records_the_completion(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-31", recurrence=DAILY)
        after = complete(ada, todo)
        [change] = ada.client.get(CHANGES, params={"since": 1}).json()
        assert only(change, "op", "before", "after") == {"op": "complete", "before": todo, "after": after}

    def test_the_response_says_what_became_of_the_completion(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-01", recurrence="FREQ=DAILY;COUNT=2")
        url, completed = todo["url"], {"completed": True}
        assert [ada.client.patch(url, json=completed).json()["completion"] for _ in range(3)] == [
            {"result": "moved", "completed_due": "2030-01-01", "next_due": "2030-01-02"},
            {"result": "completed", "completed_due": "2030-01-02", "next_due": None},
            {"result": "completed", "completed_due": "2030-01-02", "next_due": None},
        ]
        instant = ada.add(due_at="2030-01-01T09:00:00Z", recurrence=DAILY)
        assert ada.client.patch(instant["url"], json=completed).json()["completion"] == {
            "result": "moved",
            "completed_due": "2030-01-01T09:00:00Z",
            "next_due": "2030-01-02T09:00:00Z",
        }
        for changes in ({}, {"recurrence": None}, {"title": "Oat"}):
            plain = ada.client.patch(ada.add()["url"], json=completed | changes).json()
            assert plain["completion"] == {"result": "completed", "completed_due": None, "next_due": None}

    def test_other_responses_have_no_completion(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-01", recurrence=DAILY)
        for changes in ({"title": "Oat"}, {"completed": False}, {}):
            assert "completion" not in patch(ada, todo, **changes)
        assert "completion" not in ada.client.get(todo["url"]).json()

    def test_the_result_in_a_batch_says_what_became_of_the_completion(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-01", recurrence=DAILY)
        update = {"op": "update", "id": todo["id"]}
        operations = [update | {"changes": {"completed": True}}, update | {"changes": {"title": "Oat"}}]
        moved, renamed = ada.client.post(f"{TODOS}/batch", json={"operations": operations}).json()["results"]
        assert moved["completion"] == {"result": "moved", "completed_due": "2030-01-01", "next_due": "2030-01-02"}
        assert "completion" not in renamed

    def test_completing_decrements_count(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-01", recurrence="FREQ=DAILY;COUNT=2")
        assert complete(ada, todo)["recurrence"] == "FREQ=DAILY;COUNT=1"
        last = complete(ada, todo)
        assert only(last, "completed", "due_date") == {"completed": True, "due_date": "2030-01-02"}

    def test_completing_the_last_occurrence_completes_the_todo(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-01", recurrence="FREQ=DAILY;UNTIL=20300102")
        assert not complete(ada, todo)["completed"]
        last = complete(ada, todo)
        assert last["completed"]
        assert last["completed_at"] == last["updated_at"]

    def test_completing_a_completed_todo_moves_nothing(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-01", recurrence="FREQ=DAILY;COUNT=1")
        last = complete(ada, todo)
        again = complete(ada, todo, recurrence=DAILY)
        assert only(again, "completed_at", "due_date") == only(last, "completed_at", "due_date")

    def test_a_todo_created_as_completed_is_not_moved(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-01", recurrence=DAILY, completed=True)
        assert only(todo, "completed", "due_date") == {"completed": True, "due_date": "2030-01-01"}

    def test_other_fields_of_the_patch_apply_before_the_move(self, ada: Account) -> None:
        todo = ada.add("Milk", due_date="2030-01-01", recurrence=DAILY)
        after = complete(ada, todo, title="Oat", due_at="2031-01-01T09:00:00Z", recurrence="FREQ=WEEKLY")
        assert only(after, "title", "due_date", "due_at", "completed") == {
            "title": "Oat",
            "due_date": None,
            "due_at": "2031-01-08T09:00:00Z",
            "completed": False,
        }

    def test_completing_while_clearing_the_rule_completes_the_todo(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-01", recurrence=DAILY)
        after = complete(ada, todo, recurrence=None)
        assert only(after, "completed", "due_date") == {"completed": True, "due_date": "2030-01-01"}

    def test_a_rule_given_in_the_same_patch_moves_the_todo(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-01")
        assert complete(ada, todo, recurrence=DAILY)["due_date"] == "2030-01-02"

    def test_an_unknown_todo_is_not_found(self, ada: Account, bob: Account) -> None:
        bobs = bob.add(due_date="2030-01-01", recurrence=DAILY)
        problem(ada.client.patch(bobs["url"], json={"completed": True}), 404, "todo_not_found")


class TestIfMatch:
    def test_a_stale_etag_is_a_412(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-01", recurrence=DAILY)
        for tag, status in (('"1"', 200), ('"1"', 412), ('"2"', 200)):
            done = ada.client.patch(todo["url"], json={"completed": True}, headers={"If-Match": tag})
            assert done.status_code == status
        assert ada.client.get(todo["url"]).json()["due_date"] == "2030-01-03"

    def test_one_of_several_simultaneous_completions_with_the_same_etag_succeeds(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-01", recurrence=DAILY)

        def done(_: int) -> int:
            return ada.client.patch(todo["url"], json={"completed": True}, headers={"If-Match": '"1"'}).status_code

        with ThreadPoolExecutor(4) as clients:
            assert sorted(clients.map(done, range(4))) == [200, 412, 412, 412]

    def test_each_of_several_simultaneous_completions_without_etag_moves_the_todo(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-01", recurrence=DAILY)
        with ThreadPoolExecutor(4) as clients:
            list(clients.map(lambda _: complete(ada, todo), range(4)))
        assert ada.client.get(todo["url"]).json()["due_date"] == "2030-01-05"


class TestClocks:
    def test_09_00_stays_09_00_across_both_clock_changes(self, ada: Account, database_url: str) -> None:
        live_in(ada, "Europe/Berlin", database_url)
        for due, following in (
            ("2030-03-30T08:00:00Z", "2030-03-31T07:00:00Z"),
            ("2030-10-26T07:00:00Z", "2030-10-27T08:00:00Z"),
        ):
            assert complete(ada, ada.add(due_at=due, recurrence=DAILY))["due_at"] == following

    def test_an_occurrence_moved_by_a_clock_change_returns_to_its_time_afterwards(
        self, ada: Account, database_url: str
    ) -> None:
        live_in(ada, "Europe/Berlin", database_url)
        todo = ada.add(due_at="2030-03-30T01:30:00Z", reminder_at="2030-03-30T00:30:00Z", recurrence=DAILY)
        moved = complete(ada, todo)
        assert only(moved, "due_at", "reminder_at") == {
            "due_at": "2030-03-31T01:30:00Z",  # 03:30 in Berlin, because the clocks skip 02:30
            "reminder_at": "2030-03-31T00:30:00Z",
        }
        assert only(complete(ada, todo), "due_at", "reminder_at") == {
            "due_at": "2030-04-01T00:30:00Z",
            "reminder_at": "2030-03-31T23:30:00Z",
        }

    @pytest.mark.parametrize("changes", [{}, {"recurrence": DAILY}])
    def test_the_same_due_date_sent_back_keeps_the_remembered_time(
        self, ada: Account, database_url: str, changes: Json
    ) -> None:
        live_in(ada, "Europe/Berlin", database_url)
        todo = ada.add(due_at="2030-03-30T01:30:00Z", recurrence=DAILY)
        moved = complete(ada, todo)
        patch(ada, todo, due_at=moved["due_at"], **changes)
        assert complete(ada, todo)["due_at"] == "2030-04-01T00:30:00Z"

    def test_a_new_due_date_with_the_rule_replaces_the_remembered_time(self, ada: Account, database_url: str) -> None:
        live_in(ada, "Europe/Berlin", database_url)
        todo = ada.add(due_at="2030-03-30T01:30:00Z", recurrence=DAILY)
        complete(ada, todo)
        patch(ada, todo, due_at="2030-04-01T07:00:00Z", recurrence=DAILY)
        assert complete(ada, todo)["due_at"] == "2030-04-02T07:00:00Z"

    def test_another_time_zone_goes_on_from_the_moved_instant(self, ada: Account, database_url: str) -> None:
        live_in(ada, "Europe/Berlin", database_url)
        todo = ada.add(due_at="2030-03-30T01:30:00Z", recurrence=DAILY)
        assert complete(ada, todo)["due_at"] == "2030-03-31T01:30:00Z"
        live_in(ada, "America/New_York", database_url)
        assert complete(ada, todo)["due_at"] == "2030-04-01T01:30:00Z"


class TestReminder:
    def test_a_reminder_may_be_set_and_cleared(self, ada: Account) -> None:
        todo = ada.add(reminder_at="2030-01-31T16:00:00+01:00")
        assert todo["reminder_at"] == "2030-01-31T15:00:00Z"
        assert ada.client.patch(todo["url"], json={"reminder_at": None}).json()["reminder_at"] is None

    def test_a_reminder_moves_with_the_due_date(self, ada: Account, database_url: str) -> None:
        live_in(ada, "Europe/Berlin", database_url)
        todo = ada.add(due_date="2030-03-30", reminder_at="2030-03-29T17:00:00Z", recurrence="FREQ=DAILY;INTERVAL=2")
        assert complete(ada, todo)["reminder_at"] == "2030-03-31T16:00:00Z"

    def test_a_reminder_past_the_end_of_the_calendar_is_cleared(self, ada: Account) -> None:
        todo = ada.add(due_date="9999-12-20", reminder_at="9999-12-30T00:00:00Z", recurrence="FREQ=DAILY;INTERVAL=9")
        assert complete(ada, todo)["reminder_at"] is None

    def test_a_reminder_outside_the_local_calendar_is_cleared(self, ada: Account, database_url: str) -> None:
        live_in(ada, "Pacific/Apia", database_url)
        todo = ada.add(due_date="2030-01-01", reminder_at="9999-12-31T23:30:00Z", recurrence=DAILY)
        assert only(complete(ada, todo), "due_date", "reminder_at") == {"due_date": "2030-01-02", "reminder_at": None}


class TestSubtodos:
    def test_completed_subtodos_are_reopened_with_the_next_occurrence(self, ada: Account) -> None:
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

    def test_recurring_subtodos_are_completed_with_a_parent_that_does_not_recur(self, ada: Account) -> None:
        todo = ada.add()
        child = ada.add("Child", parent_id=todo["id"], due_date="2030-01-01", recurrence=DAILY)
        complete(ada, todo)
        after = ada.client.get(child["url"]).json()
        assert only(after, "completed", "due_date") == {"completed": True, "due_date": "2030-01-01"}
