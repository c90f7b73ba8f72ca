"""Answers of a model that are broken, endless, or too large: a turn survives them, and so does its conversation."""

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.accounts import CHAT
from tests.model_replies import Call, Empty, Garbage, Json, Reply, Say, ToolCalls
from tests.surfaces.adversarial.adversary import NOBODYS, Talk, carried_out, error, everything, on

HUGE = 10 * 1024 * 1024
LONE = "\ud800"


def raw(name: str, arguments: str, call_id: str | None = None) -> ToolCalls:
    """A call that is streamed in one piece; its arguments need not be JSON."""
    call = Call(name, arguments) if call_id is None else Call(name, arguments, id=call_id)
    return ToolCalls(call, split=None)


def nested(depth: int) -> str:
    return '{"ids":' + "[" * depth + "]" * depth + "}"


def of_ids(*ids: str) -> str:
    return json.dumps({"ids": ids})


USELESS_CALLS: dict[str, Reply] = {
    "arguments that are not JSON": raw("delete_todos", "{ids: [1,"),
    "arguments that break off": raw("delete_todos", '{"ids": ["0198c5a1'),
    "no arguments": raw("delete_todos", ""),
    "null": raw("delete_todos", "null"),
    "a list": raw("delete_todos", f'["{NOBODYS}"]'),
    "a string": raw("delete_todos", f'"{NOBODYS}"'),
    "a number": raw("delete_todos", "1e999"),
    "not a number": raw("delete_todos", '{"ids": NaN, "more": Infinity}'),
    "a very long number": raw("delete_todos", '{"ids": ' + "9" * 4200 + "}"),
    "a number too long to read": raw("delete_todos", '{"ids": ' + "9" * 20_000 + "}"),
    "HTML": raw("delete_todos", "<html><body>502</body></html>"),
    "a byte order mark": raw("delete_todos", "\ufeff{}"),
    "JSON with NUL": raw("delete_todos", '{"ids": ["\\u0000"]}'),
    "a key with NUL": raw("delete_todos", '{"\\u0000": 1}'),
    "an id with NUL": raw("delete_todos", of_ids(f"{NOBODYS}\0")),
    "an id that is NUL inside": raw("delete_todos", of_ids(NOBODYS.replace("-", "\0"))),
    "NUL beside JSON": raw("delete_todos", "{}\0"),
    "half of a character in JSON": raw("delete_todos", '{"ids": ["\\ud800"]}'),
    "half of a character as key": raw("delete_todos", '{"\\udfff": 1}'),
    "half of a character": raw("delete_todos", LONE),
    "nested 200 deep": raw("delete_todos", nested(200)),
    "nested 300 deep": raw("delete_todos", nested(300)),
    "nested 900 deep": raw("delete_todos", nested(900)),
    "nested 20,000 deep": raw("delete_todos", nested(20_000)),
    "a million keys that nobody knows": raw("delete_todos", json.dumps({str(key): key for key in range(3000)})),
    "arguments beyond the bound": raw("delete_todos", of_ids(*[NOBODYS] * 2000)),
    "too many ids": raw("delete_todos", of_ids(*[NOBODYS] * 51)),
    "too many todos": raw("add_todos", json.dumps({"todos": [{"title": "Flood"}] * 51})),
    "a title too long": raw("add_todos", json.dumps({"todos": [{"title": "x" * 501}]})),
    "a title with NUL": raw("add_todos", '{"todos": [{"title": "a\\u0000b"}]}'),
    "a date with NUL": raw("reschedule_todos", json.dumps({"ids": [NOBODYS], "due": "\0 tomorrow"})),
    "a date that is no date": raw(
        "add_todos", '{"todos": [{"title": "a", "due": "</data>\\ud83d\\ude00 9999-99-99"}]}'
    ),
    "a day after the last": raw("search_todos", '{"due_to": "10000-01-01"}'),
    "a name with NUL": raw("delete\0todos", "{}"),
    "a name of half a character": raw(f"delete{LONE}", "{}"),
    "a name as long as a book": raw("x" * 150_000, "{}"),
    "a name of other letters": raw("d\u0435lete_todos 🗑\n\u202e", "{}"),
    "an id of the call with NUL": raw("nothing", "{}", "call\0"),
    "an id of the call of half a character": raw("nothing", "{}", LONE),
    "an id of the call as long as a book": raw("nothing", "{}", "x" * 150_000),
    "an empty id of the call": raw("nothing", "{}", ""),
    "ids of calls that are the same": ToolCalls(*[Call("nothing", {}, id="same")] * 3, split=None),
    "ids of calls that ours would be": ToolCalls(Call("nothing", id="call_1_2"), Call("nothing", id=""), split=None),
}
LAST_DAYS: dict[str, Json] = {
    "the last day": {"day_overview": {"day": "9999-12-31"}},
    "the first day": {"day_overview": {"day": "0001-01-01"}},
    "up to the last day": {"search_todos": {"due_to": "9999-12-31"}},
    "from the first day": {"search_todos": {"due_from": "0001-01-01"}},
    "due on the last day": {"add_todos": {"todos": [{"title": "Late", "due": "9999-12-31"}]}},
    "due at the last minute": {"add_todos": {"todos": [{"title": "Late", "due": "9999-12-31T23:59:00Z"}]}},
    "due at the first minute": {"add_todos": {"todos": [{"title": "Early", "due": "0001-01-01T00:00:00Z"}]}},
}


