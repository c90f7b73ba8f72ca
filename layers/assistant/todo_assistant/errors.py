"""The facts that end a turn, or keep it from beginning."""

from collections.abc import Sequence
from uuid import UUID

from todo_core.errors import ServiceError


class ConversationNotFound(ServiceError):
    status = 404
    code = "conversation_not_found"
    title = "Conversation not found"
    detail = "You have no conversation with this id."


class TurnNotFound(ServiceError):
    status = 404
    code = "turn_not_found"
    title = "Turn not found"
    detail = "You have no turn with this id."


class NothingToApprove(ServiceError):
    status = 409
    code = "nothing_to_approve"
    title = "Nothing to approve"
    detail = "The turn does not wait for an approval; one that was given, or refused, counts once."


class TurnInProgress(ServiceError):
    status = 409
    code = "turn_in_progress"
    title = "Turn in progress"
    detail = "The turn is still running; ask again after the seconds in Retry-After."


class TurnUndone(ServiceError):
    status = 409
    code = "turn_undone"
    title = "Turn undone"
    detail = "The turn has been undone already."


class AssistantBudgetSpent(ServiceError):
    status = 429
    code = "assistant_budget_spent"
    title = "Daily budget spent"
    detail = "Today's budget of the assistant is spent; the todos themselves can still be used."


class AssistantFailure(ServiceError):
    """The model gave no answer. What the turn had changed by then is told with it."""

    status = 503

    def after(self, turn_id: UUID, changed: Sequence[UUID]) -> "AssistantFailure":
        """The same error, as the end of a turn."""
        self.members = {"turn_id": str(turn_id), "changed": [str(todo_id) for todo_id in changed]}
        if changed:
            todos = "one todo" if len(changed) == 1 else f"{len(changed)} todos"
            self.sentence += f" Before that the turn changed {todos}, which stays so unless the turn is undone."
        return self


class AssistantUnavailable(AssistantFailure):
    code = "assistant_unavailable"
    title = "Assistant unavailable"
    detail = "The language model does not answer at the moment; try again after the seconds in Retry-After."
    retry_after = 10


class AssistantNotConfigured(AssistantFailure):
    code = "assistant_not_configured"
    title = "Assistant not configured"
    detail = "The provider of the language model refuses this service's key or model; its operator must set it right."
