"""The tool of the assistant that moves todos to another due date: what the phrase does not say stays."""

from typing import Any
from uuid import uuid4

import pytest

from tests.accounts import Account
from tests.model_replies import Call, Say
from tests.scripted_model import ScriptedModel
from tests.surfaces.chat import Json, answer_approval, run_turn, tool_result


def reschedule(account: Account, model: ScriptedModel, due: str | None, *ids: str) -> list[Json]:
    """Calls `reschedule_todos` in a turn in Berlin and returns the results of its items."""
    model.play(Call("reschedule_todos", {"ids": list(ids), "due": due}), Say("Moved."))
    results: list[Json] = tool_result(run_turn(account, timezone="Europe/Berlin"))["results"]
    return results


AT_THREE = {"due_at": "2040-12-14T14:00:00Z"}
ON_THE_DAY = {"due_date": "2040-12-14"}


class TestWhatIsNotSaid:
    @pytest.mark.parametrize(
        ("before_and_phrase", "expected"),
        [
            ((AT_THREE, "4pm"), ({"due_at": "2040-12-14T15:00:00Z"}, "day")),
            ((AT_THREE, "dec 16 2040"), ({"due_at": "2040-12-16T14:00:00Z"}, "time")),
            ((AT_THREE, "by 2 days"), ({"due_at": "2040-12-16T14:00:00Z"}, "time")),
            ((AT_THREE, "2 days later"), ({"due_at": "2040-12-16T14:00:00Z"}, "time")),
            ((AT_THREE, "an hour earlier"), ({"due_at": "2040-12-14T13:00:00Z"}, "day")),
            ((AT_THREE, "dec 16 2040 4pm"), ({"due_at": "2040-12-16T15:00:00Z"}, None)),
            ((ON_THE_DAY, "4pm"), ({"due_at": "2040-12-14T15:00:00Z"}, "day")),
            ((ON_THE_DAY, "by 2 days"), ({"due_date": "2040-12-16"}, None)),
            (({}, "dec 16 2040"), ({"due_date": "2040-12-16"}, None)),
        ],
    )
    def test_it_stays(
        self,
        ada: Account,
        model: ScriptedModel,
        before_and_phrase: tuple[dict[str, str], str],
        expected: tuple[dict[str, str], str | None],
    ) -> None:
        before, phrase = before_and_phrase
        todo = ada.add("Dentist", **before)
        [item] = reschedule(ada, model, phrase, todo["id"])
        moved = ada.client.get(todo["url"]).json()
        due = {name: moved[name] for name in ("due_at", "due_date") if moved[name]}
        assert (due, item["kept"]) == expected

    def test_each_todo_moves_from_its_own_date(self, ada: Account, model: ScriptedModel) -> None:
        todos = [ada.add("A", **ON_THE_DAY), ada.add("B", **AT_THREE), ada.add("Over", due_date="2020-01-01")]
        results = reschedule(ada, model, "by 2 days", *(todo["id"] for todo in todos))
        first, second, over = (ada.client.get(todo["url"]).json() for todo in todos)
        assert (first["due_date"], second["due_at"]) == ("2040-12-16", "2040-12-16T14:00:00Z")
        assert over["due_date"] > "2026"
        assert [item["was"] for item in results] == [
            "Friday 14 December 2040 (2040-12-14)",
            "Friday 14 December 2040 15:00 (2040-12-14T15:00+01:00)",
            "Wednesday 1 January 2020 (2020-01-01)",
        ]

    def test_the_recurrence_stays_unless_the_date_is_removed(self, ada: Account, model: ScriptedModel) -> None:
        todo = ada.add("Water plants", recurrence="FREQ=WEEKLY", **AT_THREE)
        reschedule(ada, model, "dec 16 2040", todo["id"])
        assert ada.client.get(todo["url"]).json()["recurrence"] == "FREQ=WEEKLY"
        reschedule(ada, model, None, todo["id"])
        left = ada.client.get(todo["url"]).json()
        assert (left["due_at"], left["recurrence"]) == (None, None)

    def test_an_unreadable_phrase_and_an_unknown_todo_have_codes(self, ada: Account, model: ScriptedModel) -> None:
        todo = ada.add("Dentist", **AT_THREE)
        [item] = reschedule(ada, model, "no day at all", todo["id"])
        assert (item["code"], item["phrase"]) == ("unreadable_date", "no day at all")
        [item] = reschedule(ada, model, "4pm", str(uuid4()))
        assert item["code"] == "todo_not_found"
        assert ada.client.get(todo["url"]).json() == todo


class TestReminders:
    @pytest.mark.parametrize(
        ("before", "phrase", "reminder"),
        [
            (AT_THREE, "4pm", "2040-12-14T12:30:00Z"),
            (AT_THREE, "dec 16 2040", "2040-12-16T11:30:00Z"),
            (ON_THE_DAY, "by 2 days", "2040-12-16T11:30:00Z"),
            (ON_THE_DAY, "4pm", "2040-12-14T11:30:00Z"),
            (AT_THREE, "by 180 days", "2041-06-12T10:30:00Z"),
            ({}, "dec 16 2040", "2040-12-14T11:30:00Z"),
            (AT_THREE, None, "2040-12-14T11:30:00Z"),
        ],
    )
    def test_a_reminder_keeps_its_distance_from_the_due_date_in_local_time(
        self, ada: Account, model: ScriptedModel, before: dict[str, Any], phrase: str | None, reminder: str
    ) -> None:
        todo = ada.add("Dentist", reminder_at="2040-12-14T11:30:00Z", **before)
        [item] = reschedule(ada, model, phrase, todo["id"])
        assert ada.client.get(todo["url"]).json()["reminder_at"] == reminder
        assert item["reminder_moved"] is (reminder != "2040-12-14T11:30:00Z")


class TestManyTodos:
    def test_a_hundred_todos_are_changed_by_one_call_with_short_results(
        self, ada: Account, model: ScriptedModel
    ) -> None:
        ids = [ada.add(f"Todo {number}", priority="high")["id"] for number in range(100)]
        model.play(Call("complete_todos", {"ids": ids}), Say("Done."))
        waiting = run_turn(ada)
        assert len(waiting["approval"]["calls"][0]["todos"]) == 100
        answered = answer_approval(ada, waiting["turn_id"], approve=True).json()
        results = tool_result(answered)["results"]
        assert results[0] == {"ok": True, "todo": {"id": ids[0], "title": "Todo 0"}}
        assert len(results) == 100
        assert ada.titles(completed=False) == []
