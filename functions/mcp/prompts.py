"""Prompts that a person chooses in the client."""

from collections.abc import Mapping
from typing import Final

from functions.mcp.caller import Caller
from functions.mcp.wire import INVALID_PARAMS, Call, Json, RpcError, complete

_MAX_DAY_CHARACTERS: Final = 100
PROMPTS: Final[Mapping[str, Json]] = {
    "plan_my_day": {
        "name": "plan_my_day",
        "title": "Plan my day",
        "description": "Sorts the todos of a day into a plan.",
        "arguments": [{"name": "day", "description": "Such as `tomorrow`. Today, if left out.", "required": False}],
    },
    "weekly_review": {
        "name": "weekly_review",
        "title": "Weekly review",
        "description": "Looks back at the week, and forward to the next.",
        "arguments": [],
    },
}
_PLAN: Final = (
    "Plan my day: {day}. Read it with day_overview. Put what is overdue first, then what has a time, then the rest by "
    "priority. Name what does not fit, and propose another day for it. Change nothing before I agree."
)
_REVIEW: Final = (
    "Let us review my week. Use search_todos for what I completed in the last 7 days, what is overdue, what is due in "
    "the next 7 days, and what has no date. Tell me in a few lines how it went. Then go through the overdue and the "
    "undated todos with me, and propose for each a date, or to let it go. Change nothing before I agree."
)


async def list_prompts(caller: Caller, _call: Call) -> Json:
    return complete(caller.peer, {"prompts": list(PROMPTS.values())}, cached_seconds=3600)


async def get_prompt(caller: Caller, call: Call) -> Json:
    """Returns the message of a prompt. Raises RpcError for an unknown prompt or argument."""
    name, arguments = call.params.get("name"), call.params.get("arguments") or {}
    prompt = PROMPTS.get(name) if isinstance(name, str) else None
    if prompt is None:
        raise RpcError(INVALID_PARAMS, f"Unknown prompt: {str(name)[:100]}")
    known = {argument["name"] for argument in prompt["arguments"]}
    if not isinstance(arguments, dict) or not arguments.keys() <= known:
        raise RpcError(INVALID_PARAMS, f"This prompt takes only these arguments: {', '.join(known) or 'none'}.")
    day = arguments.get("day", "today")
    if not isinstance(day, str) or len(day) > _MAX_DAY_CHARACTERS:
        raise RpcError(INVALID_PARAMS, f"The day must be a text of at most {_MAX_DAY_CHARACTERS} characters.")
    text = _PLAN.format(day=day) if name == "plan_my_day" else _REVIEW
    message = {"role": "user", "content": {"type": "text", "text": text}}
    return complete(caller.peer, {"description": prompt["description"], "messages": [message]})
