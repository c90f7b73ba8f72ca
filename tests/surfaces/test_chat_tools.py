"""The tools of the assistant, called by a scripted model."""

import json
from uuid import uuid4

import pytest

from tests.accounts import TODOS, Account
from tests.model_replies import Call, Say, ToolCalls
from tests.scripted_model import ScriptedModel
from tests.surfaces.chat import new_todos, run_turn, tool_result


class TestTools:
    def test_a_due_time_is_read_in_the_time_zone_of_the_turn(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Call("add_todos", new_todos("Call mum", due="jan 31 2040 5pm")), Say("Added."))
        answer = run_turn(ada, timezone="America/New_York")

        (item,) = tool_result(answer)["results"]
        assert item["todo"]["due"] == "Tuesday 31 January 2040 17:00 (2040-01-31T17:00-05:00)"
        assert ada.client.get(TODOS).json()[0]["due_at"] == "2040-01-31T22:00:00Z"

    def test_a_day_becomes_a_due_date_without_a_time(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Call("add_todos", new_todos("Pay rent", due="jan 31 2040")), Say("Added."))
        run_turn(ada)

        assert ada.client.get(TODOS).json()[0]["due_date"] == "2040-01-31"

    def test_an_unreadable_date_fails_its_item_only(self, ada: Account, model: ScriptedModel) -> None:
        wanted = {"todos": [{"title": "One", "due": "when the cows come home"}, {"title": "Two"}]}
        model.play(Call("add_todos", wanted), Say("Half of it."))
        answer = run_turn(ada)

        first, second = tool_result(answer)["results"]
        assert answer["tool_calls"][0]["ok"] is False
        assert (first["ok"], second["ok"]) == (False, True)
        assert "when the cows come home" in first["error"]
        assert ada.titles() == ["Two"]

    def test_update_changes_several_fields(self, ada: Account, model: ScriptedModel) -> None:
        milk = ada.add("Milk", tags=["home"], description="The blue one")
        change = {
            "id": milk["id"],
            "title": "Oat milk",
            "priority": "high",
            "description": "",
            "add_tags": ["shop"],
            "remove_tags": ["home"],
        }
        model.play(Call("update_todos", {"changes": [change]}), Say("Changed."))
        run_turn(ada)

        todo = ada.client.get(milk["url"]).json()
        assert (todo["title"], todo["priority"], todo["tags"], todo["description"]) == (
            "Oat milk",
            "high",
            ["shop"],
            None,
        )

    def test_a_reminder_is_read_in_the_time_zone_of_the_turn(self, ada: Account, model: ScriptedModel) -> None:
        model.play(
            Call("add_todos", new_todos("Pay rent", due="jan 31 2040", reminder="jan 30 2040 9am")), Say("Added.")
        )
        (item,) = tool_result(run_turn(ada, timezone="America/New_York"))["results"]
        assert item["todo"]["reminder"] == "Monday 30 January 2040 09:00 (2040-01-30T09:00-05:00)"
        (todo,) = ada.client.get(TODOS).json()
        assert (todo["due_date"], todo["reminder_at"]) == ("2040-01-31", "2040-01-30T14:00:00Z")

    def test_a_reminder_may_count_from_the_due_date(self, ada: Account, model: ScriptedModel) -> None:
        model.play(
            Call("add_todos", new_todos("Dentist", due="jan 31 2040 3pm", reminder="1 hour before")), Say("Added.")
        )
        (item,) = tool_result(run_turn(ada))["results"]
        model.play(
            Call("update_todos", {"changes": [{"id": item["todo"]["id"], "reminder": "the day before at 6pm"}]}),
            Say("Changed."),
        )
        (changed,) = tool_result(run_turn(ada))["results"]

        assert item["todo"]["reminder"].startswith("Tuesday 31 January 2040 14:00")
        assert changed["todo"]["reminder"].startswith("Monday 30 January 2040 18:00")

    def test_a_reminder_can_be_changed_and_removed(self, ada: Account, model: ScriptedModel) -> None:
        milk = ada.add("Milk", reminder_at="2040-01-30T09:00:00Z")
        for reminder, left in (("jan 31 2040 10am", "2040-01-31T10:00:00Z"), ("", None)):
            model.play(Call("update_todos", {"changes": [{"id": milk["id"], "reminder": reminder}]}), Say("Done."))
            run_turn(ada)
            assert ada.client.get(milk["url"]).json()["reminder_at"] == left

    def test_a_reminder_without_a_time_fails_its_item_only(self, ada: Account, model: ScriptedModel) -> None:
        wanted = {"todos": [{"title": "One", "reminder": "tomorrow"}, {"title": "Two"}]}
        model.play(Call("add_todos", wanted), Say("Half of it."))
        first, second = tool_result(run_turn(ada))["results"]
        assert (first["ok"], second["ok"]) == (False, True)
        assert "time of the day" in first["error"]
        assert ada.titles() == ["Two"]

    def test_a_todo_can_be_reopened_rescheduled_and_read(self, ada: Account, model: ScriptedModel) -> None:
        milk = ada.add("Milk", completed=True, description="The blue one")
        ids = {"ids": [milk["id"]]}
        model.play(
            ToolCalls(
                Call("reopen_todos", ids),
                Call("reschedule_todos", ids | {"due": "jan 31 2040"}),
                Call("get_todos", ids),
            ),
            Call("reschedule_todos", ids | {"due": None}),
            Say("Done."),
        )
        answer = run_turn(ada)

        todo = ada.client.get(milk["url"]).json()
        assert (todo["completed"], todo["due_date"]) == (False, None)
        (read,) = tool_result(answer, 2)["results"]
        assert read["todo"]["description"] == "The blue one"
        assert read["todo"]["due"] == "Tuesday 31 January 2040 (2040-01-31)"

    def test_a_violated_database_constraint_fails_its_item_only(self, ada: Account, model: ScriptedModel) -> None:
        cake, milk = ada.add("Cake"), ada.add("Milk")
        changes = [{"id": cake["id"], "parent_id": cake["id"]}, {"id": milk["id"], "title": "Oat milk"}]
        model.play(Call("update_todos", {"changes": changes}), Say("Half of it."))
        first, second = tool_result(run_turn(ada))["results"]

        assert (first["ok"], second["ok"]) == (False, True)
        assert "its own subtodo" in first["error"]
        assert ada.client.get(cake["url"]).json() == cake
        assert ada.client.get(milk["url"]).json()["title"] == "Oat milk"

    def test_a_recurring_todo_is_due_at_its_first_occurrence(self, ada: Account, model: ScriptedModel) -> None:
        wanted = {"title": "Water plants", "due": "jan 31 2040 5pm", "recurrence": "every 2nd tuesday until june 2041"}
        model.play(Call("add_todos", {"todos": [wanted]}), Say("Added."))
        (item,) = tool_result(run_turn(ada, timezone="America/New_York"))["results"]

        assert item["todo"]["due"] == "Tuesday 14 February 2040 17:00 (2040-02-14T17:00-05:00)"
        assert item["todo"]["recurrence"] == "every month on the second Tuesday until 1 June 2041"
        (todo,) = ada.client.get(TODOS).json()
        assert todo["due_at"] == "2040-02-14T22:00:00Z"
        assert todo["recurrence"] == "FREQ=MONTHLY;UNTIL=20410601;BYDAY=2TU"

    def test_an_unreadable_recurrence_is_answered_with_examples(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Call("add_todos", new_todos("Stretch", recurrence="every 12 hours")), Say("I cannot."))
        (item,) = tool_result(run_turn(ada))["results"]

        assert item["ok"] is False
        assert "every weekday" in item["error"] or "every day at 9am" in item["error"]
        assert ada.titles() == []

    def test_a_recurrence_starts_at_the_due_date_and_can_be_removed(self, ada: Account, model: ScriptedModel) -> None:
        milk, rent = ada.add("Milk", due_at="2040-01-31T16:00:00Z"), ada.add("Rent", due_date="2020-01-01")
        model.play(
            Call("update_todos", {"changes": [{"id": milk["id"], "recurrence": "every weekday"}]}),
            Call("update_todos", {"changes": [{"id": rent["id"], "recurrence": "every month"}]}),
            Call("update_todos", {"changes": [{"id": milk["id"], "recurrence": ""}]}),
            Call("reschedule_todos", {"ids": [rent["id"]], "due": None}),
            Say("Done."),
        )
        answer = run_turn(ada, timezone="Europe/Berlin")
        results = [tool_result(answer, number)["results"][0]["todo"] for number in range(4)]

        assert (results[0]["due"], results[0]["recurrence"]) == (
            "Tuesday 31 January 2040 17:00 (2040-01-31T17:00+01:00)",
            "every weekday",
        )
        assert results[1]["recurrence"] == "every month"
        assert results[1]["due"] > "2026"
        assert (results[2]["due"], results[2]["recurrence"]) == (
            "Tuesday 31 January 2040 17:00 (2040-01-31T17:00+01:00)",
            None,
        )
        assert (results[3]["due"], results[3]["recurrence"]) == (None, None)

    def test_completing_a_recurring_todo_returns_its_next_due_date(self, ada: Account, model: ScriptedModel) -> None:
        daily = ada.add("Call", due_date="2040-01-31", recurrence="FREQ=DAILY;COUNT=2")
        ids = {"ids": [daily["id"]]}
        model.play(Call("complete_todos", ids), Call("complete_todos", ids), Say("Done."))
        answer = run_turn(ada)
        (first,), (last,) = (tool_result(answer, number)["results"] for number in range(2))

        assert (first["next_due"], first["todo"]["completed"]) == ("Wednesday 1 February 2040 (2040-02-01)", False)
        assert (last["next_due"], last["todo"]["completed"]) == (None, True)

    def test_projects_are_found_by_name_in_any_case(self, ada: Account, model: ScriptedModel) -> None:
        ada.add_project("Home")
        model.play(
            Call("add_todos", new_todos("Paint", project="Garage")),
            ToolCalls(Call("list_projects", {}), Call("add_projects", {"names": ["Garage", "home"]})),
            Call("add_todos", new_todos("Paint", project="garage")),
            Call("search_todos", {"project": "GARAGE"}),
            Call("search_todos", {"project": "Attic"}),
            Say("Added."),
        )
        answer = run_turn(ada)

        (unknown,) = tool_result(answer, 0)["results"]
        assert unknown["error"] == "There is no project “Garage”. There are “Home”: name one of these, or add it first."
        assert tool_result(answer, 1) == {"projects": [{"name": "Home"}], "more": False}
        added, existing = tool_result(answer, 2)["results"]
        assert (added["project"], existing["error"]) == ({"name": "Garage"}, "There is a project “home” already.")
        (painted,) = tool_result(answer, 3)["results"]
        assert painted["todo"]["project"] == "Garage"
        assert [todo["title"] for todo in tool_result(answer, 4)["todos"]] == ["Paint"]
        assert "no project “Attic”" in tool_result(answer, 5)["error"]

    def test_todos_move_between_projects_and_parents(self, ada: Account, model: ScriptedModel) -> None:
        home = ada.add_project("Home")
        cake, flour = ada.add("Cake", project_id=home["id"]), ada.add("Flour")
        change = {"id": flour["id"]}
        model.play(
            Call("update_todos", {"changes": [change | {"parent_id": cake["id"]}]}),
            Call("update_todos", {"changes": [change | {"to_top_level": True}]}),
            Call("update_todos", {"changes": [change | {"project": ""}]}),
            Call("add_todos", new_todos("Eggs", parent_id=cake["id"])),
            Call("search_todos", {"parent_id": cake["id"]}),
            Say("Moved."),
        )
        answer = run_turn(ada)
        assert [todo["title"] for todo in tool_result(answer, 4)["todos"]] == ["Eggs"]
        places = [
            (item["todo"]["project"], item["todo"]["parent"])
            for number in range(4)
            for item in tool_result(answer, number)["results"]
        ]
        under_cake = {"id": cake["id"], "title": "Cake"}

        assert places == [("Home", under_cake), ("Home", None), (None, None), ("Home", under_cake)]

    def test_another_users_project_and_parent_are_not_found(
        self, ada: Account, bob: Account, model: ScriptedModel
    ) -> None:
        bob.add_project("Secret")
        wanted = [{"title": "A", "project": "Secret"}, {"title": "B", "parent_id": bob.add()["id"]}]
        model.play(Call("add_todos", {"todos": wanted}), Say("I cannot."))
        first, second = tool_result(run_turn(ada))["results"]

        assert first["error"].startswith("There is no project “Secret”.")
        assert "no todo with the id in parent_id" in second["error"]

    @pytest.mark.parametrize("tool", ["complete_todos", "skip_todos"])
    def test_the_next_occurrence_is_computed_in_the_time_zone_of_the_account(
        self, ada: Account, model: ScriptedModel, tool: str
    ) -> None:
        ada.client.patch("/api/v1/auth/me", json={"timezone": "Europe/Berlin"}).raise_for_status()
        todo = ada.add("Call", due_at="2040-03-24T16:00:00Z", recurrence="FREQ=DAILY")
        model.play(Call(tool, {"ids": [todo["id"]]}), Say("Done."))
        run_turn(ada, timezone="America/New_York")

        assert ada.client.get(todo["url"]).json()["due_at"] == "2040-03-25T15:00:00Z"

    def test_a_skipped_todo_moves_on_and_the_undo_moves_it_back(self, ada: Account, model: ScriptedModel) -> None:
        todo, plain = ada.add("Call", due_date="2040-01-31", recurrence="FREQ=DAILY;COUNT=2"), ada.add("Milk")
        model.play(Call("skip_todos", {"ids": [todo["id"], plain["id"]]}), Say("Skipped."))
        answer = run_turn(ada)

        skipped, refused = tool_result(answer)["results"]
        assert skipped["next_due"] == "Wednesday 1 February 2040 (2040-02-01)"
        assert (refused["ok"], refused["code"]) == (False, "does_not_recur")
        assert ada.client.get(f"{TODOS}/changes").json()[-1]["op"] == "skip"
        ada.client.post(f"/api/v1/chat/turns/{answer['turn_id']}/undo").raise_for_status()
        assert ada.client.get(todo["url"]).json()["due_date"] == "2040-01-31"

    def test_a_recurrence_may_count_from_the_completion(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Call("add_todos", new_todos("Water plants", recurrence="every! 3 days")), Say("Added."))
        (item,) = tool_result(run_turn(ada))["results"]
        assert item["todo"]["recurrence"] == "every 3 days after completion"
        (todo,) = ada.client.get(TODOS).json()
        assert (todo["recurrence"], todo["recurrence_from"]) == ("FREQ=DAILY;INTERVAL=3", "completion")

        model.play(
            Call("update_todos", {"changes": [{"id": todo["id"], "recurrence": "every 3 days"}]}), Say("Changed.")
        )
        run_turn(ada)
        assert ada.client.get(todo["url"]).json()["recurrence_from"] == "due"

    def test_the_trash_can_be_searched_and_restored_from(self, ada: Account, model: ScriptedModel) -> None:
        milk = ada.add("Milk")
        ada.client.delete(milk["url"])
        model.play(
            ToolCalls(Call("search_todos", {"trashed": True}), Call("restore_todos", {"ids": [milk["id"]]})),
            Say("Back."),
        )
        answer = run_turn(ada)

        assert [todo["title"] for todo in tool_result(answer)["todos"]] == ["Milk"]
        assert ada.titles() == ["Milk"]

    def test_search_filters_by_days_and_overdue_todos(self, ada: Account, model: ScriptedModel) -> None:
        ada.add("Late", due_at="2020-01-01T10:00:00Z")
        ada.add("On the day", due_date="2040-01-31")
        ada.add("In its evening", due_at="2040-02-01T03:00:00Z")
        ada.add("Another day", due_date="2040-02-02")
        model.play(
            ToolCalls(
                Call("search_todos", {"overdue": True}),
                Call("search_todos", {"due_from": "jan 31 2040", "due_to": "jan 31 2040"}),
                Call("day_overview", {"day": "jan 31 2040"}),
                Call("search_todos", {"due_from": "no day at all"}),
            ),
            Say("That is all."),
        )
        answer = run_turn(ada, timezone="America/New_York")

        found = [[todo["title"] for todo in tool_result(answer, number)["todos"]] for number in (0, 1)]
        assert found == [["Late"], ["On the day", "In its evening"]]
        assert [todo["title"] for todo in tool_result(answer, 2)["due"]] == ["On the day", "In its evening"]
        assert [todo["title"] for todo in tool_result(answer, 2)["overdue"]] == ["Late"]
        assert answer["tool_calls"][3]["ok"] is False

    @pytest.mark.parametrize(
        ("call", "code"),
        [
            (Call("add_todo", {}), "unknown_tool"),
            (Call("add_todos", '{"todos": [{"title": "Milk"'), "invalid"),
            (Call("add_todos", {"todos": []}), "invalid"),
            (Call("add_todos", {"todos": [{"title": " "}]}), "invalid"),
            (Call("add_todos", "[]"), "invalid"),
            (Call("add_todos", new_todos("Milk" * 20_000)), "too_long"),
            (Call("add_todos", new_todos("Milk", due="no day")), "unreadable_date"),
            (Call("add_todos", new_todos("Milk", recurrence="no rule")), "unreadable_recurrence"),
            (Call("add_todos", new_todos("Milk", project="Attic")), "unknown_project"),
            (Call("add_todos", new_todos("Milk", parent_id=str(uuid4()))), "unknown_parent"),
            (Call("add_todos", new_todos("Milk", reminder="tomorrow")), "needs_time"),
            (Call("complete_todos", {"ids": ["7"]}), "invalid"),
            (Call("complete_todos", {"ids": [str(uuid4())]}), "todo_not_found"),
            (Call("search_todos", {"cursor": "x"}), "invalid_cursor"),
            (Call("undo_last_turn", {}), "nothing_to_undo"),
            (Call("redo_last_undo", {}), "nothing_to_redo"),
        ],
    )
    def test_a_failed_call_returns_a_code_and_a_sentence_to_the_model_and_the_turn_continues(
        self, ada: Account, model: ScriptedModel, call: Call, code: str
    ) -> None:
        model.play(call, Say("That did not work."))
        answer = run_turn(ada)

        (failed,) = answer["tool_calls"]
        assert failed["ok"] is False
        reason = failed["result"] if "error" in failed["result"] else failed["result"]["results"][0]
        assert reason["code"] == code
        sentence = reason["error"]
        assert sentence.endswith(".")
        assert json.dumps(sentence, ensure_ascii=False)[1:10] in model.requests[1].messages[-1]["content"]
        assert answer["response"] == "That did not work."
        assert answer["changed"] == []

    def test_repeated_or_missing_call_ids_are_replaced(self, ada: Account, model: ScriptedModel) -> None:
        model.play(
            ToolCalls(Call("add_todos", new_todos("One"), id="a"), Call("add_todos", new_todos("Two"), id="a")),
            ToolCalls(Call("add_todos", new_todos("Three"), id=""), Call("add_todos", new_todos("Four"), id="a")),
            Say("Added."),
        )
        answer = run_turn(ada)

        assert len({call["id"] for call in answer["tool_calls"]}) == 4
        assert ada.titles() == ["One", "Two", "Three", "Four"]
