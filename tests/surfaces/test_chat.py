"""The assistant over every surface, with a scripted model behind it."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.accounts import CHAT, TODOS, Account, problem
from tests.model_replies import (
    Call,
    Cut,
    Dribble,
    Empty,
    Fail,
    Garbage,
    Hang,
    ReceivedRequest,
    Reply,
    Say,
    Slow,
    Tokens,
    ToolCalls,
)
from tests.scripted_model import ScriptedModel

type Json = dict[str, Any]


@pytest.fixture
def model(scripted: ScriptedModel) -> Iterator[ScriptedModel]:
    """The scripted model, of which nothing may be asked that the script does not hold."""
    scripted.play()
    yield scripted
    assert scripted.unexpected == []


def say(account: Account, message: str = "Please.", **fields: object) -> httpx2.Response:
    return account.client.post(CHAT, json={"message": message, **fields})


def turn(account: Account, message: str = "Please.", **fields: object) -> Json:
    """The answer to a message that is accepted."""
    answered = say(account, message, **fields)
    assert answered.status_code == 200, answered.text
    answer: Json = answered.json()
    return answer


def stream(account: Account, message: str = "Please.", headers: dict[str, str] | None = None) -> list[tuple[str, Json]]:
    """The events of a turn."""
    streamed = account.client.post(
        CHAT, json={"message": message}, headers={"Accept": "text/event-stream", **(headers or {})}
    )
    assert streamed.status_code == 200, streamed.text
    assert streamed.headers["content-type"].startswith("text/event-stream")
    return events_in(streamed.text)


def events_in(text: str) -> list[tuple[str, Json]]:
    events = []
    for block in text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if lines:
            events.append((lines["event"], json.loads(lines["data"])))
    return events


def text_of(events: list[tuple[str, Json]]) -> str:
    """What the tokens of the last attempt say, round by round."""
    last = {event["round"]: event["attempt"] for name, event in events if name == "token"}
    return "".join(
        event["text"] for name, event in events if name == "token" and event["attempt"] == last[event["round"]]
    )


def decide(account: Account, turn_id: str, *, approve: bool) -> httpx2.Response:
    return account.client.post(f"{CHAT}/turns/{turn_id}/approval", json={"approve": approve})


def undo(account: Account, turn_id: str) -> httpx2.Response:
    return account.client.post(f"{CHAT}/turns/{turn_id}/undo")


class TestTurn:
    def test_what_the_model_says_is_the_answer(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Say("Hello Ada.", tokens=Tokens(prompt=120, completion=5)))

        answer = turn(ada, "Hello")

        assert answer | {"conversation_id": None, "turn_id": None} == {
            "conversation_id": None,
            "turn_id": None,
            "response": "Hello Ada.",
            "tool_calls": [],
            "changed": [],
            "status": "done",
            "approval": None,
            "model": "scripted",
            "usage": {"prompt_tokens": 120, "completion_tokens": 5},
        }

    def test_the_model_works_by_tools_over_rounds(self, ada: Account, model: ScriptedModel) -> None:
        milk, bread = ada.add("Buy milk"), ada.add("Buy bread")
        model.play(
            ToolCalls(Call("search_todos", {"text": "buy"})),
            ToolCalls(Call("complete_todos", {"ids": [milk["id"], bread["id"]]}), Call("add_todos", todos("Cook"))),
            Say("Both are done, and I added “Cook”."),
        )

        answer = turn(ada, "I bought milk and bread, now I cook")

        assert answer["status"] == "done"
        assert answer["response"] == "Both are done, and I added “Cook”."
        assert [call["name"] for call in answer["tool_calls"]] == ["search_todos", "complete_todos", "add_todos"]
        assert [call["ok"] for call in answer["tool_calls"]] == [True] * 3
        assert answer["usage"] == {"prompt_tokens": 33, "completion_tokens": 21}
        assert ada.titles(completed=True) == ["Buy milk", "Buy bread"]
        assert ada.titles(completed=False) == ["Cook"]
        assert set(answer["changed"]) == {milk["id"], bread["id"], id_of(ada, "Cook")}

    def test_the_model_reads_each_result(self, ada: Account, model: ScriptedModel) -> None:
        ada.add("Buy milk", tags=["home"])
        model.play(Call("search_todos", {"tags": ["home"]}, id="call_x"), Say("One todo."))
        turn(ada, "What is there at home?")

        roles = [message["role"] for message in model.requests[1].messages]
        result = model.requests[1].messages[-1]

        assert roles == ["system", "user", "assistant", "tool"]
        assert result["tool_call_id"] == "call_x"
        assert "Buy milk" in result["content"]
        assert result["content"].startswith("<data>")

    def test_the_model_is_told_the_users_date_time_and_zone(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Say("Hello."))
        turn(ada, "Hello", timezone="Asia/Kolkata")

        (rules,) = [message for message in model.requests[0].messages if message["role"] == "system"]

        assert rules["content"].splitlines()[-1].startswith("It is ")
        assert "Asia/Kolkata" in rules["content"].splitlines()[-1]

    def test_the_tools_are_strict_functions(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Say("Hello."))
        turn(ada, "Hello")

        for tool in model.requests[0].body["tools"]:
            parameters = tool["function"]["parameters"]
            assert tool["function"]["strict"] is True
            assert tool["function"]["description"]
            assert parameters["additionalProperties"] is False
            assert parameters["required"] == list(parameters["properties"])

    def test_a_conversation_goes_on(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Say("Hello Ada."), Say("I said hello."))
        first = turn(ada, "Hello")
        second = turn(ada, "What did you say?", conversation_id=first["conversation_id"])

        said = [(each["role"], each["content"]) for each in model.requests[1].messages if each["role"] != "system"]

        assert second["conversation_id"] == first["conversation_id"]
        assert said == [("user", "Hello"), ("assistant", "Hello Ada."), ("user", "What did you say?")]

    def test_another_conversation_is_not_read(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Say("Hello Ada."), Say("Nothing."))
        turn(ada, "Hello")
        turn(ada, "What did you say?")

        assert len(model.requests[1].messages) == 2

    def test_an_unknown_conversation_is_a_404(self, ada: Account) -> None:
        problem(say(ada, conversation_id=str(uuid4())), 404, "conversation_not_found")

    def test_another_users_conversation_is_a_404(self, ada: Account, bob: Account, model: ScriptedModel) -> None:
        model.play(Say("Hello."))
        problem(say(bob, conversation_id=turn(ada)["conversation_id"]), 404, "conversation_not_found")

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"message": ""},
            {"message": "  "},
            {"message": "x" * 4001},
            {"message": 7},
            {"message": "a\0b"},
            {"message": "x", "conversation_id": "7"},
            {"message": "x", "timezone": "Mars/Base"},
            {"message": "x", "user_id": str(uuid4())},
        ],
    )
    def test_a_body_that_does_not_fit_is_a_422(self, ada: Account, body: Json) -> None:
        problem(ada.client.post(CHAT, json=body), 422, "validation_failed")

    def test_a_turn_can_be_read_again(self, ada: Account, bob: Account, model: ScriptedModel) -> None:
        model.play(Call("add_todos", todos("Cook")), Say("Added."))
        answer = turn(ada)

        assert ada.client.get(f"{CHAT}/turns/{answer['turn_id']}").json() == answer
        problem(bob.client.get(f"{CHAT}/turns/{answer['turn_id']}"), 404, "turn_not_found")

    def test_an_answer_without_words_gets_some(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Say(""))

        assert turn(ada)["response"]


def todos(*titles: str, **fields: object) -> Json:
    """The arguments that add todos."""
    return {"todos": [{"title": title, **fields} for title in titles]}


def id_of(account: Account, title: str) -> str:
    (found,) = [todo["id"] for todo in account.client.get(TODOS).json() if todo["title"] == title]
    return str(found)


def without_versions(todo: Json) -> Json:
    return {name: value for name, value in todo.items() if name not in {"version", "updated_at"}}


def result_of(answer: Json, number: int = 0) -> Json:
    result: Json = answer["tool_calls"][number]["result"]
    return result


class TestTools:
    def test_a_date_is_resolved_in_the_users_zone_and_named(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Call("add_todos", todos("Call mum", due="jan 31 2040 5pm")), Say("Added."))
        answer = turn(ada, timezone="America/New_York")

        (item,) = result_of(answer)["results"]
        assert item["todo"]["due"] == "Tuesday 2040-01-31T17:00-05:00"
        assert ada.client.get(TODOS).json()[0]["due_at"] == "2040-01-31T22:00:00Z"

    def test_a_day_stays_a_day(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Call("add_todos", todos("Pay rent", due="jan 31 2040")), Say("Added."))
        turn(ada)

        assert ada.client.get(TODOS).json()[0]["due_date"] == "2040-01-31"

    def test_what_is_no_date_is_told_for_the_item_alone(self, ada: Account, model: ScriptedModel) -> None:
        wanted = {"todos": [{"title": "One", "due": "when the cows come home"}, {"title": "Two"}]}
        model.play(Call("add_todos", wanted), Say("Half of it."))
        answer = turn(ada)

        first, second = result_of(answer)["results"]
        assert answer["tool_calls"][0]["ok"] is False
        assert (first["ok"], second["ok"]) == (False, True)
        assert "when the cows come home" in first["error"]
        assert ada.titles() == ["Two"]

    def test_one_can_be_changed_in_each_of_its_fields(self, ada: Account, model: ScriptedModel) -> None:
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
        turn(ada)

        todo = ada.client.get(milk["url"]).json()
        assert (todo["title"], todo["priority"], todo["tags"], todo["description"]) == (
            "Oat milk",
            "high",
            ["shop"],
            None,
        )

    def test_one_reminds_at_a_time_of_the_users_zone(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Call("add_todos", todos("Pay rent", due="jan 31 2040", reminder="jan 30 2040 9am")), Say("Added."))
        (item,) = result_of(turn(ada, timezone="America/New_York"))["results"]
        assert item["todo"]["reminder"] == "Monday 2040-01-30T09:00-05:00"
        (todo,) = ada.client.get(TODOS).json()
        assert (todo["due_date"], todo["reminder_at"]) == ("2040-01-31", "2040-01-30T14:00:00Z")

    def test_a_reminder_can_be_moved_and_taken_away(self, ada: Account, model: ScriptedModel) -> None:
        milk = ada.add("Milk", reminder_at="2040-01-30T09:00:00Z")
        for reminder, left in (("jan 31 2040 10am", "2040-01-31T10:00:00Z"), ("", None)):
            model.play(Call("update_todos", {"changes": [{"id": milk["id"], "reminder": reminder}]}), Say("Done."))
            turn(ada)
            assert ada.client.get(milk["url"]).json()["reminder_at"] == left

    def test_a_reminder_without_a_time_is_told_for_the_item_alone(self, ada: Account, model: ScriptedModel) -> None:
        wanted = {"todos": [{"title": "One", "reminder": "tomorrow"}, {"title": "Two"}]}
        model.play(Call("add_todos", wanted), Say("Half of it."))
        first, second = result_of(turn(ada))["results"]
        assert (first["ok"], second["ok"]) == (False, True)
        assert "time of the day" in first["error"]
        assert ada.titles() == ["Two"]

    def test_it_can_be_moved_reopened_and_read(self, ada: Account, model: ScriptedModel) -> None:
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
        answer = turn(ada)

        todo = ada.client.get(milk["url"]).json()
        assert (todo["completed"], todo["due_date"]) == (False, None)
        (read,) = result_of(answer, 2)["results"]
        assert read["todo"]["description"] == "The blue one"
        assert read["todo"]["due"] == "Tuesday 2040-01-31"

    def test_what_breaks_a_rule_of_the_database_is_told_for_the_item_alone(
        self, ada: Account, model: ScriptedModel
    ) -> None:
        cake, milk = ada.add("Cake"), ada.add("Milk")
        changes = [{"id": cake["id"], "parent_id": cake["id"]}, {"id": milk["id"], "title": "Oat milk"}]
        model.play(Call("update_todos", {"changes": changes}), Say("Half of it."))
        first, second = result_of(turn(ada))["results"]

        assert (first["ok"], second["ok"]) == (False, True)
        assert "its own subtodo" in first["error"]
        assert ada.client.get(cake["url"]).json() == cake
        assert ada.client.get(milk["url"]).json()["title"] == "Oat milk"

    def test_what_recurs_is_due_first_at_its_first_occurrence(self, ada: Account, model: ScriptedModel) -> None:
        wanted = {"title": "Water plants", "due": "jan 31 2040 5pm", "recurrence": "every 2nd tuesday until june 2041"}
        model.play(Call("add_todos", {"todos": [wanted]}), Say("Added."))
        (item,) = result_of(turn(ada, timezone="America/New_York"))["results"]

        assert item["todo"]["due"] == "Tuesday 2040-02-14T17:00-05:00"
        assert item["todo"]["recurrence"] == "every month on the second Tuesday until 2041-06-01"
        (todo,) = ada.client.get(TODOS).json()
        assert todo["due_at"] == "2040-02-14T22:00:00Z"
        assert todo["recurrence"] == "FREQ=MONTHLY;UNTIL=20410601;BYDAY=2TU"

    def test_what_is_no_recurrence_is_told_with_what_is_one(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Call("add_todos", todos("Stretch", recurrence="every 12 hours")), Say("I cannot."))
        (item,) = result_of(turn(ada))["results"]

        assert item["ok"] is False
        assert "every weekday" in item["error"] or "every day at 9am" in item["error"]
        assert ada.titles() == []

    def test_a_recurrence_begins_with_the_date_that_there_is_and_can_be_taken_away(
        self, ada: Account, model: ScriptedModel
    ) -> None:
        milk, rent = ada.add("Milk", due_at="2040-01-31T16:00:00Z"), ada.add("Rent", due_date="2020-01-01")
        model.play(
            Call("update_todos", {"changes": [{"id": milk["id"], "recurrence": "every weekday"}]}),
            Call("update_todos", {"changes": [{"id": rent["id"], "recurrence": "every month"}]}),
            Call("update_todos", {"changes": [{"id": milk["id"], "recurrence": ""}]}),
            Call("reschedule_todos", {"ids": [rent["id"]], "due": None}),
            Say("Done."),
        )
        answer = turn(ada, timezone="Europe/Berlin")
        results = [result_of(answer, number)["results"][0]["todo"] for number in range(4)]

        assert (results[0]["due"], results[0]["recurrence"]) == ("Tuesday 2040-01-31T17:00+01:00", "every weekday")
        assert results[1]["recurrence"] == "every month"
        assert results[1]["due"] > "2026"
        assert (results[2]["due"], results[2]["recurrence"]) == ("Tuesday 2040-01-31T17:00+01:00", None)
        assert (results[3]["due"], results[3]["recurrence"]) == (None, None)

    def test_completing_tells_when_it_is_due_next(self, ada: Account, model: ScriptedModel) -> None:
        daily = ada.add("Call", due_date="2040-01-31", recurrence="FREQ=DAILY;COUNT=2")
        ids = {"ids": [daily["id"]]}
        model.play(Call("complete_todos", ids), Call("complete_todos", ids), Say("Done."))
        answer = turn(ada)
        (first,), (last,) = (result_of(answer, number)["results"] for number in range(2))

        assert (first["next_due"], first["todo"]["completed"]) == ("Wednesday 2040-02-01", False)
        assert (last["next_due"], last["todo"]["completed"]) == (None, True)

    def test_projects_are_known_by_their_names(self, ada: Account, model: ScriptedModel) -> None:
        ada.add_project("Home")
        model.play(
            Call("add_todos", todos("Paint", project="Garage")),
            ToolCalls(Call("list_projects", {}), Call("add_projects", {"names": ["Garage", "home"]})),
            Call("add_todos", todos("Paint", project="garage")),
            Call("search_todos", {"project": "GARAGE"}),
            Call("search_todos", {"project": "Attic"}),
            Say("Added."),
        )
        answer = turn(ada)

        (unknown,) = result_of(answer, 0)["results"]
        assert unknown["error"] == "There is no project “Garage”. There are “Home”: name one of these, or add it first."
        assert result_of(answer, 1) == {"projects": [{"name": "Home"}], "more": False}
        made, taken = result_of(answer, 2)["results"]
        assert (made["project"], taken["error"]) == ({"name": "Garage"}, "There is a project “home” already.")
        (painted,) = result_of(answer, 3)["results"]
        assert painted["todo"]["project"] == "Garage"
        assert [todo["title"] for todo in result_of(answer, 4)["todos"]] == ["Paint"]
        assert "no project “Attic”" in result_of(answer, 5)["error"]

    def test_todos_move_between_projects_and_parents(self, ada: Account, model: ScriptedModel) -> None:
        home = ada.add_project("Home")
        cake, flour = ada.add("Cake", project_id=home["id"]), ada.add("Flour")
        change = {"id": flour["id"]}
        model.play(
            Call("update_todos", {"changes": [change | {"parent_id": cake["id"]}]}),
            Call("update_todos", {"changes": [change | {"to_top_level": True}]}),
            Call("update_todos", {"changes": [change | {"project": ""}]}),
            Call("add_todos", todos("Eggs", parent_id=cake["id"])),
            Call("search_todos", {"parent_id": cake["id"]}),
            Say("Moved."),
        )
        answer = turn(ada)
        assert [todo["title"] for todo in result_of(answer, 4)["todos"]] == ["Eggs"]
        places = [
            (item["todo"]["project"], item["todo"]["parent"])
            for number in range(4)
            for item in result_of(answer, number)["results"]
        ]
        under_cake = {"id": cake["id"], "title": "Cake"}

        assert places == [("Home", under_cake), ("Home", None), (None, None), ("Home", under_cake)]

    def test_another_users_project_and_parent_are_unknown(
        self, ada: Account, bob: Account, model: ScriptedModel
    ) -> None:
        bob.add_project("Secret")
        wanted = [{"title": "A", "project": "Secret"}, {"title": "B", "parent_id": bob.add()["id"]}]
        model.play(Call("add_todos", {"todos": wanted}), Say("I cannot."))
        first, second = result_of(turn(ada))["results"]

        assert first["error"].startswith("There is no project “Secret”.")
        assert "no todo with the id in parent_id" in second["error"]

    def test_completing_moves_what_recurs_by_the_clocks_of_the_turn(self, ada: Account, model: ScriptedModel) -> None:
        todo = ada.add("Call", due_at="2040-03-24T16:00:00Z", recurrence="FREQ=DAILY")
        model.play(Call("complete_todos", {"ids": [todo["id"]]}), Say("Done."))
        turn(ada, timezone="Europe/Berlin")

        assert ada.client.get(todo["url"]).json()["due_at"] == "2040-03-25T15:00:00Z"

    def test_the_trash_is_searched_and_restored_from(self, ada: Account, model: ScriptedModel) -> None:
        milk = ada.add("Milk")
        ada.client.delete(milk["url"])
        model.play(
            ToolCalls(Call("search_todos", {"trashed": True}), Call("restore_todos", {"ids": [milk["id"]]})),
            Say("Back."),
        )
        answer = turn(ada)

        assert [todo["title"] for todo in result_of(answer)["todos"]] == ["Milk"]
        assert ada.titles() == ["Milk"]

    def test_search_takes_days_and_what_is_overdue(self, ada: Account, model: ScriptedModel) -> None:
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
        answer = turn(ada, timezone="America/New_York")

        found = [[todo["title"] for todo in result_of(answer, number)["todos"]] for number in (0, 1)]
        assert found == [["Late"], ["On the day", "In its evening"]]
        assert [todo["title"] for todo in result_of(answer, 2)["due"]] == ["On the day", "In its evening"]
        assert [todo["title"] for todo in result_of(answer, 2)["overdue"]] == ["Late"]
        assert answer["tool_calls"][3]["ok"] is False

    @pytest.mark.parametrize(
        ("name", "arguments"),
        [
            ("add_todo", {}),
            ("add_todos", '{"todos": [{"title": "Milk"'),
            ("add_todos", {"todos": []}),
            ("add_todos", {"todos": [{"title": " "}]}),
            ("add_todos", []),
            ("complete_todos", {"ids": ["7"]}),
            ("complete_todos", {"ids": [str(uuid4())]}),
            ("undo_last_turn", {}),
        ],
    )
    def test_what_fails_is_told_the_model_in_a_sentence_and_the_turn_goes_on(
        self, ada: Account, model: ScriptedModel, name: str, arguments: Json | str
    ) -> None:
        model.play(Call(name, arguments), Say("That did not work."))
        answer = turn(ada)

        (call,) = answer["tool_calls"]
        assert call["ok"] is False
        sentence = call["result"].get("error") or call["result"]["results"][0]["error"]
        assert sentence.endswith(".")
        assert json.dumps(sentence, ensure_ascii=False)[1:10] in model.requests[1].messages[-1]["content"]
        assert answer["response"] == "That did not work."
        assert answer["changed"] == []

    def test_calls_whose_ids_repeat_or_are_missing_keep_apart(self, ada: Account, model: ScriptedModel) -> None:
        model.play(
            ToolCalls(Call("add_todos", todos("One"), id="a"), Call("add_todos", todos("Two"), id="a")),
            ToolCalls(Call("add_todos", todos("Three"), id=""), Call("add_todos", todos("Four"), id="a")),
            Say("Added."),
        )
        answer = turn(ada)

        assert len({call["id"] for call in answer["tool_calls"]}) == 4
        assert ada.titles() == ["One", "Two", "Three", "Four"]


class TestApproval:
    @pytest.fixture
    def asks(self, ada: Account, model: ScriptedModel) -> Json:
        """A turn that asks before it deletes `Milk`."""
        milk = ada.add("Milk")
        model.play(
            ToolCalls(Call("delete_todos", {"ids": [milk["id"]]}), Call("add_todos", todos("Bread"))),
            Say("As you wish."),
        )
        return turn(ada, "Delete the milk, add bread")

    def test_a_delete_waits_for_it(self, ada: Account, asks: Json) -> None:
        (call,) = asks["approval"]["calls"]

        assert asks["status"] == "needs_approval"
        assert "Milk" in asks["response"]
        assert (call["name"], call["deletes"]) == ("delete_todos", True)
        assert call["arguments"] == {"ids": [call["todos"][0]["id"]]}
        assert (call["todos"][0]["title"], call["todos"][0]["version"]) == ("Milk", 1)
        assert ada.titles() == ["Milk", "Bread"]

    def test_given_the_turn_goes_on(self, ada: Account, asks: Json) -> None:
        answer = decide(ada, asks["turn_id"], approve=True).json()

        assert (answer["status"], answer["response"], answer["approval"]) == ("done", "As you wish.", None)
        assert answer["tool_calls"][0]["ok"] is True
        assert ada.titles() == ["Bread"]

    def test_refused_nothing_happens_and_the_model_is_told(
        self, ada: Account, asks: Json, model: ScriptedModel
    ) -> None:
        answer = decide(ada, asks["turn_id"], approve=False).json()

        assert (answer["status"], answer["response"]) == ("done", "As you wish.")
        assert answer["tool_calls"][0]["ok"] is False
        assert "refused" in model.requests[-1].messages[-2]["content"]
        assert ada.titles() == ["Milk", "Bread"]

    def test_it_counts_once(self, ada: Account, asks: Json) -> None:
        decide(ada, asks["turn_id"], approve=True)

        problem(decide(ada, asks["turn_id"], approve=True), 409, "nothing_to_approve")

    def test_it_holds_for_the_todos_as_they_were(self, ada: Account, asks: Json) -> None:
        ada.client.patch(f"{TODOS}/{id_of(ada, 'Milk')}", json={"description": "Still needed!"})

        answer = decide(ada, asks["turn_id"], approve=True).json()

        assert answer["tool_calls"][0]["ok"] is False
        assert ada.titles() == ["Milk", "Bread"]

    def test_two_calls_on_the_same_todos_are_both_carried_out(self, ada: Account, model: ScriptedModel) -> None:
        ids = [ada.add(str(number))["id"] for number in range(6)]
        model.play(
            ToolCalls(
                Call("reschedule_todos", {"ids": ids, "due": "jan 31 2040"}),
                Call("update_todos", {"changes": [{"id": each, "add_tags": ["x"]} for each in ids]}),
            ),
            Say("Moved and tagged."),
        )
        answer = decide(ada, turn(ada)["turn_id"], approve=True).json()

        assert [call["ok"] for call in answer["tool_calls"]] == [True, True]
        assert {(todo["due_date"], *todo["tags"]) for todo in ada.client.get(TODOS).json()} == {("2040-01-31", "x")}

    def test_todos_that_the_turn_added_are_not_counted(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Call("add_todos", todos(*"abcdefg")))
        model.answer_with(tag_all_that_were_added)

        assert turn(ada)["status"] == "done"
        assert ada.titles(tag="x") == [*"abcdefg"]

    @pytest.mark.parametrize(
        ("name", "change"), [("complete_todos", None), ("update_todos", {"project": "Home"}), ("restore_todos", None)]
    )
    def test_subtodos_that_go_along_are_counted(
        self, ada: Account, model: ScriptedModel, name: str, change: Json | None
    ) -> None:
        ada.add_project("Home")
        cake = ada.add("Cake")
        flour, *others = [ada.add(each, parent_id=cake["id"]) for each in ("Flour", "Eggs", "Milk", "Sugar")]
        ada.add("Rye", parent_id=flour["id"])
        if name == "restore_todos":
            ada.client.delete(cake["url"])
        arguments = {"changes": [{"id": cake["id"]} | change]} if change else {"ids": [cake["id"]]}
        model.play(Call(name, arguments), Say("Done."))
        answer = turn(ada)

        (call,) = answer["approval"]["calls"]
        assert {todo["title"] for todo in call["todos"]} == {"Cake", "Flour", "Eggs", "Milk", "Sugar", "Rye"}
        decided = decide(ada, answer["turn_id"], approve=True).json()
        assert decided["tool_calls"][0]["ok"] is True
        assert set(decided["changed"]) == {todo["id"] for todo in call["todos"]}
        assert others

    def test_a_delete_names_the_subtodos_that_go_along(self, ada: Account, model: ScriptedModel) -> None:
        cake = ada.add("Cake")
        flour = ada.add("Flour", parent_id=cake["id"])
        model.play(Call("delete_todos", {"ids": [cake["id"], flour["id"]]}), Say("Gone."))
        asks = turn(ada)
        answer = decide(ada, asks["turn_id"], approve=True).json()

        assert [todo["title"] for todo in asks["approval"]["calls"][0]["todos"]] == ["Cake", "Flour"]
        assert [(item["ok"], item["subtodos"]) for item in result_of(answer)["results"]] == [(True, 1), (True, 0)]
        assert ada.titles() == []

    def test_a_subtodo_that_came_since_is_not_deleted_along(self, ada: Account, model: ScriptedModel) -> None:
        cake = ada.add("Cake")
        model.play(Call("delete_todos", {"ids": [cake["id"]]}), Say("It changed."))
        asks = turn(ada)
        ada.add("Flour", parent_id=cake["id"])
        answer = decide(ada, asks["turn_id"], approve=True).json()

        assert answer["tool_calls"][0]["ok"] is False
        assert ada.titles() == ["Cake", "Flour"]

    def test_what_an_earlier_call_took_along_does_not_undo_the_approval(
        self, ada: Account, model: ScriptedModel
    ) -> None:
        cake = ada.add("Cake")
        flour = ada.add("Flour", parent_id=cake["id"])
        ada.add("Rye", parent_id=flour["id"])
        model.play(
            ToolCalls(Call("delete_todos", {"ids": [cake["id"]]}), Call("delete_todos", {"ids": [flour["id"]]})),
            Say("Gone."),
        )
        answer = decide(ada, turn(ada)["turn_id"], approve=True).json()

        assert answer["tool_calls"][0]["ok"] is True
        assert "no todo with this id" in result_of(answer, 1)["results"][0]["error"]
        assert ada.titles() == []

    def test_five_changes_need_none(self, ada: Account, model: ScriptedModel) -> None:
        ids = [ada.add(str(number))["id"] for number in range(5)]
        model.play(Call("complete_todos", {"ids": ids}), Say("Done."))

        assert turn(ada)["status"] == "done"

    @pytest.mark.parametrize("parallel", [True, False])
    def test_six_changes_at_once_do(self, ada: Account, model: ScriptedModel, parallel: bool) -> None:  # noqa: FBT001
        ids = [ada.add(str(number))["id"] for number in range(6)]
        each = [Call("complete_todos", {"ids": [todo_id]}) for todo_id in ids]
        model.play(ToolCalls(*each) if parallel else Call("complete_todos", {"ids": ids}))

        answer = turn(ada)

        assert answer["status"] == "needs_approval"
        assert answer["changed"] == []

    def test_it_can_be_streamed(self, ada: Account, asks: Json) -> None:
        streamed = ada.client.post(
            f"{CHAT}/turns/{asks['turn_id']}/approval", json={"approve": True}, headers={"Accept": "text/event-stream"}
        )

        names = [name for name, _ in events_in(streamed.text)]
        assert [names[0], names[-1]] == ["turn", "done"]
        assert "tool_result" in names

    @pytest.mark.parametrize("body", [{}, {"approve": "yes"}, {"approve": 1}, {"approve": True, "calls": []}])
    def test_a_body_that_does_not_fit_is_a_422(self, ada: Account, asks: Json, body: Json) -> None:
        decided = ada.client.post(f"{CHAT}/turns/{asks['turn_id']}/approval", json=body)

        problem(decided, 422, "validation_failed")


def tag_all_that_were_added(request: ReceivedRequest) -> Reply:
    results = [json.loads(each["content"][6:-7]) for each in request.messages if each["role"] == "tool"]
    if not results:
        return Call("add_todos", todos(*"abcdefg"))
    if len(results) == 1:
        ids = [item["todo"]["id"] for item in results[0]["results"]]
        return Call("update_todos", {"changes": [{"id": each, "add_tags": ["x"]} for each in ids]})
    return Say("Done.")


class TestUndo:
    def test_what_was_changed_between_two_changes_of_the_turn_is_left_alone_too(
        self, ada: Account, model: ScriptedModel
    ) -> None:
        milk = ada.add("Milk")
        ids = {"ids": [milk["id"]]}

        def meanwhile(request: ReceivedRequest) -> Reply:
            answers = len([message for message in request.messages if message["role"] == "tool"])
            if answers == 0:
                return Call("reschedule_todos", ids | {"due": "jan 31 2040"})
            if answers == 1:
                ada.client.patch(milk["url"], json={"title": "Oat milk"}).raise_for_status()
                return Call("complete_todos", ids)
            return Say("Done.")

        model.answer_with(meanwhile)
        undone = undo(ada, turn(ada)["turn_id"]).json()

        assert undone == {"undone": [], "conflicts": [{"id": milk["id"], "title": "Oat milk"}]}

    def test_a_turn_that_was_undone_does_not_go_on(self, ada: Account, model: ScriptedModel) -> None:
        milk, bread = ada.add("Milk"), ada.add("Bread")
        calls = [Call("complete_todos", {"ids": [milk["id"]]}), Call("delete_todos", {"ids": [bread["id"]]})]
        model.play(ToolCalls(*calls))
        asks = turn(ada)
        undo(ada, asks["turn_id"])

        problem(decide(ada, asks["turn_id"], approve=True), 409, "nothing_to_approve")
        assert ada.titles(completed=False) == ["Milk", "Bread"]

    def test_everything_that_the_turn_changed_is_put_back(self, ada: Account, model: ScriptedModel) -> None:
        milk = ada.add("Milk", tags=["home"], due_date="2040-01-31")
        ids = {"ids": [milk["id"]]}
        model.play(
            ToolCalls(
                Call("add_todos", todos("Bread")),
                Call("complete_todos", ids),
                Call("reschedule_todos", ids | {"due": None}),
            ),
            Call("update_todos", {"changes": [{"id": milk["id"], "title": "Oat milk", "add_tags": ["shop"]}]}),
            Say("Done."),
        )
        answer = turn(ada)
        undone = undo(ada, answer["turn_id"]).json()

        ignored = ("version", "updated_at")
        assert {todo["title"] for todo in undone["undone"]} == {"Oat milk", "Bread"}
        assert undone["conflicts"] == []
        (left,) = ada.client.get(TODOS).json()
        assert {k: v for k, v in left.items() if k not in ignored} == {
            k: v for k, v in milk.items() if k not in ignored
        }
        assert ada.titles(trashed=True) == ["Bread"]

    def test_trees_and_what_recurs_are_put_back_too(self, ada: Account, model: ScriptedModel) -> None:
        home = ada.add_project("Home")
        cake = ada.add("Cake", due_date="2040-01-31", recurrence="FREQ=DAILY;COUNT=2")
        ada.add("Flour", parent_id=cake["id"])
        milk = ada.add("Milk")
        before = [without_versions(todo) for todo in ada.client.get(TODOS).json()]
        model.play(
            Call("complete_todos", {"ids": [cake["id"]]}),
            Call("update_todos", {"changes": [{"id": cake["id"], "project": "Home", "recurrence": "every week"}]}),
            Call("update_todos", {"changes": [{"id": milk["id"], "parent_id": cake["id"]}]}),
            Say("Done."),
        )
        done = turn(ada)
        assert {todo["project_id"] for todo in ada.client.get(TODOS).json()} == {home["id"]}
        undone = undo(ada, done["turn_id"])

        assert undone.status_code == 200, undone.text
        assert [without_versions(todo) for todo in ada.client.get(TODOS).json()] == before

    def test_undoing_an_addition_asks_for_the_subtodos_too(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Call("add_todos", todos("Cake")), Say("Added."))
        added = turn(ada)
        ada.add("Flour", parent_id=id_of(ada, "Cake"))
        model.play(Call("undo_last_turn", {}), Say("Undone."))
        asks = turn(ada, conversation_id=added["conversation_id"])

        assert {todo["title"] for todo in asks["approval"]["calls"][0]["todos"]} == {"Cake", "Flour"}

    def test_what_has_been_changed_since_is_left_alone_and_reported(self, ada: Account, model: ScriptedModel) -> None:
        milk, bread = ada.add("Milk"), ada.add("Bread")
        model.play(Call("complete_todos", {"ids": [milk["id"], bread["id"]]}), Say("Done."))
        answer = turn(ada)
        ada.client.patch(milk["url"], json={"title": "Oat milk"})

        undone = undo(ada, answer["turn_id"]).json()

        assert [todo["title"] for todo in undone["undone"]] == ["Bread"]
        assert undone["conflicts"] == [{"id": milk["id"], "title": "Oat milk"}]
        assert ada.titles(completed=True) == ["Oat milk"]

    def test_it_works_once(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Call("add_todos", todos("Bread")), Say("Added."))
        answer = turn(ada)
        undo(ada, answer["turn_id"])

        problem(undo(ada, answer["turn_id"]), 409, "turn_undone")

    def test_the_assistant_can_do_it(self, ada: Account, model: ScriptedModel) -> None:
        milk = ada.add("Milk")
        model.play(Call("complete_todos", {"ids": [milk["id"]]}), Say("Done."))
        first = turn(ada)
        model.play(Call("undo_last_turn", {}), Say("Undone."))
        second = turn(ada, "undo", conversation_id=first["conversation_id"])

        assert result_of(second)["undone"] == [{"id": milk["id"], "title": "Milk"}]
        assert second["changed"] == [milk["id"]]
        assert ada.titles(completed=False) == ["Milk"]


class TestBounds:
    def test_endless_rounds_end(self, ada: Account, model: ScriptedModel) -> None:
        model.answer_with(lambda _: Call("add_todos", todos("Again")))
        answer = turn(ada)

        assert answer["status"] == "incomplete"
        assert ada.titles() == ["Again"] * 8
        assert "8 todos" in answer["response"]

    def test_more_calls_than_allowed_are_not_made(self, ada: Account, model: ScriptedModel) -> None:
        model.play(ToolCalls(*(Call("add_todos", todos(str(number))) for number in range(30))))
        answer = turn(ada)

        assert answer["status"] == "incomplete"
        assert [call["ok"] for call in answer["tool_calls"]] == [*[True] * 25, None]
        assert len(ada.titles()) == 25

    def test_tokens_are_counted(self, ada: Account, model: ScriptedModel) -> None:
        model.play(ToolCalls(Call("search_todos", {}), tokens=Tokens(prompt=59_000, completion=1_000)))

        assert turn(ada)["status"] == "incomplete"

    def test_time_runs_out_after_something_was_done(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Call("add_todos", todos("Bread")), Hang())
        answer = turn(ada)

        assert answer["status"] == "incomplete"
        assert "1 todo" in answer["response"]
        assert ada.titles() == ["Bread"]

    def test_time_runs_out_before_anything_was_done(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Hang())
        refused = say(ada)

        problem(refused, 503, "assistant_unavailable")
        assert int(refused.headers["retry-after"]) > 0


TRANSIENT: list[Reply] = [
    Fail(429, retry_after=0),
    Fail(500),
    Fail(503, page="<h1>Bad gateway</h1>"),
    Cut(Say("Hello Ada."), after_chunks=1),
    Garbage(),
    Garbage("null"),
    Empty(),
]


class TestFailures:
    @pytest.mark.parametrize("failure", TRANSIENT, ids=str)
    def test_what_passes_is_tried_again(self, ada: Account, model: ScriptedModel, failure: Reply) -> None:
        model.play(failure, Say("Hello Ada."))

        assert turn(ada)["response"] == "Hello Ada."

    @pytest.mark.parametrize("failure", [*TRANSIENT, Cut(Say("Hello Ada."), clean=True)], ids=str)
    def test_what_passes_is_tried_again_in_a_stream(self, ada: Account, model: ScriptedModel, failure: Reply) -> None:
        model.play(failure, Say("Hello Ada."))
        events = stream(ada)

        assert text_of(events) == "Hello Ada."
        assert events[-1][1]["response"] == "Hello Ada."

    def test_what_does_not_pass_is_a_503(self, ada: Account, model: ScriptedModel) -> None:
        model.answer_with(lambda _: Fail(500))
        refused = say(ada)

        problem(refused, 503, "assistant_unavailable")
        assert int(refused.headers["retry-after"]) > 0
        assert len(model.requests) > 1

    def test_a_provider_that_asks_for_more_patience_than_there_is_gets_it_passed_on(
        self, ada: Account, model: ScriptedModel
    ) -> None:
        model.play(Fail(429, retry_after=60))
        refused = say(ada)

        problem(refused, 503, "assistant_unavailable")
        assert refused.headers["retry-after"] == "60"

    @pytest.mark.parametrize("status", [401, 403, 404])
    def test_a_key_or_model_that_is_refused_is_told(self, ada: Account, model: ScriptedModel, status: int) -> None:
        model.play(Fail(status))

        problem(say(ada), 503, "assistant_not_configured")

    @pytest.mark.parametrize("pause", ["inf", "nan", "-1", "Wed, 21 Oct 2015 07:28:00 GMT"])
    def test_an_odd_retry_after_is_not_taken_at_its_word(self, ada: Account, model: ScriptedModel, pause: str) -> None:
        model.play(Fail(429, retry_after=pause), Say("Hello Ada."))

        assert turn(ada)["response"] == "Hello Ada."

    def test_a_request_that_is_refused_is_not_repeated(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Fail(400))

        assert "HTTP 400" in problem(say(ada), 503, "assistant_unavailable")["detail"]

    def test_what_was_done_before_is_not_left_unsaid(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Call("add_todos", todos("Bread")), Fail(401))
        document = problem(say(ada), 503, "assistant_not_configured")

        assert document["changed"] == [id_of(ada, "Bread")]
        assert "one todo" in document["detail"]
        assert ada.client.get(f"{CHAT}/turns/{document['turn_id']}").json()["status"] == "incomplete"
        assert undo(ada, document["turn_id"]).status_code == 200

    def test_the_repeat_with_the_same_key_goes_on(self, ada: Account, model: ScriptedModel) -> None:
        key = {"Idempotency-Key": uuid4().hex}
        model.play(Call("add_todos", todos("Bread")), Fail(401))
        problem(ada.client.post(CHAT, json={"message": "Add bread"}, headers=key), 503, "assistant_not_configured")
        model.play(Say("Added."))
        answer = ada.client.post(CHAT, json={"message": "Add bread"}, headers=key).json()

        assert (answer["status"], answer["response"]) == ("done", "Added.")
        assert ada.titles() == ["Bread"]

    def test_a_slow_model_is_waited_for(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Slow(Say("Hello Ada."), 0.5))

        assert turn(ada)["response"] == "Hello Ada."


class TestIdempotency:
    def test_the_request_counts_and_not_what_the_account_says_meanwhile(
        self, ada: Account, model: ScriptedModel
    ) -> None:
        key = {"Idempotency-Key": uuid4().hex}
        model.play(Say("Hello."))
        for body in ({"message": "Hello"}, {"message": "Hello", "conversation_id": None}):
            assert ada.client.post(CHAT, json=body, headers=key).status_code == 200

    def test_a_repeat_gets_the_same_answer(self, ada: Account, model: ScriptedModel) -> None:
        key = {"Idempotency-Key": uuid4().hex}
        model.play(Call("add_todos", todos("Bread")), Say("Added."))
        first, second = (ada.client.post(CHAT, json={"message": "Add bread"}, headers=key) for _ in range(2))

        assert second.json() == first.json()
        assert "idempotent-replayed" not in first.headers
        assert second.headers["idempotent-replayed"] == "true"
        assert ada.titles() == ["Bread"]

    def test_another_body_under_the_key_is_a_422(self, ada: Account, model: ScriptedModel) -> None:
        key = {"Idempotency-Key": uuid4().hex}
        model.play(Say("Hello."))
        ada.client.post(CHAT, json={"message": "Hello"}, headers=key)

        problem(ada.client.post(CHAT, json={"message": "Bye"}, headers=key), 422, "idempotency_key_reused")

    def test_another_users_key_is_another_key(self, ada: Account, bob: Account, model: ScriptedModel) -> None:
        key = {"Idempotency-Key": uuid4().hex}
        model.play(Say("Hello Ada."), Say("Hello Bob."))
        answers = [each.client.post(CHAT, json={"message": "Hello"}, headers=key).json() for each in (ada, bob)]

        assert [answer["response"] for answer in answers] == ["Hello Ada.", "Hello Bob."]

    def test_a_replay_can_be_streamed(self, ada: Account, model: ScriptedModel) -> None:
        key = {"Idempotency-Key": uuid4().hex}
        model.play(Say("Hello."))
        first = ada.client.post(CHAT, json={"message": "Please."}, headers=key).json()
        events = stream(ada, headers=key)

        assert [name for name, _ in events] == ["turn", "done"]
        assert events[-1][1] == first

    @pytest.mark.parametrize("key", ["", "x" * 256, "a key"])
    def test_a_key_that_does_not_fit_is_a_422(self, ada: Account, key: str) -> None:
        refused = ada.client.post(CHAT, json={"message": "Hello"}, headers={"Idempotency-Key": key})

        problem(refused, 422, "validation_failed")


class TestStream:
    def test_tells_the_turn_as_it_goes_on(self, ada: Account, model: ScriptedModel) -> None:
        model.play(ToolCalls(Call("add_todos", todos("Bread")), text="Let me see."), Say("Added “Bread”."))
        events = stream(ada)

        names = [name for name, _ in events]
        assert names[0] == "turn"
        assert names[-1] == "done"
        assert [name for name in names if name.startswith("tool")] == ["tool_call", "tool_result"]
        assert text_of(events) == "Let me see.Added “Bread”."
        done = events[-1][1]
        assert events[0][1] == {name: done[name] for name in ("turn_id", "conversation_id", "model")}
        assert ada.client.get(f"{CHAT}/turns/{done['turn_id']}").json() == done
        assert done["usage"] == {"prompt_tokens": 22, "completion_tokens": 14}

    def test_what_fails_on_the_way_is_an_event(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Fail(401))
        (_, begun), (name, error) = stream(ada)

        assert name == "error"
        assert (error["code"], error["status"]) == ("assistant_not_configured", 503)
        assert error["turn_id"] == begun["turn_id"]
        assert "errors" not in error

    def test_when_to_try_again_is_in_the_event(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Fail(429, retry_after=60))

        assert stream(ada)[-1][1]["retry_after"] == 60

    def test_what_fails_before_is_a_problem_document(self, ada: Account) -> None:
        refused = ada.client.post(CHAT, json={"message": ""}, headers={"Accept": "text/event-stream"})

        problem(refused, 422, "validation_failed")

    def test_an_approval_ends_it(self, ada: Account, model: ScriptedModel) -> None:
        milk = ada.add("Milk")
        model.play(Call("delete_todos", {"ids": [milk["id"]]}))

        assert stream(ada)[-1][1]["status"] == "needs_approval"


class TestHistory:
    def test_is_what_was_said_oldest_first(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Call("add_todos", todos("Bread")), Say("Added."), Say("You are welcome."))
        first = turn(ada, "Add bread")
        turn(ada, "Thanks", conversation_id=first["conversation_id"])

        history = ada.client.get(f"{CHAT}/history").json()

        assert [(said["role"], said["content"]) for said in history] == [
            ("user", "Add bread"),
            ("assistant", "Added."),
            ("user", "Thanks"),
            ("assistant", "You are welcome."),
        ]
        assert history[1]["tool_calls"] == first["tool_calls"]
        assert {said["conversation_id"] for said in history} == {first["conversation_id"]}
        assert history[0]["turn_id"] == history[1]["turn_id"] == first["turn_id"]
        assert len({said["id"] for said in history}) == 4

    def test_pages_begin_with_the_newest(self, ada: Account, model: ScriptedModel) -> None:
        model.play(*(Say(f"Answer {number}") for number in range(3)))
        conversation = turn(ada, "Message 0")["conversation_id"]
        for number in (1, 2):
            turn(ada, f"Message {number}", conversation_id=conversation)

        pages, url = [], f"{CHAT}/history?conversation_id={conversation}&limit=4"
        while url:
            page = ada.client.get(url)
            pages.append([said["content"] for said in page.json()])
            url = page.links.get("next", {}).get("url", "")

        assert pages == [["Message 1", "Answer 1", "Message 2", "Answer 2"], ["Message 0", "Answer 0"]]

    def test_without_a_conversation_it_is_the_latest(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Say("One."), Say("Two."), Say("Three."))
        first = turn(ada, "1")["conversation_id"]
        turn(ada, "2")
        turn(ada, "3", conversation_id=first)

        assert [said["content"] for said in ada.client.get(f"{CHAT}/history").json()] == ["1", "One.", "3", "Three."]

    def test_before_anything_was_said_it_is_empty(self, ada: Account) -> None:
        assert ada.client.get(f"{CHAT}/history").json() == []

    def test_of_an_unknown_or_anothers_conversation_is_a_404(
        self, ada: Account, bob: Account, model: ScriptedModel
    ) -> None:
        model.play(Say("Hello."))
        for conversation in (turn(bob)["conversation_id"], uuid4()):
            found = ada.client.get(f"{CHAT}/history", params={"conversation_id": str(conversation)})
            problem(found, 404, "conversation_not_found")

    def test_a_cursor_that_was_tampered_with_is_a_400(self, ada: Account) -> None:
        for listing in ("history", "conversations"):
            problem(ada.client.get(f"{CHAT}/{listing}", params={"cursor": "x.y"}), 400, "invalid_cursor")


class TestConversations:
    def test_the_last_active_comes_first(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Say("One."), Say("Two."), Say("Three."))
        first = turn(ada, "Buy  milk")["conversation_id"]
        second = turn(ada, "Cook")["conversation_id"]
        listed = ada.client.get(f"{CHAT}/conversations").json()
        turn(ada, "Again", conversation_id=first)

        assert [(each["id"], each["title"]) for each in listed] == [(second, "Cook"), (first, "Buy milk")]
        assert [each["id"] for each in ada.client.get(f"{CHAT}/conversations").json()] == [first, second]

    def test_are_paged(self, ada: Account, model: ScriptedModel) -> None:
        model.play(*(Say("Hello.") for _ in range(3)))
        ids = [turn(ada)["conversation_id"] for _ in range(3)]
        page = ada.client.get(f"{CHAT}/conversations", params={"limit": 2})
        rest = ada.client.get(page.links["next"]["url"])

        assert [each["id"] for each in [*page.json(), *rest.json()]] == ids[::-1]
        assert "next" not in rest.links

    def test_one_can_be_renamed(self, ada: Account, bob: Account, model: ScriptedModel) -> None:
        model.play(Say("Hello."))
        url = f"{CHAT}/conversations/{turn(ada)['conversation_id']}"

        assert ada.client.patch(url, json={"title": " Groceries "}).json()["title"] == "Groceries"
        problem(ada.client.patch(url, json={"title": ""}), 422, "validation_failed")
        problem(bob.client.patch(url, json={"title": "Mine"}), 404, "conversation_not_found")

    def test_one_can_be_deleted_and_its_todos_stay(self, ada: Account, bob: Account, model: ScriptedModel) -> None:
        model.play(Call("add_todos", todos("Bread")), Say("Added."))
        url = f"{CHAT}/conversations/{turn(ada)['conversation_id']}"

        problem(bob.client.delete(url), 404, "conversation_not_found")
        assert ada.client.delete(url).status_code == 204
        problem(ada.client.delete(url), 404, "conversation_not_found")
        assert ada.client.get(f"{CHAT}/history").json() == []
        assert ada.titles() == ["Bread"]


class TestChangeLog:
    def test_names_the_turn(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Call("add_todos", todos("Bread")), Say("Added."))
        answer = turn(ada)

        (change,) = ada.client.get(f"{TODOS}/changes").json()
        assert change["actor"] == {"kind": "assistant", "turn_id": answer["turn_id"]}


class TestSlowStream:
    def test_a_dribbling_stream_is_passed_on(self, ada: Account, model: ScriptedModel) -> None:
        model.play(Dribble(Say(("He", "llo ", "Ada.")), 0.1))

        assert text_of(stream(ada)) == "Hello Ada."


def test_the_model_gets_nothing_of_the_account(ada: Account, model: ScriptedModel) -> None:
    """Neither who asks nor their keys are any business of the provider."""
    model.play(Say("Hello."))
    turn(ada, "Hello")

    request: ReceivedRequest = model.requests[0]
    everything = json.dumps(request.body)
    assert ada.email not in everything
    assert ada.token not in everything
    assert ada.user["id"] not in everything
