"""The agent loop: asks the model, runs its tool calls, and repeats until the turn ends.

A turn ends with an answer, at a limit, or with a question for the user's approval. Every step is stored before the
next one begins, and no database connection is held while the model answers.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from time import monotonic
from typing import Final, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from anyio import move_on_after
from pydantic import JsonValue

from todo_assistant.errors import AssistantFailure, AssistantUnavailable
from todo_assistant.models.answers import join_halves
from todo_assistant.models.messages import Completion, Extras, Message, Model, ModelRequest, OnText, ToolCallRequest
from todo_assistant.tools.executor import MAX_ARGUMENT_CHARACTERS, ToolCallListener, ToolExecutor
from todo_assistant.tools.registry import ToolRegistry
from todo_assistant.tools.todo_tools import TODO_TOOLS
from todo_assistant.turns import budget, history, store
from todo_assistant.turns.direct import DIRECT_MODEL
from todo_assistant.turns.model import Approval, StopReason, Turn, TurnOutcome
from todo_core.database.executor import Database
from todo_core.errors import ServiceError
from todo_core.limits import Quotas, TurnLimits
from todo_core.todos import changes
from todo_core.todos.project_undo import find_project_changes

_MAX_NAME_BYTES: Final = 1024
_MAX_ID_BYTES: Final = 64 * 1024
"""Bound of a call's id, in which some providers keep state. A longer id is replaced by one of this service."""

_MAX_EXTRAS_BYTES: Final = 512 * 1024
"""Bound of the data that a provider must get back for one model response or for one call."""

_CLEANUP_SECONDS: Final = 5
_MAX_NAMED_TODOS: Final = 10
"""The most todos of which an approval names each. Of more, it names the first three and their number."""
_MAX_FIRST_TITLES: Final = 3
_MAX_QUOTED_CHARACTERS: Final = 200
_VERBS: Final[Mapping[str, str]] = {
    "complete_todos": "complete",
    "reopen_todos": "reopen",
    "reschedule_todos": "move",
    "restore_todos": "restore",
    "undo_last_turn": "undo the change of",
    "redo_last_undo": "redo the change of",
    "rename_tag": "rename a tag of",
    "delete_tag": "remove a tag from",
}
"""Verbs of the tools in the question for approval. All other tools `change` todos."""
_NO_ANSWER: Final = "I have no answer to that. Please say it in other words."
_STOPPED: Final[Mapping[StopReason, str]] = {
    "rounds": "I stopped because this took too many steps.",
    "tool_calls": "I stopped because this took too many tool calls.",
    "tokens": "I stopped because this turn used up its tokens.",
    "deadline": "I ran out of time.",
}


class TurnListener(ToolCallListener, Protocol):
    """Receives the events of a turn as they happen: its start, text of the model, tool calls and their results."""

    async def on_turn(self, turn: Turn) -> None: ...

    async def on_text(self, text: str, round_number: int, attempt: int) -> None: ...


