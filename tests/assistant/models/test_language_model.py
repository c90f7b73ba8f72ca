"""A language model learns the fields that its endpoint refuses, and logs the causes of failures but no private text."""

import asyncio
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.model_replies import Call, Empty, Fail, Hang, ReceivedRequest, Reply, Say
from tests.scripted_model import ScriptedModel, scripted_model
from todo_assistant.errors import AssistantNotConfigured, AssistantUnavailable
from todo_assistant.models.configured import create_language_model
from todo_assistant.models.language_model import LanguageModel
from todo_assistant.models.messages import Completion, ModelRequest, UserMessage
from todo_assistant.tools.todo_tools import TODO_TOOLS
from todo_core.settings import Settings, nest_variables

SECRET = "my diary says: the key is under the mat"


@pytest.fixture
def provider() -> Iterator[ScriptedModel]:
    with scripted_model() as provider:
        yield provider


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda _low, _high: 0.0)


def create(provider: ScriptedModel, **others: str) -> LanguageModel:
    variables = {"OPENAI_API_KEY": provider.key, "OPENAI_BASE_URL": provider.url, "OPENAI_MODEL": "scripted", **others}
    return create_language_model(Settings(**nest_variables(variables)))


def ask(model: LanguageModel, *, times: int = 1, is_streamed: bool = False, seconds: float = 10) -> list[Completion]:
    """Asks a question several times, one after another, and returns the completions."""

    async def on_text(_text: str, _attempt: int) -> None:
        pass

    async def run() -> list[Completion]:
        request = ModelRequest([UserMessage(SECRET)], TODO_TOOLS.schemas, datetime.now(UTC), ZoneInfo("UTC"))
        deadline = asyncio.get_running_loop().time() + seconds
        try:
            return [
                await model.answer(request, deadline=deadline, on_text=on_text if is_streamed else None)
                for _ in range(times)
            ]
        finally:
            await model.close()

    return asyncio.run(run())


def refusing(*names: str) -> Any:
    """Returns a script that refuses the fields one after another."""

    def answer(request: ReceivedRequest) -> Reply:
        found = [name for name in names if f'"{name}"' in str(request.body).replace("'", '"')]
        return Fail(400, message=f'Unknown field "{found[0]}"') if found else Say("Yes.")

    return answer


class TestLearning:
    def test_refused_fields_are_left_out_of_this_and_of_later_requests(self, provider: ScriptedModel) -> None:
        names = ("strict", "format", "minItems", "stream_options")
        provider.answer_with(refusing(*names))
        model = create(provider)
        ask(model, times=3, is_streamed=True)
        assert model.learned == tuple(f"leave out {name}" for name in names)
        assert len(provider.requests) == len(names) + 3

    def test_another_model_learns_on_its_own(self, provider: ScriptedModel) -> None:
        provider.answer_with(refusing("strict"))
        ask(create(provider))
        assert create(provider).learned == ()

    def test_nothing_is_learned_without_an_answer(self, provider: ScriptedModel) -> None:
        provider.play(Fail(400, message='Unknown field "strict"'), Fail(400, message="No."))
        model = create(provider)
        with pytest.raises(AssistantUnavailable):
            ask(model)
        assert model.learned == ()

    def test_a_field_that_is_refused_for_ever_ends_the_request(self, provider: ScriptedModel) -> None:
        provider.answer_with(lambda _: Fail(400, message='Unknown field "strict"'))
        with pytest.raises(AssistantUnavailable, match="HTTP 400"):
            ask(create(provider))
        assert len(provider.requests) == 2

    def test_refusals_of_one_request_are_bounded(self, provider: ScriptedModel) -> None:
        extras = {f"option_{number}": 1 for number in range(30)}
        provider.answer_with(refusing(*extras))
        with pytest.raises(AssistantUnavailable):
            ask(create(provider, OPENAI_EXTRA_BODY=str(extras).replace("'", '"')))
        assert len(provider.requests) == 13

    def test_two_empty_streams_in_a_row_end_streaming(self, provider: ScriptedModel) -> None:
        provider.answer_with(lambda request: Empty() if request.streamed else Say("Yes."))
        model = create(provider)
        assert [completion.content for completion in ask(model, times=4, is_streamed=True)] == ["Yes."] * 4
        assert [request.streamed for request in provider.requests] == [True, False, True, False, False, False]

    def test_an_answer_that_was_not_asked_as_a_stream_does_not_count(self, provider: ScriptedModel) -> None:
        provider.answer_with(lambda request: Empty() if request.streamed else Say("Yes."))
        model = create(provider)
        for is_streamed in (True, False, True):
            ask(model, is_streamed=is_streamed)
        assert model.learned == ("do not stream",)


class TestFailures:
    def test_a_declined_request_is_an_answer(self, provider: ScriptedModel) -> None:
        provider.play(Fail(400, "content_filter", "The prompt was filtered."))
        assert ask(create(provider))[0].content == "The model's provider declined to answer this."

    def test_too_long_a_conversation_is_said(self, provider: ScriptedModel) -> None:
        provider.play(Fail(400, "context_length_exceeded", "This model's maximum context length is 4096 tokens."))
        with pytest.raises(AssistantUnavailable, match="begin a new conversation"):
            ask(create(provider))

    def test_a_missing_quota_is_not_retried(self, provider: ScriptedModel) -> None:
        provider.play(Fail(429, "insufficient_quota", "You exceeded your current quota."), Say("Yes."))
        with pytest.raises(AssistantNotConfigured):
            ask(create(provider))
        assert provider.left == 1


class TestLog:
    def test_the_providers_sentence_is_logged_without_key_and_prompt(
        self, provider: ScriptedModel, caplog: pytest.LogCaptureFixture
    ) -> None:
        provider.play(Fail(401, message=f"Your key {provider.key} must not ask: {SECRET}. See the manual."))
        with caplog.at_level(logging.DEBUG, "todo-backend"), pytest.raises(AssistantNotConfigured):
            ask(create(provider))
        messages = [record.message for record in caplog.records if record.name == "todo-backend"]
        assert messages == ["The model failed: HTTP 401: Your key … must not ask: …. See the manual."]

    def test_a_missed_deadline_is_logged(self, provider: ScriptedModel, caplog: pytest.LogCaptureFixture) -> None:
        provider.play(Hang())
        with pytest.raises(TimeoutError):
            ask(create(provider), seconds=0.3)
        assert "no answer before the deadline" in caplog.text


class TestRequests:
    def test_ids_and_extra_fields_come_back_as_sent(self, provider: ScriptedModel) -> None:
        provider.play(Call("search_todos", id="x" * 8000))
        [completion] = ask(create(provider))
        assert completion.calls[0].id == "x" * 8000

    def test_options_of_the_settings_are_sent(self, provider: ScriptedModel) -> None:
        provider.play(Say("Yes."))
        options = {"OPENAI_REASONING_EFFORT": "low", "OPENAI_MAX_OUTPUT_TOKENS": "500", "OPENAI_EXTRA_BODY": '{"a": 1}'}
        ask(create(provider, **options))
        body = provider.requests[0].body
        assert (body["reasoning_effort"], body["max_tokens"], body["a"]) == ("low", 500, 1)
