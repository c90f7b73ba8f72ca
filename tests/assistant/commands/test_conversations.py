"""Conversations with the command model: the effect of each on the todos, and the beginning of its answer."""

from collections.abc import Iterator

import pytest

from evals.dates import Clock
from tests.accounts import Account, Newcomers
from tests.assistant.chat_client import ChatClient, new_account
from tests.assistant.commands.conversation_table import (
    ZONE,
    Conversation,
    create_todos,
    load_conversations,
    read_todos,
)
from tests.conftest import SECRET_KEY

_CONVERSATIONS = list(load_conversations())


@pytest.fixture(scope="module")
def service(environment: dict[str, str]) -> Iterator[Account]:
    """An account at a service with the command model, which all conversations use."""
    with new_account(environment, openai_api_key=None) as account:
        yield account


@pytest.fixture(scope="module")
def newcomers(database_url: str) -> Newcomers:
    return Newcomers(database_url, SECRET_KEY)


@pytest.mark.parametrize("conversation", [pytest.param(row, id=" | ".join(row.say)[:80]) for row in _CONVERSATIONS])
def test_a_conversation_has_exactly_its_effect(
    service: Account, newcomers: Newcomers, database_url: str, conversation: Conversation
) -> None:
    clock = Clock.start(ZONE)
    user = newcomers.sign_in(service.client)
    create_todos(user, conversation.start, clock, database_url)
    chat = ChatClient(user)
    turns = [chat.run_turn(clock.fill(message)) for message in conversation.say]

    answer = turns[-1]["response"]
    assert read_todos(user, database_url) == conversation.expected_end(clock), answer
    assert answer.startswith(clock.fill(conversation.answer)), answer
    assert len((turns[-1]["question"] or {"options": []})["options"]) == conversation.asks, answer


def test_the_table_is_large() -> None:
    assert len(_CONVERSATIONS) >= 150