class Agent:
    """Runs turns from their stored state until they end or need the user's approval of tool calls."""

    def __init__(
        self, db: Database, model: Model, limits: TurnLimits, quotas: Quotas, tools: ToolRegistry = TODO_TOOLS
    ) -> None:
        self._db = db
        self._model = model
        self._limits = limits
        self._tool_schemas = tools.schemas
        self._tool_executor = ToolExecutor(db, tools, quotas)

    async def run(self, turn: Turn, *, seconds: float, listener: TurnListener | None = None) -> None:
        """Runs a turn that the caller has leased, until it is done, incomplete, or needs the user's approval.

        After `seconds`, the turn stops as incomplete. Raises AssistantNotConfigured, and AssistantUnavailable, for
        example if the model has not answered at all by then. Both errors contain the ids of the todos that the turn
        has changed so far. After either error the turn can be continued.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        try:
            await self._run_rounds(turn, deadline, listener)
        except AssistantFailure as failure:
            raise failure.with_changes(turn.id, await self._find_changed(turn)) from failure.__cause__
        finally:
            if turn.lease is not None:
                # Without the release, a client that disconnected could continue the turn only after the lease expires.
                with _shielded_cleanup():
                    await store.release_lease(self._db, turn)

    async def _run_rounds(self, turn: Turn, deadline: float, listener: TurnListener | None) -> None:
        if listener is not None:
            await listener.on_turn(turn)
        earlier_messages = await history.messages_before(self._db, turn, max_tokens=self._limits.history_tokens)
        while not await self._finish_or_run_calls(turn, deadline, listener):
            tokens_left = turn.reserved_tokens - history.estimate_tokens(earlier_messages)
            messages = [*earlier_messages, *history.messages_of(turn, max_tokens=tokens_left)]
            reason = self._find_stop_reason(turn, messages, deadline)
            if reason is None:
                reason = await self._request_response(turn, messages, deadline, listener)
            if reason is not None:
                await self._stop(turn, reason)
                return

    async def _finish_or_run_calls(self, turn: Turn, deadline: float, listener: TurnListener | None) -> bool:
        """Runs the pending tool calls, or finishes the turn if its last model response has no calls.

        Returns True if the turn is done or needs the user's approval, False if the model must answer again.
        """
        # A call beyond the limit is stored but never runs, so that a continued turn stops at this limit again.
        pending = [call for call in turn.calls[: self._limits.tool_calls] if call.ok is None]
        if pending:
            approval = await self._tool_executor.run_calls(turn, pending, deadline=deadline, listener=listener)
            if approval is None:
                if turn.model == DIRECT_MODEL:
                    # A program called the tool: no model goes on with the turn.
                    await store.finish(self._db, turn, TurnOutcome("done", "Done."))
                return turn.lease is None
            response = _append_to_last_content(turn, format_question(approval))
            await store.finish(self._db, turn, TurnOutcome("needs_approval", response, approval=approval))
            return True
        if turn.model_responses and not turn.model_responses[-1].calls:
            await store.finish(self._db, turn, TurnOutcome("done", turn.model_responses[-1].content))
            return True
        return False

    def _find_stop_reason(self, turn: Turn, messages: Sequence[Message], deadline: float) -> StopReason | None:
        """Returns the limit that the turn has reached, or None.

        The deadline and the token limit are ignored before the first model response of the turn.
        """
        if turn.model_responses and asyncio.get_running_loop().time() >= deadline:
            return "deadline"
        if len(turn.calls) > self._limits.tool_calls:
            return "tool_calls"
        if len(turn.model_responses) >= self._limits.rounds:
            return "rounds"
        if turn.model_responses and history.estimate_tokens(messages) > turn.reserved_tokens:
            return "tokens"
        return None

    async def _stop(self, turn: Turn, reason: StopReason) -> None:
        """Finishes the turn as incomplete, with a text for the user: the reason, and how much the turn has changed."""
        projects = await find_project_changes(self._db, turn.user_id, turn.id)
        counts = {"todo": len(await self._find_changed(turn)), "project": len(projects)}
        changed = " and ".join(f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in counts.items() if count)
        summary = f"Changed so far: {changed}." if changed else "Nothing was changed."
        response = _append_to_last_content(turn, f"{_STOPPED[reason]} {summary}")
        await store.finish(self._db, turn, TurnOutcome("incomplete", response, stopped_by=reason))

    async def _request_response(
        self, turn: Turn, messages: Sequence[Message], deadline: float, listener: TurnListener | None
    ) -> StopReason | None:
        """Requests the next model response and stores it. Returns None, or "deadline" if it did not come in time.

        Raises AssistantUnavailable if even the first response of the turn did not come in time.
        """
        request = ModelRequest(messages, self._tool_schemas, turn.created_at, ZoneInfo(turn.timezone))
        on_text = _forward_text(listener, len(turn.model_responses) + 1)
        started = monotonic()
        try:
            async with self._count_tokens_on_failure(turn, messages):
                completion = await self._model.answer(request, deadline=deadline, on_text=on_text)
        except TimeoutError:
            if not turn.model_responses:
                raise AssistantUnavailable from None
            return "deadline"
        milliseconds = round((monotonic() - started) * 1000)
        calls_left = self._limits.tool_calls - len(turn.calls)
        # Stores one call more than allowed: `_find_stop_reason` then sees that the limit was exceeded.
        storable = _make_storable(completion, messages, max_calls=calls_left + 1)
        await store.add_model_response(self._db, turn, storable, milliseconds=milliseconds)
        return None

    @asynccontextmanager
    async def _count_tokens_on_failure(self, turn: Turn, messages: Sequence[Message]) -> AsyncIterator[None]:
        """Adds the prompt's estimated tokens to the user's daily usage if the model request fails or is cancelled.

        The provider charges for these tokens anyway.
        """
        try:
            yield
        except BaseException:
            with _shielded_cleanup():
                await budget.count_tokens(self._db, turn.user_id, history.estimate_tokens(messages))
            raise

    async def _find_changed(self, turn: Turn) -> list[UUID]:
        return list(await changes.find_changed_todos(self._db, turn.user_id, turn.id))


@contextmanager
def _shielded_cleanup() -> Iterator[None]:
    """Lets the cleanup in the block run for up to 5 seconds, even if the request is cancelled.

    The errors of the service, such as an unavailable database, are ignored.
    """
    with move_on_after(_CLEANUP_SECONDS, shield=True), suppress(ServiceError):
        yield


def _forward_text(listener: TurnListener | None, round_number: int) -> OnText | None:
    """Returns a callback that passes the model's streamed text to the listener, with the round number, if any."""
    if listener is None:
        return None

    async def on_text(text: str, attempt: int) -> None:
        await listener.on_text(text, round_number, attempt)

    return on_text


