"""Reads what was typed. The rules are tried from top to bottom; what no rule takes is a new todo, or talk."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from todo_assistant import dates
from todo_assistant.dates import COUNT, DAYS, HOURS
from todo_assistant.grammar import quick_add, targets
from todo_assistant.grammar.commands import (
    Add,
    Command,
    Complete,
    Delete,
    Find,
    Help,
    NewTodo,
    Overview,
    Reopen,
    Reschedule,
    Restore,
    Target,
    Undo,
    Unknown,
    Update,
)
from todo_assistant.grammar.quick_add import TAG, QuickAdd
from todo_assistant.grammar.targets import NOUNS

MAX_LENGTH: Final = 4_000
"""Characters; a longer text is Unknown."""


def parse(text: str, *, now: datetime, timezone: ZoneInfo) -> Command:
    """What a text asks for when it is typed at `now` (aware) in a zone. Never raises.

    A due in the command is a phrase that `dates.resolve` reads at the same moment.
    """
    if len(text) > MAX_LENGTH:
        return Unknown(text)
    moment = _Moment(now, timezone)
    lines = quick_add.split_outside_quotes(text, r"[\n\r;]")
    if len(lines) < 2:  # noqa: PLR2004 - one line is the usual case
        return _read_line(" ".join(text.split()), moment)
    return _read_lines(lines, moment) or Unknown(text.strip())


@dataclass(frozen=True, slots=True)
class _Moment:
    now: datetime
    timezone: ZoneInfo

    def readable(self, phrase: str) -> bool:
        try:
            dates.resolve(phrase, now=self.now, timezone=self.timezone)
        except dates.UnreadableDate:
            return False
        return True

    def quick_add(self, line: str) -> QuickAdd:
        return quick_add.read(line, self.readable)


# New todos

_LEAD_IN: Final = re.compile(
    rf"(?:(?:add|create|make|new)(?: (?:an?|new|another))* (?:{NOUNS}|reminders?)(?: to\b| for\b|:)?"
    r"|(?:add|create)\b:?|(?:new|to-?do|task|reminder):|to-?do\b"
    r"|(?:please )?remind me(?: to| about| that)?\b:?|(?:i|we) (?:need|have|want|ought) to\b|i(?:'ve| have) got to\b"
    r"|i (?:must|should|gotta)\b|i need\b|(?:need|have|remember) to\b|(?:don\W?t|do not) (?:let me )?forget(?: to)?\b"
    r"|put\b(?=.* on (?:my|the) (?:to-?do )?list$))\s*",
    re.IGNORECASE,
)
_BULLET: Final = re.compile(r"(?:[-*•+]\s+|\d{1,3}[.)]\s+)?(?:\[[ x]?\]\s+)?(?=\S)", re.IGNORECASE)
_TO_MY_LIST: Final = re.compile(r" (?:to|on) my (?:to-?do )?list$| (?:to|on) the (?:to-?do )?list$", re.IGNORECASE)


def _read_lines(lines: Sequence[str], moment: _Moment) -> Add | None:
    """None if a line is a command of another kind: several of those in one message are not carried out."""
    heading = _LEAD_IN.fullmatch(lines[0])
    bodies = [_BULLET.sub("", line, count=1) for line in (lines[1:] if heading else lines)]
    todos: list[NewTodo] = []
    for body in bodies:
        command = _read_line(" ".join(body.split()), moment)
        if isinstance(command, Add):
            todos += command.todos
        elif isinstance(command, Unknown | Find):
            todos.append(NewTodo(quick_add.unquoted(body)))
        else:
            return None
    return Add(tuple(todos)) if todos else None


def _add(line: str, moment: _Moment) -> Add | None:
    """A line that begins as only a new todo does: `add`, `todo:`, `remind me to`."""
    found = _LEAD_IN.match(line)
    if found is None or found.end() == len(line):
        return None
    rest = _TO_MY_LIST.sub("", line[found.end() :])
    parts = quick_add.split_outside_quotes(rest, ",") if found[0].lower().startswith("add:") else [rest]
    return Add(tuple(_new_todo(part, moment) for part in parts)) if parts else None


def _new_todo(line: str, moment: _Moment) -> NewTodo:
    read = moment.quick_add(line)
    # "remind me tomorrow to buy milk" leaves the "to" in front.
    title = re.sub(r"^to (?=\S)", "", read.title, flags=re.IGNORECASE) if read.due else read.title
    if not title:
        return NewTodo(line)
    return NewTodo(title, read.due, read.tags, read.priority)


# Single lines

_POLITE: Final = re.compile(
    r"(?:please|pls|oops|hey|ok|okay|(?P<asking>(?:can|could|would|will) you(?: please)?(?! do\b)))[, ]+", re.IGNORECASE
)
_THANKS: Final = re.compile(r"[, ]+(?:please|pls|thanks|thank you)(?=[.!?]*$)", re.IGNORECASE)


def _read_line(line: str, moment: _Moment) -> Command:
    polite = _POLITE.match(line)
    said = _THANKS.sub("", line[polite.end() :] if polite else line)
    asking = bool(polite and polite["asking"])
    if asking:
        said = said.rstrip("?. ")
    return _command(said, moment) or (Unknown(line) if asking or _is_talk(said) else Add((_new_todo(said, moment),)))


def _command(said: str, moment: _Moment) -> Command | None:
    bare = said.rstrip("?!. ") or said
    for pattern, read in _RULES:
        if (found := pattern.fullmatch(bare)) and (command := read(found, moment)):
            return command
    if added := _add(said, moment):
        return added
    signs = moment.quick_add(bare)
    if not signs.title and signs.has_signs:
        return Find(tags=signs.tags, priority=signs.priority, due=signs.due)
    return None


_TALK: Final = re.compile(
    r"(?:hi|hello|hey|hiya|yo|good (?:morning|afternoon|evening|night)|thanks|thank you|thx|ok|okay|yes|no|nope|yep"
    r"|bye|goodbye|cool|great|nice|sorry|how are you)(?: there| all| everyone| so much| a lot)?[!.,?…]*",
    re.IGNORECASE,
)
_OPEN_QUESTION: Final = re.compile(
    r"(?:what|what\W?s|who|whose|whom|which|where|when|why|how)\b.*|.*\?",
    re.IGNORECASE | re.DOTALL,
)
_LACKING: Final = re.compile(
    r"(?:re-?schedule|rename|untag|restore|undelete|reopen)\b.*"
    r"|(?:add|new|create|remind me(?: to)?|done|complete|finish|delete|remove|trash|move|tag|set|find|search)[.!:]*",
    re.IGNORECASE,
)
"""Commands that lack something, as no rule took them."""
_PUNCTUATION: Final = re.compile(r"[\x00-/:-@\[-`{-\x7f\s]*")


def _is_talk(said: str) -> bool:
    return any(pattern.fullmatch(said) for pattern in (_TALK, _OPEN_QUESTION, _LACKING, _PUNCTUATION))


# What there is

_STATES: Final = {"done": True, "completed": True, "finished": True, "closed": True}
_FILTER: Final = re.compile(
    r"(?:for |me\b ?)?(?:(?:all|everything|anything|every)\b ?)?(?:of )?(?:(?:my|the)\b ?)?"
    r"(?P<trashed>(?:trash|trashed|deleted|bin)(?!\S))? ?"
    r"(?P<state>(?:overdue|open|done|completed|finished|closed)(?!\S))? ?"
    r"(?P<priority>(?:high|medium|low|p[1-4])(?!\S))? ?(?:priority(?!\S))? ?"
    rf"(?:(?:{NOUNS}|list|due)(?!\S))? ?(?P<text>.*?)(?: ?\b{NOUNS})?",
    re.IGNORECASE,
)


def _find(words: str, moment: _Moment, *, completed: bool | None = False) -> Find:
    if quick_add.unquoted(words) != words:
        return Find(text=quick_add.unquoted(words), completed=completed)
    tagged, tags = targets.take_tags(words)
    signs = moment.quick_add(tagged)
    found = _FILTER.fullmatch(signs.title)
    if found is None:
        return Find(text=signs.title, completed=completed)
    state = (found["state"] or "").lower()
    trashed = bool(found["trashed"])
    if state == "open":
        completed = False
    elif trashed and not state:
        completed = None
    return Find(
        text=found["text"] or None,
        tags=(*tags, *signs.tags),
        priority=signs.priority or quick_add.priority_named(found["priority"] or ""),
        completed=_STATES.get(state, completed),
        overdue=state == "overdue",
        due=signs.due,
        trashed=trashed,
    )


def _list(found: re.Match[str], moment: _Moment) -> Find:
    return _find(found[1] or "", moment)


def _show(found: re.Match[str], moment: _Moment) -> Find | None:
    """`show mum the photos on sunday` is a new todo."""
    shown = _list(found, moment)
    return None if shown.text and shown.due else shown


def _search(found: re.Match[str], moment: _Moment) -> Find:
    return _find(found[1], moment, completed=None)


def _asked(found: re.Match[str], moment: _Moment) -> Find | None:
    """A question about more than days, tags and states is one for somebody else."""
    asked = _find(found[1] or "", moment)
    return None if asked.text else asked


# What is done with todos

_PREPOSITION: Final = re.compile(
    rf" (?a:(?:to|until|till?|for|on|by|back)\b(?: (?:to|by))? |(?=(?:{COUNT} {DAYS}|{HOURS})$))", re.IGNORECASE
)


def _on_target(make: Callable[[Target], Command]) -> Callable[[re.Match[str], _Moment], Command | None]:
    def read(found: re.Match[str], _: _Moment) -> Command | None:
        target = targets.read(found[1])
        return make(target) if target else None

    return read


def _on_target_or_add(make: Callable[[Target], Command]) -> Callable[[re.Match[str], _Moment], Command | None]:
    """For verbs that begin todos too: `finish report tomorrow` is a new one, as nothing is done at a date."""

    def read(found: re.Match[str], moment: _Moment) -> Command | None:
        signs = moment.quick_add(found[1])
        if signs.due or signs.priority:
            return Add((_new_todo(found[0], moment),))
        target = targets.read(_FROM_MY_LIST.sub("", found[1]))
        return make(target) if target else None

    return read


_FROM_MY_LIST: Final = re.compile(r" (?:from|off|on) (?:my|the) (?:to-?do )?list$", re.IGNORECASE)


def _move(found: re.Match[str], moment: _Moment) -> Reschedule | None:
    words = found[1]
    for preposition in _PREPOSITION.finditer(words, max(0, len(words) - _LONGEST_DUE)):
        due = words[preposition.end() :]
        if moment.readable(due) and (target := targets.read(words[: preposition.start()])):
            return Reschedule(target, due)
    signs = moment.quick_add(words)
    if _PREPOSITION.search(words) or not signs.due or not words.startswith(signs.title):
        return None
    target = targets.read(signs.title)
    return Reschedule(target, signs.due) if target else None


_LONGEST_DUE: Final = 110


def _postpone(found: re.Match[str], moment: _Moment) -> Reschedule | None:
    if moved := _move(found, moment):
        return moved
    target = targets.read(found[1])
    return Reschedule(target, "tomorrow") if target else None


def _clear(found: re.Match[str], _: _Moment) -> Delete | None:
    """`clear the gutters` is a new todo."""
    target = targets.read(found[1])
    return Delete(target) if target and target.every else None


def _set_due(found: re.Match[str], moment: _Moment) -> Reschedule | None:
    target = targets.read(found[1])
    return Reschedule(target, found[2]) if target and moment.readable(found[2]) else None


def _clear_due(target: Target) -> Reschedule:
    return Reschedule(target, None)


def _rename(found: re.Match[str], _: _Moment) -> Update | None:
    target = targets.read(found[1])
    return Update(target, title=quick_add.unquoted(found[2])) if target else None


def _set(found: re.Match[str], moment: _Moment) -> Update | None:
    signs = moment.quick_add(found[1])
    target = targets.read(re.sub(r" (?:to|as|with|at)$", "", signs.title)) or Target()
    if signs.due or not signs.priority or not (signs.title or signs.tags):
        return None
    if target.every or not signs.title:
        target = Target(target.text, signs.tags, target.every, target.overdue, target.completed)
        return Update(target, priority=signs.priority)
    return Update(target, priority=signs.priority, add_tags=signs.tags)


def _set_priority(found: re.Match[str], _: _Moment) -> Update | None:
    target, priority = targets.read(found[1]), quick_add.priority_named(found[2])
    return Update(target, priority=priority) if target and priority else None


def _prioritize(target: Target) -> Update:
    return Update(target, priority="high")


def _without_priority(target: Target) -> Update:
    return Update(target, priority="none")


def _tag(found: re.Match[str], _: _Moment) -> Update | None:
    target = targets.read(found["target"])
    return Update(target, add_tags=_tags(found["tags"])) if target else None


def _untag(found: re.Match[str], _: _Moment) -> Update | None:
    target = targets.read(found["target"])
    return Update(target, remove_tags=_tags(found["tags"])) if target else None


def _tags(words: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tag.lstrip("#@") for tag in re.split(r"[\s,]+", words) if tag))


def _always(command: Command) -> Callable[[re.Match[str], _Moment], Command]:
    return lambda _found, _moment: command


type _Rule = tuple[re.Pattern[str], Callable[[re.Match[str], _Moment], Command | None]]

_DONE: Final = r"(?:done|completed?|finished)"
_QUOTED_OR_NOT: Final = r"\"[^\"]+\"|.+?"
_TAGS: Final = rf"(?P<tags>(?:{TAG}[\s,]*)+)"
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
_DATE_OF: Final = r"(?:the )?(?:due )?date (?:of|from|for|on)"
_RULES: Final[Sequence[_Rule]] = [
    (re.compile(pattern, re.IGNORECASE), read)
    for pattern, read in (
        (r"(?:undo|revert)(?: (?:that|it|this|the last (?:one|change|command|action)|last))?", _always(Undo())),
        (r"help(?: me)?|\?+|what can (?:you|i) (?:do|say|type)|how does (?:this|it) work|commands", _always(Help())),
        (_DAY_AHEAD, _always(Overview())),
        (r"(?:list|ls)(?: (.+))?", _list),
        (rf"show(?: me)?(?: (?:{_WHAT_IS} )?(.+))?", _show),
        (r"((?:(?:my|the) )?(?:overdue|trash)(?: (?:tasks?|to-?dos?))?)", _list),
        (r"(?:(?:find|search)(?: for)?|look for) (.+)", _search),
        (rf"{_WHAT_IS} (?:(?:due|planned|scheduled|left|on)(?: (?:on|for|my list))?\b)? ?(.*)", _asked),
        (_WHAT_DO_I_HAVE, _asked),
        (rf"how many (?:{NOUNS}\b ?)?(?:do i have|have i got|are there|are)? ?(.*)", _asked),
        (r"when(?: is|\W?s) (?:the |my )?(.+?)(?: due)?", _search),
        (r"any ?thing (?:due|planned|left|to do) ?(.*)", _asked),
        (rf"(?:(?:remove|clear|delete) {_DATE_OF}|unschedule) (.+)", _on_target(_clear_due)),
        (rf"(?:set|change) {_DATE_OF} (.+?) to (.+)", _set_due),
        (r"(?:set|make) (.+?) due (.+)", _set_due),
        (rf"(?:rename|change (?:the )?(?:title|name) of) ({_QUOTED_OR_NOT}) (?:to|as|->|→) (.+)", _rename),
        (rf"tag (?P<target>.+?) (?:(?:with|as) )?{_TAGS}", _tag),
        (r"tag (?P<target>.+) (?:with|as) (?P<tags>[\w-]{1,50})", _tag),
        (rf"add (?:the )?(?:tags? )?{_TAGS}to (?P<target>.+)", _tag),
        (rf"untag (?P<target>.+?) (?:(?:with|from|as) )?{_TAGS}", _untag),
        (rf"remove (?:the )?(?:tags? )?{_TAGS}from (?P<target>.+)", _untag),
        (r"remove (?:the )?tag (?P<tags>[\w-]{1,50}) from (?P<target>.+)", _untag),
        (r"(?:set |change )?(?:the )?priority of (.+) to (\w+)", _set_priority),
        (r"(?:remove|clear) (?:the )?priority (?:of|from) (.+)", _on_target(_without_priority)),
        (r"(?:set|make|change|give) (.+)", _set),
        (r"prioriti[sz]e (.+)", _on_target(_prioritize)),
        (r"(?:mark|make) (.+?) (?:as )?(?:urgent|important)", _on_target(_prioritize)),
        (r"mark (.+?) (?:as )?(?:not (?:done|completed?|finished)|undone|open|incomplete)", _on_target(Reopen)),
        (rf"(?:mark|set) (.+?) (?:(?:as|to) )?{_DONE}", _on_target(Complete)),
        (r"(.+?) (?:is(?: not|n\W?t)|are not|aren\W?t) (?:done|completed?|finished)(?: yet)?", _on_target(Reopen)),
        (rf"(?:done|completed|finished|i(?:\W?ve| have)? {_DONE})\b(?: with\b)?:? (.+)", _on_target(Complete)),
        (r"(?:(?:check|tick|cross) off|tick) (.+)", _on_target(Complete)),
        (rf"(.+?) (?:is|are) {_DONE}", _on_target(Complete)),
        (r"(?:complete|finish) (.+)", _on_target_or_add(Complete)),
        (r"(?:re-?open|undone|un-?check|un-?complete|untick) (.+)", _on_target(Reopen)),
        (r"(?:postpone|snooze|defer|delay) (.+)", _postpone),
        (r"(?:move|re-?schedule|push|shift|bump) (?!to )(.+)", _move),
        (r"(?:set|change) (.+?) to (.+)", _set_due),
        (r"(?:delete|remove|trash) (.+)", _on_target_or_add(Delete)),
        (r"clear (.+)", _clear),
        (r"(?:restore|undelete|bring back) (.+)", _on_target_or_add(Restore)),
    )
]
