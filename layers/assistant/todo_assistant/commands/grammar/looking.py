"""Rules for looking at what there is."""

import re
from typing import Final

from todo_assistant.commands.grammar import quick_add, targets
from todo_assistant.commands.grammar.commands import Find, Overview
from todo_assistant.commands.grammar.due_spans import Readable
from todo_assistant.commands.grammar.rules import always, compiled
from todo_assistant.commands.grammar.targets import NOUNS
from todo_assistant.phrases.recurrences import is_recurrence_phrase

_STATES: Final = {"done": True, "completed": True, "finished": True, "closed": True, "open": False}
_FILTER: Final = re.compile(
    r"(?:for |me\b ?)?(?:(?:all|everything|anything|every)\b ?)?(?:of )?(?:(?:my|the)\b ?)?"
    r"(?P<trashed>(?:trash|trashed|deleted|bin)(?!\S))? ?"
    r"(?P<state>(?:overdue|open|done|completed|finished|closed)(?!\S))? ?"
    r"(?P<priority>(?:high|medium|low|p[1-4])(?!\S))? ?(?:priority(?!\S))? ?"
    rf"(?:(?:{NOUNS}|list|due)(?!\S))? ?(?P<text>.*?)(?: ?\b{NOUNS})?",
    re.IGNORECASE,
)


def _find(words: str, readable: Readable, *, completed: bool | None = False) -> Find:
    if quick_add.unquoted(words) != words:
        return Find(text=quick_add.unquoted(words), completed=completed)
    tagged, tags = targets.take_tags(words)
    signs = quick_add.read(tagged, lambda phrase: not is_recurrence_phrase(phrase) and readable(phrase))
    found = _FILTER.fullmatch(signs.title)
    if found is None:
        return Find(text=signs.title, completed=completed, project=signs.project)
    state = (found["state"] or "").lower()
    unsaid = None if found["trashed"] else completed
    return Find(
        text=found["text"] or None,
        tags=(*tags, *signs.tags),
        priority=signs.priority or quick_add.priority_named(found["priority"] or ""),
        completed=_STATES.get(state, unsaid),
        overdue=state == "overdue",
        due=signs.due,
        trashed=bool(found["trashed"]),
        project=signs.project,
    )


def _list(found: re.Match[str], readable: Readable) -> Find:
    return _find(found[1] or "", readable)


def _show(found: re.Match[str], readable: Readable) -> Find | None:
    """`show mum the photos on sunday` is a new todo."""
    shown = _list(found, readable)
    return None if shown.text and shown.due else shown


def _search(found: re.Match[str], readable: Readable) -> Find:
    return _find(found[1], readable, completed=None)


def _asked(found: re.Match[str], readable: Readable) -> Find | None:
    """A question about more than days, tags and states is one for somebody else."""
    asked = _find(found[1] or "", readable)
    return None if asked.text else asked


_WHAT_IS: Final = r"(?:what\W?s|what is|what are)"
_DAY_AHEAD: Final = (
    r"(?:show )?(?:me )?(?:(?:my |the )?(?:overview|agenda)|my day|today\W?s agenda)|today"
    rf"|{_WHAT_IS} (?:up|on|happening)(?: for)?(?: today)?"
    r"|what should i do(?: now| next| today)?|(?:how|what) does (?:my day|today) look(?: like)?"
)
_WHAT_DO_I_HAVE: Final = (
    r"(?:what do i (?:have|need)|what have i(?: got)?|what must i do|do i have|have i got|is there)(?: to do)?"
    r"(?: anything| something| any (?:to-?dos?|tasks))?(?: to do| due| planned)? ?(.*)"
)
RULES: Final = compiled(
    (_DAY_AHEAD, always(Overview())),
    (r"(?:list|ls)(?: (.+))?", _list),
    (rf"show(?: me)?(?: (?:{_WHAT_IS} )?(.+))?", _show),
    (r"((?:(?:my|the) )?(?:overdue|trash)(?: (?:tasks?|to-?dos?))?)", _list),
    (r"(?:(?:find|search)(?: for)?|look for) (.+)", _search),
    (rf"{_WHAT_IS} (?:(?:due|planned|scheduled|left|on)(?: (?:on|for|my list))?\b)? ?(.*)", _asked),
    (_WHAT_DO_I_HAVE, _asked),
    (rf"how many (?:{NOUNS}\b ?)?(?:do i have|have i got|are there|are)? ?(.*)", _asked),
    (r"when(?: is|\W?s) (?:the |my )?(.+?)(?: due)?", _search),
    (r"any ?thing (?:due|planned|left|to do) ?(.*)", _asked),
)
