"""Gives a time of the day to reminders for which the user named only a day."""

from collections.abc import Sequence
from itertools import compress
from typing import Final

from pydantic import JsonValue

from todo_assistant.commands.planner.plans import Plan, call
from todo_assistant.commands.results import NamedResult

type Fields = dict[str, JsonValue]

_TIME: Final = "9am"
_NEEDS_TIME: Final = "needs_time"


def call_with_reminders(tool: str, member: str, items: Sequence[Fields]) -> Plan[list[NamedResult]]:
    """Calls a tool for items, and once more for those whose reminder is a day: at 9:00 on that day.

    `member` is the argument of the tool that takes the items. Returns the results without the failures that the second
    call mended.
    """
    first = yield from call(tool, {member: [*items]})
    is_mended = [result.get("code") == _NEEDS_TIME for result in first.items]
    untimed = list(compress(items, is_mended))
    if not untimed:
        return [first]
    kept = NamedResult(tool, {"results": [result for result in first.items if result.get("code") != _NEEDS_TIME]})
    again = yield from call(tool, {member: [{**item, "reminder": f"{item['reminder']} {_TIME}"} for item in untimed]})
    return [kept, again]