def _append_to_last_content(turn: Turn, sentence: str) -> str:
    """Returns the text of the turn's last model response, if any, then `sentence` as a new paragraph."""
    contents = [response.content for response in turn.model_responses[-1:] if response.content]
    return "\n\n".join([*contents, sentence])


def format_question(approval: Approval) -> str:
    """Returns the question whether the user approves tool calls, with the number of todos and the first titles.

    All words except the quoted titles are fixed, so that neither todos nor the model can change the question.
    """
    titles: dict[str, dict[UUID, str]] = {}
    for call in approval.calls:
        verb = "delete" if call.deletes else _VERBS.get(call.name, "change")
        titles.setdefault(verb, {}).update({todo.id: todo.title for todo in call.todos})
    parts = [f"{verb} {_name_todos(list(named.values()))}" for verb, named in titles.items()]
    return f"This needs your approval: {'; '.join(parts)}."


def _name_todos(titles: Sequence[str]) -> str:
    """Returns up to ten quoted titles, or the number of titles and the first three if there are more."""
    if len(titles) <= _MAX_NAMED_TODOS:
        return ", ".join(map(_quote, titles))
    first = ", ".join(map(_quote, titles[:_MAX_FIRST_TITLES]))
    return f"{len(titles)} todos: {first} and {len(titles) - _MAX_FIRST_TITLES} more"


def _quote(title: str) -> str:
    return f"“{title[:_MAX_QUOTED_CHARACTERS]}{'…' if len(title) > _MAX_QUOTED_CHARACTERS else ''}”"


def _make_storable(completion: Completion, messages: Sequence[Message], *, max_calls: int) -> Completion:
    """Returns the completion with texts that PostgreSQL can store, and with bounded tool calls.

    Token counts that the provider omitted are estimated. A completion without text and calls gets a fixed text.
    """
    prompt_tokens, completion_tokens = completion.prompt_tokens, completion.completion_tokens
    return Completion(
        content=_replace_unstorable(completion.content).strip() or ("" if completion.calls else _NO_ANSWER),
        calls=[_make_call_storable(call) for call in completion.calls[:max_calls]],
        prompt_tokens=history.estimate_tokens(messages) if prompt_tokens is None else prompt_tokens,
        completion_tokens=history.estimate_tokens(completion) if completion_tokens is None else completion_tokens,
        extras=_make_extras_storable(completion.extras),
        question=completion.question,
    )


def _make_call_storable(call: ToolCallRequest) -> ToolCallRequest:
    """Returns the call with texts that PostgreSQL can store. A name or an id beyond its bound is left out whole."""
    return ToolCallRequest(
        id=_bound(_replace_unstorable(call.id), _MAX_ID_BYTES),
        name=_bound(_replace_unstorable(call.name), _MAX_NAME_BYTES),
        # Keeps one character more than allowed, so that the tool executor rejects arguments that are too long.
        arguments=_replace_unstorable(call.arguments)[: MAX_ARGUMENT_CHARACTERS + 1],
        extras=_make_extras_storable(call.extras),
    )


def _bound(text: str, max_bytes: int) -> str:
    return text if len(text.encode()) <= max_bytes else ""


def _make_extras_storable(extras: Extras) -> Extras:
    """Returns the extras with texts that PostgreSQL can store. They cannot be cut.

    Raises AssistantUnavailable if they are too large or nested too deeply.
    """
    try:
        storable = {name: _make_value_storable(value) for name, value in extras.items()}
        if len(msgspec.json.encode(storable)) <= _MAX_EXTRAS_BYTES:
            return storable
    except RecursionError:
        pass
    raise AssistantUnavailable("The language model's answer holds more data than this service can store.")


def _make_value_storable(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {_replace_unstorable(name): _make_value_storable(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_make_value_storable(inner) for inner in value]
    return _replace_unstorable(value) if isinstance(value, str) else value


def _replace_unstorable(text: str) -> str:
    """Removes NUL characters and replaces unpaired surrogates by `?`: PostgreSQL can store neither."""
    return join_halves(text.replace("\0", "")).encode(errors="replace").decode()
