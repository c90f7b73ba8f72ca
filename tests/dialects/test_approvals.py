"""A provider gets back its opaque data also after the user has answered an approval."""

from typing import Final

import pytest

from tests.dialects.chat_dialect import ChatDialect, ChatMessages
from tests.dialects.chat_stream import StreamStyle
from tests.dialects.conftest import Start
from tests.dialects.provider import Dialect
from tests.dialects.responses_dialect import ResponsesDialect
from tests.dialects.scenarios import Scenario
from tests.dialects.steps import SECOND_TURN, SECRET, Step, ToolUse

_RESPONSES: Final = {"OPENAI_API": "responses"}
_SIGNED: Final = ChatMessages(
    call_id=lambda _, __: "", call_extras=lambda number, _: {"extra_content": {"google": {"signature": str(number)}}}
)
_REASONING: Final = ChatMessages(message_extras=lambda _: {"reasoning_content": SECRET})

DIALECTS: Final[dict[str, Dialect]] = {
    "OpenAI": ChatDialect(),
    "Gemini": ChatDialect(
        messages=_SIGNED, stream=StreamStyle(index="zero", fragment=None), returned=frozenset({"extra_content"})
    ),
    "DeepSeek": ChatDialect(messages=_REASONING, returned=frozenset({"reasoning_content"})),
    "Responses": ResponsesDialect(reasons="before each item"),
}


@pytest.mark.parametrize("form", ["JSON", "stream"])
@pytest.mark.parametrize("words", [{}, {True: "yes", False: "no"}], ids=["by the route", "in words"])
@pytest.mark.parametrize("approve", [True, False], ids=["approved", "refused"])
@pytest.mark.parametrize("name", DIALECTS)
def test_a_turn_continues_after_an_approval(
    start: Start, name: str, form: str, words: dict[bool, str], *, approve: bool
) -> None:
    settings = _RESPONSES if name == "Responses" else {}
    conversation = start(Scenario(f"approval {name} {approve}", DIALECTS[name], settings=settings), form)
    kept, deleted = (conversation.account.add(title)["id"] for title in ("Rent", "Bread"))
    reads, deletes = (ToolUse(tool, {"ids": [todo]}) for tool, todo in (("get_todos", kept), ("delete_todos", deleted)))
    conversation.provider.steps = (Step("Let me see.", (reads, deletes)), Step("So be it."), *SECOND_TURN)

    asked = conversation.say("Delete bread.")
    assert asked.document["status"] == "needs_approval", asked.document
    answer = (
        conversation.say(words[approve]) if words else conversation.approve(asked.document["turn_id"], approve=approve)
    )

    assert not conversation.provider.faults, conversation.provider.faults
    assert (answer.code, answer.response) == (None, "So be it.")
    assert conversation.account.titles() == (["Rent"] if approve else ["Rent", "Bread"])
    conversation.run_turn(SECOND_TURN)
    assert not conversation.provider.faults
