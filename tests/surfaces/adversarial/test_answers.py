"""Completions of the model that are invalid, endless or too large: the turn or its conversation continues."""

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.accounts import CHAT, UNKNOWN_ID
from tests.model_replies import Call, Empty, Garbage, Json, Reply, Say, ToolCalls
from tests.surfaces.adversarial.adversary import (
    HostileChat,
    call_error,
    call_on,
    count_executed_calls,
    read_whole_list,
)

HUGE = 10 * 1024 * 1024
LONE_SURROGATE = "\ud800"


def raw(name: str, arguments: str, call_id: str | None = None) -> ToolCalls:
    """Returns a reply with one tool call, streamed in one chunk. The text of its arguments may be invalid JSON."""
    call = Call(name, arguments) if call_id is None else Call(name, arguments, id=call_id)
    return ToolCalls(call, split=None)


def nested(depth: int) -> str:
    return '{"ids":' + "[" * depth + "]" * depth + "}"


def ids_json(*ids: str) -> str:
    return json.dumps({"ids": ids})


USELESS_CALLS: dict[str, Reply] = {
    "arguments that are not JSON": raw("delete_todos", "{ids: [1,"),
    "arguments that break off": raw("delete_todos", '{"ids": ["0198c5a1'),
    "no arguments": raw("delete_todos", ""),
    "null": raw("delete_todos", "null"),
    "a list": raw("delete_todos", f'["{UNKNOWN_ID}"]'),
    "a string": raw("delete_todos", f'"{UNKNOWN_ID}"'),
    "a number": raw("delete_todos", "1e999"),
    "not a number": raw("delete_todos", '{"ids": NaN, "more": Infinity}'),
    "a very long number": raw("delete_todos", '{"ids": ' + "9" * 4200 + "}"),
    "a number too long to read": raw("delete_todos", '{"ids": ' + "9" * 20_000 + "}"),
    "HTML": raw("delete_todos", "<html><body>502</body></html>"),
    "a byte order mark": raw("delete_todos", "\ufeff{}"),
    "JSON with NUL": raw("delete_todos", '{"ids": ["\\u0000"]}'),
    "a key with NUL": raw("delete_todos", '{"\\u0000": 1}'),
    "an id with NUL": raw("delete_todos", ids_json(f"{UNKNOWN_ID}\0")),
    "an id that is NUL inside": raw("delete_todos", ids_json(UNKNOWN_ID.replace("-", "\0"))),
    "NUL beside JSON": raw("delete_todos", "{}\0"),
    "a lone surrogate in JSON": raw("delete_todos", '{"ids": ["\\ud800"]}'),
    "a lone surrogate as key": raw("delete_todos", '{"\\udfff": 1}'),
    "a lone surrogate": raw("delete_todos", LONE_SURROGATE),
    "nested 200 deep": raw("delete_todos", nested(200)),
    "nested 300 deep": raw("delete_todos", nested(300)),
    "nested 900 deep": raw("delete_todos", nested(900)),
    "nested 20,000 deep": raw("delete_todos", nested(20_000)),
    "a million keys that nobody knows": raw("delete_todos", json.dumps({str(key): key for key in range(3000)})),
    "arguments beyond the bound": raw("delete_todos", ids_json(*[UNKNOWN_ID] * 2000)),
    "too many ids": raw("delete_todos", ids_json(*[UNKNOWN_ID] * 101)),
    "too many todos": raw("add_todos", json.dumps({"todos": [{"title": "Flood"}] * 101})),
    "a title too long": raw("add_todos", json.dumps({"todos": [{"title": "x" * 501}]})),
    "a title with NUL": raw("add_todos", '{"todos": [{"title": "a\\u0000b"}]}'),
    "a date with NUL": raw("reschedule_todos", json.dumps({"ids": [UNKNOWN_ID], "due": "\0 tomorrow"})),
    "a date that is no date": raw(
        "add_todos", '{"todos": [{"title": "a", "due": "</data>\\ud83d\\ude00 9999-99-99"}]}'
    ),
    "a day after the last": raw("search_todos", '{"due_to": "10000-01-01"}'),
    "a name with NUL": raw("delete\0todos", "{}"),
    "a name of half a character": raw(f"delete{LONE_SURROGATE}", "{}"),
    "a name as long as a book": raw("x" * 150_000, "{}"),
    "a name of other letters": raw("d\u0435lete_todos 🗑\n\u202e", "{}"),
    "an id of the call with NUL": raw("nothing", "{}", "call\0"),
    "an id of the call of half a character": raw("nothing", "{}", LONE_SURROGATE),
    "an id of the call as long as a book": raw("nothing", "{}", "x" * 150_000),
    "an empty id of the call": raw("nothing", "{}", ""),
    "ids of calls that are the same": ToolCalls(*[Call("nothing", {}, id="same")] * 3, split=None),
    "ids of calls that ours would be": ToolCalls(Call("nothing", id="call_1_2"), Call("nothing", id=""), split=None),
}
DAYS_AT_THE_ENDS: dict[str, Json] = {
    "the last day": {"day_overview": {"day": "9999-12-31"}},
    "the first day": {"day_overview": {"day": "0001-01-01"}},
    "up to the last day": {"search_todos": {"due_to": "9999-12-31"}},
    "from the first day": {"search_todos": {"due_from": "0001-01-01"}},
    "due on the last day": {"add_todos": {"todos": [{"title": "Late", "due": "9999-12-31"}]}},
    "due at the last minute": {"add_todos": {"todos": [{"title": "Late", "due": "9999-12-31T23:59:00Z"}]}},
    "due at the first minute": {"add_todos": {"todos": [{"title": "Early", "due": "0001-01-01T00:00:00Z"}]}},
}


