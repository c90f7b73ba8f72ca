"""Errors of turns and conversations, with their HTTP statuses and codes."""

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


class TextNotUnderstood(ServiceError):
    status = 422
    code = "text_not_understood"
    title = "Text not understood"
    detail = "The text makes no todo. Nothing was added."


class NothingToApprove(ServiceError):
    status = 409
    code = "nothing_to_approve"
    title = "Nothing to approve"
    detail = "The turn does not wait for an approval. An approval can be answered only once."


class TurnInProgress(ServiceError):
    status = 409
    code = "turn_in_progress"
    title = "Turn in progress"
    detail = "The turn is still running; try again after the seconds in Retry-After."


class TurnUndone(ServiceError):
    status = 409
    code = "turn_undone"
    title = "Turn undone"
    detail = "The turn was already undone."


class AssistantBudgetSpent(ServiceError):
    status = 429
    code = "assistant_budget_spent"
    title = "Daily budget spent"
    detail = "Your daily budget for the assistant is spent; todos can still be changed without it."


class TooManyTurns(ServiceError):
    status = 429
    code = "too_many_turns"
    title = "Too many turns at once"
    detail = "Other turns of yours are still running; try again after the seconds in Retry-After."
    retry_after = 2


class AssistantFailure(ServiceError):
    """A failure of the language model. The problem document lists the todos that the turn changed before."""

    status = 503

    def with_changes(self, turn_id: UUID, changed: Sequence[UUID]) -> "AssistantFailure":
        """Adds the turn's id and the todos that the turn changed to the problem document, and returns this error."""
        self.members = {"turn_id": str(turn_id), "changed": [str(todo_id) for todo_id in changed]}
        if changed:
            todos = "one todo" if len(changed) == 1 else f"{len(changed)} todos"
            self.sentence += f" Before that the turn changed {todos}; the change stays unless you undo the turn."
        return self


class AssistantUnavailable(AssistantFailure):
    code = "assistant_unavailable"
    title = "Assistant unavailable"
    detail = "The language model does not answer at the moment; try again after the seconds in Retry-After."
    retry_after = 10


class AssistantNotConfigured(AssistantFailure):
    code = "assistant_not_configured"
    title = "Assistant not configured"
    detail = (
        "The provider of the language model rejects this service's key or model, or has no credit left for it; "
        "the operator of the service must correct that."
    )
