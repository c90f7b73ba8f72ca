"""Series of a recurring todo: postponed and skipped occurrences, and rules that begin anew at each completion."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.accounts import TODOS, Account, problem
from tests.surfaces.recurring import DAILY, complete, last_change, only, patch, skip, today


class TestPostponing:
    def test_a_due_date_alone_moves_one_occurrence(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-01", recurrence="FREQ=WEEKLY")
        assert patch(ada, todo, due_date="2030-01-03")["due_date"] == "2030-01-03"
        assert complete(ada, todo)["due_date"] == "2030-01-08"
        assert complete(ada, todo)["due_date"] == "2030-01-15"

    def test_several_postponements_move_the_same_occurrence(self, ada: Account) -> None:
        todo = ada.add(due_at="2030-01-01T09:00:00Z", reminder_at="2030-01-01T08:00:00Z", recurrence=DAILY)
        patch(ada, todo, due_at="2030-01-01T15:00:00Z", reminder_at="2030-01-01T14:00:00Z")
        patch(ada, todo, due_date="2030-01-02", title="Late")
        assert only(complete(ada, todo), "due_at", "reminder_at") == {
            "due_at": "2030-01-03T09:00:00Z",
            "reminder_at": "2030-01-03T08:00:00Z",
        }

    def test_completing_with_a_due_date_moves_one_occurrence(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-01", recurrence="FREQ=WEEKLY")
        assert complete(ada, todo, due_date="2030-01-03")["due_date"] == "2030-01-08"

    def test_a_due_date_with_a_rule_begins_a_series(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-01", recurrence="FREQ=WEEKLY")
        patch(ada, todo, due_date="2030-01-02")
        patch(ada, todo, due_date="2030-01-03", recurrence="FREQ=WEEKLY")
        assert complete(ada, todo)["due_date"] == "2030-01-10"

    def test_another_rule_begins_a_series_at_the_due_date(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-01", recurrence="FREQ=WEEKLY")
        patch(ada, todo, due_date="2030-01-03")
        patch(ada, todo, recurrence="FREQ=WEEKLY;INTERVAL=2")
        assert complete(ada, todo)["due_date"] == "2030-01-17"

    def test_all_fields_of_a_postponed_todo_sent_back_keep_the_series(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-01", recurrence="FREQ=WEEKLY")
        postponed = patch(ada, todo, due_date="2030-01-03")
        patch(ada, todo, **only(postponed, "title", "due_date", "due_at", "recurrence", "recurrence_from", "tags"))
        assert complete(ada, todo)["due_date"] == "2030-01-08"

    def test_a_todo_that_does_not_recur_yet_has_no_series(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-01")
        patch(ada, todo, due_date="2030-01-03")
        patch(ada, todo, recurrence="FREQ=WEEKLY")
        assert complete(ada, todo)["due_date"] == "2030-01-10"


class TestFromCompletion:
    def test_it_is_the_due_date_by_default(self, ada: Account) -> None:
        assert ada.add()["recurrence_from"] == "due"

    @pytest.mark.parametrize("value", ["completed", "", 1])
    def test_another_value_is_refused(self, ada: Account, value: object) -> None:
        [error] = problem(
            ada.client.post(TODOS, json={"title": "A", "recurrence_from": value}), 422, "validation_failed"
        )["errors"]
        assert error["field"] == "recurrence_from"

    @pytest.mark.parametrize("days", [-5, 0, 5])
    def test_the_interval_begins_on_the_day_of_the_completion(self, ada: Account, days: int) -> None:
        todo = ada.add(due_date=today(days), recurrence="FREQ=DAILY;INTERVAL=3", recurrence_from="completion")
        assert complete(ada, todo)["due_date"] == today(3)

    def test_a_patch_that_completes_may_change_it(self, ada: Account) -> None:
        todo = ada.add(due_date=today(-5), recurrence="FREQ=DAILY;INTERVAL=4")
        assert complete(ada, todo, recurrence_from="completion")["due_date"] == today(4)

    def test_it_is_in_the_log(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-01", recurrence=DAILY)
        patch(ada, todo, recurrence_from="completion")
        change = last_change(ada)
        assert [change[when]["recurrence_from"] for when in ("before", "after")] == ["due", "completion"]


class TestSkip:
    def test_the_todo_moves_on_without_a_completion(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-01", reminder_at="2030-01-01T08:00:00Z", recurrence="FREQ=DAILY;COUNT=3")
        skipped = skip(ada, todo)
        assert skipped == {
            **todo,
            "due_date": "2030-01-02",
            "reminder_at": "2030-01-02T08:00:00Z",
            "recurrence": "FREQ=DAILY;COUNT=2",
            "version": 2,
            "updated_at": skipped["updated_at"],
        }
        assert ada.client.get(todo["url"]).json() == skipped

    def test_the_log_records_a_skip(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-01", recurrence=DAILY)
        skipped = skip(ada, todo)
        assert only(last_change(ada), "op", "before", "after") == {"op": "skip", "before": todo, "after": skipped}
        complete(ada, todo)
        assert last_change(ada)["op"] == "complete"

    def test_an_overdue_todo_moves_past_today(self, ada: Account) -> None:
        assert skip(ada, ada.add(due_date=today(-3), recurrence=DAILY))["due_date"] == today(1)

    def test_a_todo_that_recurs_from_its_completion_moves_by_its_interval(self, ada: Account) -> None:
        todo = ada.add(due_date=today(5), recurrence="FREQ=DAILY;INTERVAL=3", recurrence_from="completion")
        assert skip(ada, todo)["due_date"] == today(8)

    def test_completed_subtodos_are_reopened(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-01", recurrence=DAILY)
        child = ada.add("Child", parent_id=todo["id"])
        complete(ada, child)
        skip(ada, todo)
        assert not ada.client.get(child["url"]).json()["completed"]

    def test_a_todo_that_does_not_recur_cannot_be_skipped(self, ada: Account) -> None:
        completed = complete(ada, ada.add(due_date="2030-01-01", recurrence="FREQ=DAILY;COUNT=1"))
        for todo in (ada.add(), ada.add(due_date="2030-01-01"), completed):
            problem(ada.client.post(f"{todo['url']}/skip"), 409, "does_not_recur")
            assert ada.client.get(todo["url"]).json() == todo

    @pytest.mark.parametrize("rule", ["FREQ=DAILY;COUNT=1", "FREQ=DAILY;UNTIL=20300101"])
    def test_the_last_occurrence_cannot_be_skipped(self, ada: Account, rule: str) -> None:
        todo = ada.add(due_date="2030-01-01", recurrence=rule)
        problem(ada.client.post(f"{todo['url']}/skip"), 409, "recurrence_ends")
        assert ada.client.get(todo["url"]).json() == todo

    def test_the_etag_is_checked_and_returned(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-01", recurrence=DAILY)
        problem(ada.client.post(f"{todo['url']}/skip", headers={"If-Match": '"7"'}), 412, "stale_version")
        skipped = ada.client.post(f"{todo['url']}/skip", headers={"If-Match": '"1"'})
        assert (skipped.status_code, skipped.headers["etag"]) == (200, '"2"')

    def test_a_repeat_with_the_same_key_skips_once(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-01", recurrence=DAILY)
        first, repeat = (
            ada.client.post(f"{todo['url']}/skip", headers={"Idempotency-Key": "skip-1"}) for _ in range(2)
        )
        assert (repeat.status_code, repeat.json()) == (200, first.json())
        assert repeat.headers["idempotent-replayed"] == "true"
        assert ada.client.get(todo["url"]).json()["due_date"] == "2030-01-02"
        other = ada.add(due_date="2030-01-01", recurrence=DAILY)
        again = ada.client.post(f"{other['url']}/skip", headers={"Idempotency-Key": "skip-1"})
        problem(again, 422, "idempotency_key_reused")

    def test_each_of_several_simultaneous_skips_moves_the_todo(self, ada: Account) -> None:
        todo = ada.add(due_date="2030-01-01", recurrence=DAILY)
        with ThreadPoolExecutor(4) as clients:
            list(clients.map(lambda _: skip(ada, todo), range(4)))
        assert ada.client.get(todo["url"]).json()["due_date"] == "2030-01-05"

    def test_another_users_todo_is_not_found(self, ada: Account, bob: Account) -> None:
        todo = bob.add(due_date="2030-01-01", recurrence=DAILY)
        problem(ada.client.post(f"{todo['url']}/skip"), 404, "todo_not_found")
        ada_s = ada.add(due_date="2030-01-01", recurrence=DAILY)
        ada.client.delete(ada_s["url"])
        problem(ada.client.post(f"{ada_s['url']}/skip"), 404, "todo_not_found")