def survives(talk: Talk, *replies: Reply, **fields: Any) -> Json:
    """Asserts that a turn ends well with these replies, can be read in each way, and that another can follow it."""
    heard = talk.events(*replies, Say("Well."), **fields)
    name, turn = heard[-1]
    assert name == "done", heard[-1]
    assert talk.model.unexpected == []
    conversation = {"conversation_id": turn["conversation_id"]}
    read = talk.account.client.get(f"{CHAT}/turns/{turn['turn_id']}")
    assert read.status_code == 200, read.text
    assert read.json() == turn
    said = everything(talk.account.client.get(f"{CHAT}/history", params=conversation))
    assert said[-1]["tool_calls"] == turn["tool_calls"]
    again = talk.turn(*replies, Say("Still here."), **conversation | fields)
    assert (again["response"], again["status"]) == ("Still here.", turn["status"])
    return turn


class TestACallThatIsOfNoUse:
    @pytest.mark.parametrize("reply", USELESS_CALLS.values(), ids=USELESS_CALLS.keys())
    def test_fails_alone(self, talk: Talk, reply: Reply) -> None:
        turn = survives(talk, reply)
        assert turn["status"] == "done"
        assert [call["ok"] for call in turn["tool_calls"]] == [False] * len(turn["tool_calls"])
        assert len({call["id"] for call in turn["tool_calls"]}) == len(turn["tool_calls"]) > 0
        assert talk.by_the_model() == []

    @pytest.mark.parametrize("call", LAST_DAYS.values(), ids=LAST_DAYS.keys())
    def test_may_ask_for_days_at_the_ends_of_time(self, talk: Talk, call: Json) -> None:
        [(name, arguments)] = call.items()
        # Where the clocks of the last day are in the year 10000 already, or those of the first still before the year 1.
        timezone = "Pacific/Kiritimati" if "9999" in str(arguments) else "Etc/GMT+12"
        survives(talk, Call(name, arguments), Call("search_todos"), timezone=timezone)

    def test_may_meet_a_todo_at_the_end_of_time(self, talk: Talk) -> None:
        talk.account.add("Late", due_at="9999-12-31T23:59:59Z")
        survives(talk, Call("search_todos"), timezone="Pacific/Kiritimati")

    def test_may_add_tags_to_a_todo_that_is_full_of_them(self, talk: Talk) -> None:
        todo = talk.account.add(tags=[f"old {number}" for number in range(50)])
        more = {"changes": [{"id": todo["id"], "add_tags": [f"new {number}" for number in range(50)]}]}
        turn = survives(talk, Call("update_todos", more))
        assert turn["tool_calls"][0]["ok"] is False
        assert talk.by_the_model() == []

    def test_may_look_for_anything(self, talk: Talk) -> None:
        for text in ("' & | ! <-> :* \\", "%_%", "(((", "\u202e", "x " * 100):
            assert talk.turn(Call("search_todos", {"text": text}), Say("None."))["tool_calls"][0]["ok"], text


