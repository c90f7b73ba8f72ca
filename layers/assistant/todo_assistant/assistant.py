"""The assistant of a process: its model, its agent and the terms on which users may have it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Self
from uuid import UUID

from todo_assistant.agent import Agent, TurnLimits
from todo_assistant.models.messages import Model
from todo_assistant.turns import store as turns
from todo_assistant.turns.store import DailyQuota, NewTurn, Turn, UndoResult
from todo_core.actors import Actor
from todo_core.database.executor import Database
from todo_core.settings import Settings

_TO_STORE_THE_END: Final = 2.0
"""Seconds that a turn may take beyond its deadline before another process may go on with it."""


@dataclass(frozen=True, slots=True)
class Assistant:
    """`seconds` is the longest that a turn may take."""

    db: Database
    model: Model
    agent: Agent
    terms: DailyQuota
    seconds: float

    @classmethod
    def of(cls, settings: Settings, db: Database) -> Self:
        """With the model that the settings name, or the command model where they hold no key."""
        model = _model(settings)
        bounds = TurnLimits(
            settings.assistant_rounds,
            settings.assistant_tool_calls,
            settings.assistant_turn_tokens,
            settings.assistant_history_tokens,
        )
        terms = DailyQuota(
            settings.assistant_daily_turns,
            settings.assistant_daily_tokens,
            timedelta(seconds=settings.assistant_seconds + _TO_STORE_THE_END),
        )
        return cls(db, model, Agent(db, model, bounds), terms, settings.assistant_seconds)

    async def begin(self, user_id: UUID, new: NewTurn) -> Turn:
        """See `turns.begin`."""
        return await turns.begin(self.db, user_id, new, self.terms)

    async def decide(self, user_id: UUID, turn_id: UUID, *, approved: bool) -> Turn:
        """See `turns.decide`."""
        return await turns.decide(self.db, user_id, turn_id, self.terms, approved=approved)

    async def undo(self, actor: Actor, turn_id: UUID) -> UndoResult:
        """See `turns.undo`."""
        async with self.db.transaction() as transaction:
            return await turns.undo(transaction, actor, turn_id)


def _model(settings: Settings) -> Model:
    # Each is loaded when it is the one, at the first turn: both together are a tenth of a cold start.
    if settings.openai_api_key is None:
        from todo_assistant.commands.model import CommandModel  # noqa: PLC0415

        return CommandModel()
    from todo_assistant.models.openai import OpenAIModel  # noqa: PLC0415

    base_url = str(settings.openai_base_url) if settings.openai_base_url else None
    return OpenAIModel(settings.openai_model, settings.openai_api_key.get_secret_value(), base_url)
