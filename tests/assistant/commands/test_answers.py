"""The answers of the command model: which fields, titles and reasons they name."""

import pytest

from tests.accounts import PROJECTS, TODOS
from tests.assistant.chat_client import ChatClient


class TestAnswers:
    def test_the_answer_repeats_all_recognised_fields(self, chat: ChatClient) -> None:
        response = chat.say("call mum on jan 31 2040 at 5pm #family !high")

        assert response == "Added “call mum”, due Tuesday 31 January 2040 17:00, high priority, #family."
        (todo,) = chat.user.client.get(TODOS).json()
        assert (todo["due_at"], todo["priority"], todo["tags"]) == ("2040-01-31T16:00:00Z", "high", ["family"])

    def test_several_todos_are_added_by_one_command(self, chat: ChatClient) -> None:
        assert chat.say("add: milk; eggs").splitlines() == ["Added “milk”.", "Added “eggs”."]

    def test_all_todos_of_a_tag_can_be_completed(self, chat: ChatClient) -> None:
        chat.say("add: milk #home; eggs #home; report #work")

        assert chat.say("done all #home") == "Completed “milk”.\nCompleted “eggs”."

    @pytest.mark.parametrize(
        ("message", "response"),
        [
            ("done milk", "I found no open todo that fits “milk”. Type `list` to see what there is."),
            ("reopen milk", "I found no completed todo that fits “milk”. Type `list` to see what there is."),
            ("restore milk", "I found no todo in the trash that fits “milk”. Type `list` to see what there is."),
            ("list", "You have no open todos."),
            ("undo", "There is nothing to undo in this conversation."),
        ],
    )
    def test_a_command_without_matches_says_so(self, chat: ChatClient, message: str, response: str) -> None:
        assert chat.say(message) == response

    def test_each_field_can_be_changed_by_a_command(self, chat: ChatClient) -> None:
        chat.say("add milk")

        assert chat.say("rename milk to oat milk") == "Changed “oat milk”."
        assert chat.say("tag oat milk #home") == "Changed “oat milk”, #home."
        assert chat.say("set oat milk priority high") == "Changed “oat milk”, high priority, #home."
        assert (
            chat.say("move milk to jan 31 2040")
            == "Moved “oat milk”, due Tuesday 31 January 2040, high priority, #home."
        )
        assert chat.say("remove date from milk") == "Removed the date of “oat milk”."
        assert chat.say("done milk") == "Completed “oat milk”."
        assert chat.say("reopen milk") == "Reopened “oat milk”."

    def test_a_recurring_todo_is_answered_with_its_rule_and_next_date(self, chat: ChatClient) -> None:
        response = chat.say("water plants on jan 31 2040 every week /Work")

        assert response.splitlines() == [
            "Added the project “Work”.",
            "Added “water plants”, due Tuesday 31 January 2040, every week, in Work.",
        ]
        assert chat.say("done water plants") == "Completed “water plants”, next due Tuesday 7 February 2040."
        assert chat.say("undo") == "Undone: “water plants”."
        assert chat.say("list /work") == "1. “water plants”, due Tuesday 31 January 2040, every week, in Work"
        assert chat.say("repeat plants every 2nd tuesday") == (
            "Changed “water plants”, due Tuesday 14 February 2040, every month on the second Tuesday, in Work."
        )
        assert chat.say("stop repeating water plants") == "Ended the recurrence of “water plants”."
        assert chat.say("done water plants") == "Completed “water plants”."

    def test_a_recurring_todo_is_skipped(self, chat: ChatClient) -> None:
        chat.say("water plants on jan 31 2040 every week")
        chat.say("bins on jan 31 2040")

        assert chat.say("skip plants") == (
            "Do you mean a todo that you have, or a new one?\n"
            "1. “water plants”, due Tuesday 31 January 2040, every week\n"
            "2. Add “skip plants” as a new todo"
        )
        assert chat.say("1") == "Skipped “water plants”, next due Tuesday 7 February 2040."
        assert chat.say("skip water plants") == "Skipped “water plants”, next due Tuesday 14 February 2040."
        assert chat.say("skip bins") == "That todo does not repeat, so there is nothing to skip."

    @pytest.mark.parametrize("due", ["9999-12-31T23:30:00Z", "0001-01-02T00:30:00Z"])
    def test_a_todo_at_an_end_of_the_calendar_is_answered_with_a_sentence(self, chat: ChatClient, due: str) -> None:
        at_the_end = {"due_at": due, "reminder_at": due, "recurrence": "FREQ=DAILY"}
        for number, command in enumerate(("done", "skip", "repeat", "move")):
            chat.user.client.post(TODOS, json={"title": f"zebra{number}", **at_the_end}).raise_for_status()
            more = {"repeat": " every week", "move": " to friday"}.get(command, "")
            assert chat.say(f"{command} zebra{number}{more}")

    def test_a_recurrence_counts_from_the_completion(self, chat: ChatClient) -> None:
        assert chat.say("water plants every! 3 days from jan 31 2040") == (
            "Added “water plants”, due Tuesday 31 January 2040, every 3 days after completion."
        )
        assert chat.say("repeat plants every! week") == (
            "Changed “water plants”, due Tuesday 31 January 2040, every week after completion."
        )

    def test_a_project_is_created_when_a_command_names_it(self, chat: ChatClient) -> None:
        assert chat.say("projects") == "There are no projects yet. Type `new project Work` to add one."
        assert chat.say("new project Home office") == "Added the project “Home office”."
        assert chat.say('add: desk /"home office", lamp /"Home office"').splitlines() == [
            "Added “desk”, in Home office.",
            "Added “lamp”, in Home office.",
        ]
        assert chat.say("move lamp to /cellar").splitlines() == [
            "Added the project “cellar”.",
            "Changed “lamp”, in cellar.",
        ]
        assert chat.say("projects") == "Your projects: “Home office”, “cellar”."
        assert chat.say("list /attic") == (
            "There is no project “attic”. Type `projects` to see yours, or `new project` and a name."
        )
        assert chat.say("done all /attic").startswith("There is no project “attic”.")
        assert chat.say("move lamp out of /cellar") == "Removed the project of “lamp”."
        assert (
            chat.say("done all /cellar") == "I found no open todo that fits /cellar. Type `list` to see what there is."
        )
        assert chat.say("new project cellar") == "There is a project “cellar” already."

    def test_todos_can_be_added_and_moved_under_other_todos(self, chat: ChatClient) -> None:
        chat.say("add: bake cake /Kitchen, buy cake tin")

        assert chat.say("buy flour under bake") == "Added “buy flour”, in Kitchen, under “bake cake”."
        assert chat.say("look under bed") == "Added “look under bed”."
        assert chat.say("buy eggs under cake") == "Added “buy eggs under cake”."
        assert chat.say("move cake tin under “bake cake”") == "Changed “buy cake tin”, in Kitchen, under “bake cake”."
        assert chat.say("move cake tin to the top level") == "Changed “buy cake tin”, in Kitchen."
        assert chat.say("move cake tin under nothing") == (
            "I found no open todo that fits “nothing”. Type `list` to see what there is."
        )
        assert "its own subtodo" in chat.say("move bake cake under buy flour")
        waiting = chat.run_turn("delete bake cake")
        assert waiting["response"] == "This needs your approval: delete “bake cake”, “buy flour”."
        assert chat.approve(waiting["turn_id"]) == "Deleted “bake cake” and its subtodo."
        assert chat.say("restore bake cake") == "Restored “bake cake”."
        assert chat.say("list flour") == "1. “buy flour”, in Kitchen, under “bake cake”"

    def test_an_undo_reports_todos_changed_later(self, chat: ChatClient) -> None:
        chat.say("add: milk; eggs")
        chat.say("list")
        chat.say("done all")
        (milk, _) = chat.user.client.get(TODOS).json()
        chat.user.client.patch(milk["url"], json={"title": "Milk"})

        assert chat.say("undo") == "Undone: “eggs”. Left alone, because of later changes: “Milk”."

    def test_an_undo_reports_projects(self, chat: ChatClient) -> None:
        chat.say("new project Home")

        assert chat.say("undo") == "Undone: the project “Home”."
        assert chat.say("redo") == "Redone: the project “Home”."
        (home,) = chat.user.client.get(PROJECTS).json()
        chat.user.add("milk", project_id=home["id"])
        assert chat.say("undo") == "Left alone, because of later changes: the project “Home”."

    def test_an_undo_of_todos_moved_to_a_new_project_removes_it(self, chat: ChatClient) -> None:
        chat.say("add desk")
        chat.say("move desk to /cellar")

        assert chat.say("undo") == "Undone: “desk”. Undone: the project “cellar”."
        assert chat.say("projects").startswith("There are no projects yet.")

    def test_the_overview_of_a_day_is_numbered(self, chat: ChatClient) -> None:
        chat.user.add("late", due_date="2020-01-01")
        chat.say("add bread today")

        day, overdue, late, due, bread = chat.say("today").splitlines()
        assert (overdue, late, due) == ("Overdue:", "1. “late”, due Wednesday 1 January 2020", "Due:")
        assert bread.startswith("2. “bread”, due ")
        assert day.rstrip(":").split()[0] in bread
        assert chat.say("done 1") == "Completed “late”."

    def test_the_answer_lists_other_readings_of_a_date(self, chat: ChatClient) -> None:
        assert "(or did you mean " in chat.say("add milk on 03/04/2040")