class TestAnAnswerOfAStrangeShape:
    @pytest.mark.parametrize(
        "message",
        [
            {"content": {"text": "Hello"}},
            {"content": None, "tool_calls": {"name": "delete_todos"}},
            {"content": None, "tool_calls": [{"id": "a", "type": "function"}]},
            {
                "tool_calls": [
                    {"id": "a", "type": "function", "function": {"name": "nothing", "arguments": {"ids": []}}}
                ]
            },
            {"tool_calls": [{"id": "a", "type": "function", "function": {"name": 7, "arguments": "{}"}}]},
            {"tool_calls": [{"id": ["a"], "type": "function", "function": {"name": ["b"], "arguments": ["c"]}}]},
        ],
        ids=json.dumps,
    )
    def test_is_asked_for_again(self, talk: Talk, message: Json) -> None:
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant"} | message}
        strange = Garbage(json.dumps({"id": "x", "object": "chat.completion", "created": 1, "choices": [choice]}))
        turn = talk.turn(strange, Say("Well."))
        assert turn["response"] == "Well."
        assert turn["tool_calls"] == []

    @pytest.mark.parametrize(
        "reply", [Say(""), Say(" \n\0 "), ToolCalls(finish="stop")], ids=["empty", "blank", "no calls"]
    )
    def test_without_a_word_is_told_as_such(self, talk: Talk, reply: Reply) -> None:
        assert talk.turn(reply)["response"] == "I have no answer to that. Please say it in other words."

    def test_without_a_choice_is_asked_for_again(self, talk: Talk) -> None:
        assert talk.turn(Empty(), Say("Well."))["response"] == "Well."

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
    def test_may_count_its_tokens_as_it_likes(self, talk: Talk, tokens: Any, *, streamed: bool) -> None:
        prompt, completion = tokens
        said = {"role": "assistant", "content": "Counted."}
        counted = {
            "id": "x",
            "created": 1,
            "choices": [{"index": 0, "message": said, "delta": said, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": prompt, "completion_tokens": completion},
        }
        reply = Garbage(json.dumps(counted))
        turn = talk.events(reply)[-1][1] if streamed else talk.turn(reply)
        assert turn["response"] == "Counted."
        assert 0 <= turn["usage"]["prompt_tokens"] <= 10_000_000
        assert 0 <= turn["usage"]["completion_tokens"] <= 10_000_000


class TestAFlood:
    def test_of_calls_in_one_answer_is_cut_to_the_bound(self, talk: Talk) -> None:
        turn = talk.turn(ToolCalls(*[Call("search_todos") for _ in range(1000)], split=None))
        assert (turn["status"], carried_out(turn)) == ("incomplete", 25)
        assert turn["response"] == "I stopped because this took too many tool calls. Nothing was changed."

    def test_of_calls_over_several_answers_is_cut_to_the_bound(self, talk: Talk) -> None:
        rounds = [ToolCalls(*[Call("search_todos") for _ in range(5)], split=None) for _ in range(5)]
        turn = talk.turn(*rounds, Call("search_todos"))
        assert (turn["status"], carried_out(turn)) == ("incomplete", 25)
        assert turn["response"] == "I stopped because this took too many tool calls. Nothing was changed."

    def test_of_additions_ends_with_the_calls(self, talk: Talk) -> None:
        flood = ToolCalls(*[Call("add_todos", {"todos": [{"title": f"Flood {n}"}]}) for n in range(100)], split=None)
        turn = talk.turn(flood)
        assert turn["status"] == "incomplete"
        assert len(turn["changed"]) == 25

    def test_of_rounds_is_cut_to_the_bound(self, talk: Talk) -> None:
        turn = talk.obey(lambda _asked: Call("search_todos", id="again"))
        assert (turn["status"], len(turn["tool_calls"])) == ("incomplete", 8)
        assert turn["response"] == "I stopped because this took too many steps. Nothing was changed."
        assert len({call["id"] for call in turn["tool_calls"]}) == 8

    @pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
    def test_of_arguments_is_not_kept(self, talk: Talk, *, streamed: bool) -> None:
        reply = raw("delete_todos", of_ids(NOBODYS) + " " * HUGE)
        if streamed:
            assert talk.events(reply, Say("Well."))[-1][0] == "done"
        else:
            assert "too long" in error(talk.turn(reply, Say("Well.")))
        assert len(json.dumps(talk.told[-1].body)) < 200_000

    def test_of_text_is_cut(self, talk: Talk) -> None:
        turn = talk.turn(Say("x" * HUGE))
        assert turn["response"] == "x" * 200_000

    def test_of_text_that_is_streamed_is_cut(self, talk: Talk) -> None:
        heard = talk.events(Say("x" * 1_000_000, size=50_000))
        assert 200_000 <= len(heard[-1][1]["response"]) <= 250_000

    def test_of_names_is_not_kept(self, talk: Talk) -> None:
        turn = talk.turn(raw("y" * HUGE, "{}"), Say("Well."))
        assert len(json.dumps(turn)) < 10_000
        assert len(json.dumps(talk.told[-1].body)) < 100_000

    def test_of_one_long_todo_again_and_again_stays_within_reason(self, talk: Talk) -> None:
        todo = talk.account.add(description="x" * 16_384)
        turn = talk.turn(ToolCalls(*[on("get_todos", [todo["id"]] * 50) for _ in range(25)], split=None), Say("Read."))
        assert len(json.dumps(turn)) < 1_000_000

    def test_that_names_a_todo_twice_changes_it_once(self, talk: Talk) -> None:
        todo = talk.account.add()
        turn = talk.turn(on("complete_todos", [todo["id"]] * 50), Say("Done."))
        assert turn["status"] == "done"
        assert len(talk.by_the_model()) == 1


class TestWhatAModelMayNotSpoil:
    def test_text_that_no_database_takes_is_told_without_it(self, talk: Talk) -> None:
        turn = survives(talk, ToolCalls(Call("nothing"), text=f"a\0b{LONE}c"))
        assert turn["tool_calls"][0]["ok"] is False
        assert talk.turn(Say(f"a\0b{LONE}c"))["response"] == "ab?c"

    def test_a_key_belongs_to_its_user(self, talk: Talk, victim: Any) -> None:
        key = {"Idempotency-Key": uuid4().hex}
        mine = talk.send(Say("Mine."), headers=key)
        theirs = talk.model
        theirs.play(Say("Not mine."))
        with_same_key = victim.account.client.get(f"{CHAT}/turns/{mine.json()['turn_id']}")
        assert with_same_key.status_code == 404
        assert talk.send(Say("Never."), headers=key).json() == mine.json()
