"""Checks the configured language model: asks it for tool calls and an answer, whole and streamed, as a turn would.

Needs no database. Nothing that the model asks for is carried out.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct, field

from todo_assistant.errors import AssistantFailure
from todo_assistant.models import prompt
from todo_assistant.models.configured import create_language_model
from todo_assistant.models.language_model import LanguageModel
from todo_assistant.models.messages import (
    AssistantMessage,
    Completion,
    Message,
    ModelRequest,
    ToolMessage,
    UserMessage,
)
from todo_assistant.models.provider_errors import MISCONFIGURED, Fault, ProviderError
from todo_assistant.models.refusals import WITHOUT_STREAM
from todo_assistant.tools.todo_tools import TODO_TOOLS
from todo_core.settings import Settings

WORKS: Final = 0
FAILS: Final = 1
WRONG_SETTINGS: Final = 2

_QUESTION: Final = "Which todos do I have, and which projects? Call search_todos and list_projects, both at once."
_API_NAMES: Final = {"chat": "Chat Completions", "responses": "Responses"}
_ADVICE: Final[Mapping[Fault, str]] = {
    "key": "Correct OPENAI_API_KEY (at Azure AZURE_OPENAI_API_KEY).",
    "credit": "The account at the provider has no credit; add some, or use another OPENAI_API_KEY.",
    "model": "Correct OPENAI_MODEL (at Azure the name of the deployment).",
    "address": "Correct OPENAI_BASE_URL (most end in /v1), or set OPENAI_API to the API that is there.",
    "tools": "Choose an OPENAI_MODEL with tools, or start its server with them (vLLM: --enable-auto-tool-choice).",
    "refused": "Set OPENAI_API, OPENAI_REASONING_EFFORT or OPENAI_EXTRA_BODY as the provider's sentence demands.",
    "too_long": "The model's context is too small for the tools; choose a larger one.",
    "declined": "The provider declined an ordinary request; choose another OPENAI_MODEL.",
    "transient": "Try again later; if it stays so, check OPENAI_BASE_URL and the network.",
}


class Report(Struct):
    """The findings, one line each, and the exit status: 0 works, 1 fails, 2 needs other settings."""

    status: int = WORKS
    lines: list[str] = field(default_factory=list)

    def add(self, subject: str, finding: str) -> None:
        self.lines.append(f"{subject:10}{finding}")

    def fail(self, status: int, subject: str, finding: str) -> None:
        self.status = max(self.status, status)
        self.add(subject, finding)


async def check(settings: Settings) -> Report:
    """Returns a report on the model that the settings name. Each answer may take as long as a turn of the assistant."""
    report = Report()
    if not settings.has_language_model:
        report.fail(WRONG_SETTINGS, "Model", "none; set OPENAI_API_KEY to use a language model")
        return report
    model = create_language_model(settings)
    report.add("Model", f"{model.name} at {model.endpoint.address}, {_API_NAMES[model.endpoint.api]}")
    try:
        await _examine(model, settings.assistant.seconds, report)
    except TimeoutError:
        report.fail(FAILS, "Time", f"no answer within {settings.assistant.seconds:g} seconds")
        report.lines.append("Raise ASSISTANT_SECONDS, or choose a faster model.")
    except AssistantFailure as failure:
        _explain(failure, model.endpoint.keys, report)
    finally:
        await model.close()
    return report


async def _examine(model: LanguageModel, seconds: float, report: Report) -> None:
    started = monotonic()
    first = await _ask(model, [UserMessage(_QUESTION)], seconds)
    report.add("Time", f"{monotonic() - started:.1f} seconds for the first answer")
    if not first.calls:
        report.fail(FAILS, "Tools", "no: the model answers in words. Choose an OPENAI_MODEL that calls tools.")
        return
    names = ", ".join(call.name for call in first.calls)
    if not any(TODO_TOOLS.find(call.name) for call in first.calls):
        report.fail(
            FAILS, "Tools", f"no: it called {names[:200]}, but there is no such tool. Choose another OPENAI_MODEL."
        )
        return
    report.add("Tools", f"yes, it called {names[:200]}")
    report.add("Parallel", "yes" if len(first.calls) > 1 else "not seen: one call in an answer")
    report.add("Usage", "yes" if first.prompt_tokens else "no, so tokens are estimated")
    second = await _ask(model, [*_continued(first)], seconds)
    reasoning = any((first.extras, *(call.extras for call in first.calls)))
    report.add("Replay", f"accepted, {'with' if reasoning else 'without'} data that the provider must get back")
    if not second.content and not second.calls:
        report.fail(FAILS, "Answer", "empty after the results of tools. Choose another OPENAI_MODEL.")
    pieces = _Pieces()
    streamed = await _ask(model, [UserMessage(_QUESTION)], seconds, pieces)
    await _ask(model, [*_continued(streamed if streamed.calls else first)], seconds, pieces)
    has_stream = WITHOUT_STREAM not in model.learned and not model.empty_streams
    report.add("Stream", _describe_stream(pieces, streamed) if has_stream else "no, so answers come whole")
    report.add("Changes", "; ".join(model.learned) or "none: the provider accepts all fields")


class _Pieces:
    """Counts the pieces of streamed text."""

    count = 0

    async def __call__(self, _text: str, _attempt: int) -> None:
        self.count += 1


async def _ask(
    model: LanguageModel, messages: Sequence[Message], seconds: float, on_text: _Pieces | None = None
) -> Completion:
    now = datetime.now(UTC)
    system = prompt.system_message(now, ZoneInfo("UTC"))
    request = ModelRequest([system, *messages], TODO_TOOLS.schemas, now, ZoneInfo("UTC"))
    deadline = asyncio.get_running_loop().time() + seconds
    return await model.answer(request, deadline=deadline, on_text=on_text)


def _continued(completion: Completion) -> Iterator[Message]:
    """Yields the conversation with a result for each call: no todos and no projects."""
    yield UserMessage(_QUESTION)
    calls = [replace(call, id=call.id or f"check{number:04}") for number, call in enumerate(completion.calls)]
    yield AssistantMessage(completion.content, calls, completion.extras)
    for call in calls:
        yield ToolMessage(call.id, call.name, {"todos": [], "projects": []})


def _describe_stream(pieces: _Pieces, streamed: Completion) -> str:
    text = "yes" if pieces.count > 1 else "yes, but texts come in one piece"
    return text if streamed.calls else f"{text}; the model called no tool in the stream"


def _explain(failure: AssistantFailure, keys: list[str], report: Report) -> None:
    """Adds the provider's sentence without the keys, and the setting to correct."""
    error = failure.__cause__
    fault: Fault = error.fault if isinstance(error, ProviderError) else "transient"
    sentence = error.describe(keys) if isinstance(error, ProviderError) else failure.sentence
    report.fail(WRONG_SETTINGS if fault in MISCONFIGURED else FAILS, "Failed", sentence)
    report.lines.append(_ADVICE[fault])
