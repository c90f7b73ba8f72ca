"""Questions to the person of a client, before a tool deletes or changes many todos.

The question is a form with one checkbox. Only an accepted form with the checkbox set is a yes.
"""

from time import time
from typing import Final

from functions.mcp.caller import Caller
from functions.mcp.seals import Question
from functions.mcp.wire import Json
from todo_assistant.direct_calls import DirectCall
from todo_assistant.turns.model import Turn

SECONDS: Final = 600
"""The time for an answer. A stream of an older revision waits for a shorter time."""
FIELD: Final = "confirm"
"""The name of the question among the input requests, and of its checkbox."""


def seal_question(caller: Caller, turn: Turn, call: DirectCall, *, seconds: int = SECONDS) -> str:
    """Returns the signed text that stands for the question of a turn."""
    question = Question(str(turn.id), str(caller.user.id), str(caller.token_id), call.digest, round(time()) + seconds)
    return caller.seals.seal(question)


def open_question(caller: Caller, text: object, call: DirectCall | None = None) -> Question | None:
    """Returns the question of a signed text.

    Returns None if the text is forged, too old, or for another user, token or call.
    """
    question = caller.seals.open(Question, text)
    is_own = (
        question is not None
        and not question.is_expired
        and question.user_id == str(caller.user.id)
        and question.token_id == str(caller.token_id)
        and (call is None or question.call == call.digest)
    )
    return question if is_own else None


def make_form(turn: Turn) -> Json:
    """Returns the parameters of `elicitation/create` for a turn that waits for approval."""
    checkbox = {"type": "boolean", "title": "Yes, do this", "default": False}
    return {
        "mode": "form",
        "message": turn.response or "",
        "requestedSchema": {"type": "object", "properties": {FIELD: checkbox}, "required": [FIELD]},
    }


def read_answer(result: object) -> bool | None:
    """Returns whether the person said yes, or None if the answer does not say so or otherwise."""
    if not isinstance(result, dict):
        return None
    if result.get("action") in {"decline", "cancel"}:
        return False
    content = result.get("content")
    if result.get("action") != "accept" or not isinstance(content, dict):
        return None
    confirmed = content.get(FIELD)
    return confirmed if isinstance(confirmed, bool) else None


def require_input(turn: Turn, state: str) -> Json:
    """Returns the result of the newest revision that asks for an answer."""
    return {
        "resultType": "input_required",
        "inputRequests": {FIELD: {"method": "elicitation/create", "params": make_form(turn)}},
        "requestState": state,
    }
