"""Fixtures of the tests of the built-in commands."""

from collections.abc import Iterator

import pytest

from tests.assistant.chat_client import ChatClient, new_account


@pytest.fixture
def chat(environment: dict[str, str]) -> Iterator[ChatClient]:
    """A chat client of a service that has no OpenAI key and therefore answers with the command model."""
    with new_account(environment, openai_api_key=None) as user:
        yield ChatClient(user)
