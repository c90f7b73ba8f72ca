"""A conversation continues after the operator has set another provider or model."""

from dataclasses import replace
from typing import Final

import pytest

from tests.dialects import provider_rules
from tests.dialects.chat_dialect import ChatDialect, ChatMessages
from tests.dialects.conftest import Start, Switch
from tests.dialects.conversation import split_turns
from tests.dialects.responses_dialect import ResponsesDialect
from tests.dialects.scenarios import Scenario
from tests.dialects.steps import ONE_CALL, SECRET

_RESPONSES: Final = {"OPENAI_API": "responses"}
_SIGNED: Final = ChatMessages(
    call_extras=lambda number, _: {"extra_content": {"google": {"thought_signature": str(number)}}}
)
_REASONING: Final = ChatMessages(message_extras=lambda _: {"reasoning_content": SECRET})

PROVIDERS: Final = {
    "OpenAI": Scenario("OpenAI", ChatDialect([provider_rules.refuse_long_ids], broken=frozenset({"ids"}))),
    "Gemini": Scenario("Gemini", ChatDialect(messages=_SIGNED, returned=frozenset({"extra_content"}))),
    "DeepSeek": Scenario("DeepSeek", ChatDialect(messages=_REASONING, returned=frozenset({"reasoning_content"}))),
    "Mistral": Scenario(
        "Mistral",
        ChatDialect([provider_rules.require_mistral_ids], ChatMessages(call_id=lambda number, _: f"abcDEFG0{number}")),
    ),
    "Bedrock": Scenario("Bedrock", ChatDialect([provider_rules.refuse_blank_content])),
    "long ids": Scenario(
        "long ids", ChatDialect(messages=ChatMessages(call_id=lambda number, _: "x" * 300 + str(number)))
    ),
    "Responses": Scenario("Responses", ResponsesDialect(reasons="once", phases=True), settings=_RESPONSES),
}
PAIRS: Final = [(first, second) for first in PROVIDERS for second in PROVIDERS if first != second]


@pytest.mark.parametrize("form", ["JSON", "stream"])
@pytest.mark.parametrize(("first", "second"), PAIRS, ids=[f"{first} to {second}" for first, second in PAIRS])
def test_another_provider_continues(start: Start, switch: Switch, first: str, second: str, form: str) -> None:
    before, after = (replace(PROVIDERS[name], steps=ONE_CALL) for name in (first, second))
    turns = split_turns(ONE_CALL)
    conversation = start(before, form)
    conversation.run_turn(turns[0])
    switch(conversation, replace(after, steps=turns[1]))
    conversation.run_turn(turns[1])
