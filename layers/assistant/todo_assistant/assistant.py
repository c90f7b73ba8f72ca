"""The assistant of a process: its model, its agent and the rules of its turns."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Self
from uuid import UUID

from todo_assistant.agent import Agent
from todo_assistant.models.messages import Model
from todo_assistant.turns import begin, store, undo
from todo_assistant.turns.budget import TurnRules
from todo_assistant.turns.model import NewTurn, Turn, UndoResult
from todo_core.actors import Actor
from todo_core.database.executor import Database, Executor
from todo_core.limits import DailyQuota, TurnLimits
from todo_core.settings import Settings

_FINISHING_SECONDS: Final = 2.0
"""Time from a turn's deadline to the end of its lease: the process needs it to store the turn's outcome."""

_COMMAND_LIMITS: Final = TurnLimits(rounds=40, tool_calls=60, turn_tokens=10_000_000, history_tokens=60_000)
"""Limits of a turn of the command model. It may search for 500 todos page by page, and has no tokens to save."""

_COMMAND_TOKENS: Final = 10**15
"""Daily quota of the command model, beyond reach: its turns spend no tokens, and only their number is limited."""


@dataclass(frozen=True, slots=True)
class Assistant:
    """Begins and undoes turns and stores answers to approvals; its `agent` runs the turns.

    `turn_seconds` is the time limit of one turn.
    """

    db: Database
    model: Model
    agent: Agent
    rules: TurnRules
    turn_seconds: float

    @classmethod
    def from_settings(cls, settings: Settings, db: Database) -> Self:
        """Returns an assistant with the language model of the settings, or without an API key the command model."""
        model, assistant = _create_model(settings), settings.assistant
        limits, daily = assistant.turn_limits, assistant.daily_quota
        if not settings.has_language_model:
            limits, daily = _COMMAND_LIMITS, DailyQuota(turns=daily.turns, tokens=_COMMAND_TOKENS)
        lease_duration = timedelta(seconds=assistant.seconds + _FINISHING_SECONDS)
        rules = TurnRules(daily, settings.quotas, limits.turn_tokens, assistant.turns_at_once, lease_duration)
        return cls(db, model, Agent(db, model, limits, settings.quotas), rules, assistant.seconds)

    async def begin(self, user_id: UUID, new: NewTurn) -> Turn:
        """Returns a new turn, or the turn of an earlier request with the same idempotency key.

        The turn is leased unless it is finished. Raises the errors of `turns.begin.begin`.
        """
        return await begin.begin(self.db, user_id, new, self.rules)

    async def answer_approval(
        self, db: Executor, user_id: UUID, turn_id: UUID, *, approved: bool, round_number: int | None = None
    ) -> Turn:
        """Stores the user's answer to an approval and leases the turn, so that it can continue.

        Raises the errors of `turns.store.answer_approval`.
        """
        return await store.answer_approval(
            db, user_id, turn_id, self.rules, approved=approved, round_number=round_number
        )

    async def undo(self, db: Executor, actor: Actor, turn_id: UUID) -> UndoResult:
        """Restores the todos that a turn changed, except those changed after the turn.

        Raises the errors of `turns.undo.undo_turn`.
        """
        async with db.transaction() as transaction:
            return await undo.undo_turn(transaction, actor, turn_id)


def _create_model(settings: Settings) -> Model:
    # Imports only the model in use, when the assistant is created: importing both takes a tenth of a cold start.
    if not settings.has_language_model:
        from todo_assistant.commands.model import CommandModel  # noqa: PLC0415

        return CommandModel()
    from todo_assistant.models.configured import create_language_model  # noqa: PLC0415

    return create_language_model(settings)