def run_and_read(chat: HostileChat, *replies: Reply, **fields: Any) -> Json:
    """Streams a turn, asserts that other routes return the same turn, and runs it again in the same conversation."""
    events = chat.stream_turn(*replies, Say("Well."), **fields)
    name, turn = events[-1]
    assert name == "done", events[-1]
    assert chat.model.unexpected == []
    conversation = {"conversation_id": turn["conversation_id"]}
    read = chat.account.client.get(f"{CHAT}/turns/{turn['turn_id']}")
    assert read.status_code == 200, read.text
    assert read.json() == turn
    messages = read_whole_list(chat.account.client.get(f"{CHAT}/history", params=conversation))
    assert messages[-1]["tool_calls"] == turn["tool_calls"]
    again = chat.run_turn(*replies, Say("Still here."), **conversation | fields)
    assert (again["response"], again["status"]) == ("Still here.", turn["status"])
    return turn


class TestUnusableCalls:
    @pytest.mark.parametrize("reply", USELESS_CALLS.values(), ids=USELESS_CALLS.keys())
    def test_an_unusable_call_fails_and_the_turn_continues(self, chat: HostileChat, reply: Reply) -> None:
        turn = run_and_read(chat, reply)
        assert turn["status"] == "done"
        assert [call["ok"] for call in turn["tool_calls"]] == [False] * len(turn["tool_calls"])
        assert len({call["id"] for call in turn["tool_calls"]}) == len(turn["tool_calls"]) > 0
        assert chat.changes_by_turns() == []

    @pytest.mark.parametrize("call", DAYS_AT_THE_ENDS.values(), ids=DAYS_AT_THE_ENDS.keys())
    def test_days_at_the_ends_of_the_calendar_are_accepted(self, chat: HostileChat, call: Json) -> None:
        [(name, arguments)] = call.items()
        # In these zones, UTC's last day ends in year 10000 and its first begins before year 1: datetime has neither.
        timezone = "Pacific/Kiritimati" if "9999" in str(arguments) else "Etc/GMT+12"
        run_and_read(chat, Call(name, arguments), Call("search_todos"), timezone=timezone)

    def test_a_todo_due_at_the_end_of_the_calendar_is_found(self, chat: HostileChat) -> None:
        chat.account.add("Late", due_at="9999-12-31T23:59:59Z")
        run_and_read(chat, Call("search_todos"), timezone="Pacific/Kiritimati")

    def test_more_tags_than_a_todo_may_have_are_rejected(self, chat: HostileChat) -> None:
        todo = chat.account.add(tags=[f"old {number}" for number in range(50)])
        more = {"changes": [{"id": todo["id"], "add_tags": [f"new {number}" for number in range(50)]}]}
        turn = run_and_read(chat, Call("update_todos", more))
        assert turn["tool_calls"][0]["ok"] is False
        assert chat.changes_by_turns() == []

    def test_any_text_can_be_searched_for(self, chat: HostileChat) -> None:
        for text in ("' & | ! <-> :* \\", "%_%", "(((", "\u202e", "x " * 100):
            assert chat.run_turn(Call("search_todos", {"text": text}), Say("None."))["tool_calls"][0]["ok"], text


class TestInvalidCompletions:
    @pytest.mark.parametrize(
        "message",
        [
            {"content": {"text": "Hello"}},
            {"content": None, "tool_calls": {"name": "delete_todos"}},
            {"content": None, "tool_calls": [{"id": "a", "type": "function"}]},
            {"tool_calls": [{"id": "a", "type": "function", "function": {"name": "nothing", "arguments": ["ids"]}}]},
            {"tool_calls": [{"id": "a", "type": "function", "function": {"name": 7, "arguments": "{}"}}]},
            {"tool_calls": [{"id": ["a"], "type": "function", "function": {"name": ["b"], "arguments": ["c"]}}]},
        ],
        ids=json.dumps,
    )
    def test_a_completion_with_wrong_types_is_retried(self, chat: HostileChat, message: Json) -> None:
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant"} | message}
        strange = Garbage(json.dumps({"id": "x", "object": "chat.completion", "created": 1, "choices": [choice]}))
        turn = chat.run_turn(strange, Say("Well."))
        assert turn["response"] == "Well."
        assert turn["tool_calls"] == []

    @pytest.mark.parametrize(
        "reply", [Say(""), Say(" \n\0 "), ToolCalls(finish="stop")], ids=["empty", "blank", "no calls"]
    )
    def test_a_completion_without_text_is_replaced_by_a_sentence(self, chat: HostileChat, reply: Reply) -> None:
        assert chat.run_turn(reply)["response"] == "I have no answer to that. Please say it in other words."

    def test_a_completion_without_choices_is_retried(self, chat: HostileChat) -> None:
        assert chat.run_turn(Empty(), Say("Well."))["response"] == "Well."

    @pytest.mark.parametrize(
        "tokens",
        [
            (-1_000_000_000, -1),
            (2**31, 2**63),
            (10**30, 1),
            ("many", "7"),
            (1.5, 2.5),
            (None, None),
            ([1], {}),
            (True, 0),
        ],
        ids=str,
    )
    @pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
    def test_impossible_token_counts_are_bounded(self, chat: HostileChat, tokens: Any, *, streamed: bool) -> None:
        prompt, completion = tokens
        message = {"role": "assistant", "content": "Counted."}
        counted = {
            "id": "x",
            "created": 1,
            "choices": [{"index": 0, "message": message, "delta": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": prompt, "completion_tokens": completion},
        }
        reply = Garbage(json.dumps(counted))
        turn = chat.stream_turn(reply)[-1][1] if streamed else chat.run_turn(reply)
        assert turn["response"] == "Counted."
        assert 0 <= turn["usage"]["prompt_tokens"] <= 10_000_000
        assert 0 <= turn["usage"]["completion_tokens"] <= 10_000_000


class TestFloods:
    def test_a_thousand_calls_in_one_response_are_cut_to_25(self, chat: HostileChat) -> None:
        turn = chat.run_turn(ToolCalls(*[Call("search_todos") for _ in range(1000)], split=None))
        assert (turn["status"], count_executed_calls(turn)) == ("incomplete", 25)
        assert turn["response"] == "I stopped because this took too many tool calls. Nothing was changed."

    def test_calls_over_several_responses_are_cut_to_25(self, chat: HostileChat) -> None:
        rounds = [ToolCalls(*[Call("search_todos") for _ in range(5)], split=None) for _ in range(5)]
        turn = chat.run_turn(*rounds, Call("search_todos"))
        assert (turn["status"], count_executed_calls(turn)) == ("incomplete", 25)
        assert turn["response"] == "I stopped because this took too many tool calls. Nothing was changed."

    def test_at_most_25_calls_add_todos(self, chat: HostileChat) -> None:
        flood = ToolCalls(*[Call("add_todos", {"todos": [{"title": f"Flood {n}"}]}) for n in range(100)], split=None)
        turn = chat.run_turn(flood)
        assert turn["status"] == "incomplete"
        assert len(turn["changed"]) == 25

    def test_rounds_are_cut_to_eight(self, chat: HostileChat) -> None:
        turn = chat.run_turn_with(lambda _asked: Call("search_todos", id="again"))
        assert (turn["status"], len(turn["tool_calls"])) == ("incomplete", 8)
        assert turn["response"] == "I stopped because this took too many steps. Nothing was changed."
        assert len({call["id"] for call in turn["tool_calls"]}) == 8

    @pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
    def test_ten_megabytes_of_arguments_are_not_stored(self, chat: HostileChat, *, streamed: bool) -> None:
        reply = raw("delete_todos", ids_json(UNKNOWN_ID) + " " * HUGE)
        if streamed:
            assert chat.stream_turn(reply, Say("Well."))[-1][0] == "done"
        else:
            assert "too long" in call_error(chat.run_turn(reply, Say("Well.")))
        assert len(json.dumps(chat.model_requests[-1].body)) < 200_000

    def test_ten_megabytes_of_text_are_cut(self, chat: HostileChat) -> None:
        turn = chat.run_turn(Say("x" * HUGE))
        assert turn["response"] == "x" * 200_000

    def test_an_endless_stream_of_text_is_cut(self, chat: HostileChat) -> None:
        events = chat.stream_turn(Say("x" * 1_000_000, size=50_000))
        assert 200_000 <= len(events[-1][1]["response"]) <= 250_000

    def test_a_name_of_ten_megabytes_is_not_stored(self, chat: HostileChat) -> None:
        turn = chat.run_turn(raw("y" * HUGE, "{}"), Say("Well."))
        assert len(json.dumps(turn)) < 10_000
        assert len(json.dumps(chat.model_requests[-1].body)) < 100_000

    def test_results_that_repeat_a_long_todo_are_bounded(self, chat: HostileChat) -> None:
        todo = chat.account.add(description="x" * 16_384)
        turn = chat.run_turn(
            ToolCalls(*[call_on("get_todos", [todo["id"]] * 50) for _ in range(25)], split=None), Say("Read.")
        )
        assert len(json.dumps(turn)) < 1_000_000

    def test_an_id_repeated_in_a_call_changes_the_todo_once(self, chat: HostileChat) -> None:
        todo = chat.account.add()
        turn = chat.run_turn(call_on("complete_todos", [todo["id"]] * 50), Say("Done."))
        assert turn["status"] == "done"
        assert len(chat.changes_by_turns()) == 1


class TestStoredTexts:
    def test_characters_that_postgresql_cannot_store_are_replaced(self, chat: HostileChat) -> None:
        turn = run_and_read(chat, ToolCalls(Call("nothing"), text=f"a\0b{LONE_SURROGATE}c"))
        assert turn["tool_calls"][0]["ok"] is False
        assert chat.run_turn(Say(f"a\0b{LONE_SURROGATE}c"))["response"] == "ab?c"

    def test_a_turn_of_an_idempotency_key_belongs_to_its_user(self, chat: HostileChat, victim: Any) -> None:
        key = {"Idempotency-Key": uuid4().hex}
        turn = chat.send(Say("Mine."), headers=key).json()
        read_by_another = victim.account.client.get(f"{CHAT}/turns/{turn['turn_id']}")
        assert read_by_another.status_code == 404
        assert chat.send(Say("Never."), headers=key).json() == turn
