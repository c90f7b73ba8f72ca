"""Parses a line of quick add: a title with a date, recurrence, tags, priority or project anywhere among its words."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from todo_assistant.commands.grammar.commands import NewTodo, Priority
from todo_assistant.commands.grammar.due_finder import find_due
from todo_assistant.commands.grammar.fields import PRIORITY, PROJECT, TAG, parse_project_name, priority_of
from todo_assistant.commands.grammar.named_places import take_named_project
from todo_assistant.commands.grammar.quotes import mask_quotes, unquote
from todo_assistant.commands.grammar.recurrence_finder import find_recurrence
from todo_assistant.commands.grammar.spans import FoundPhrase, IsReadable, Span
from todo_assistant.phrases.vocabulary import HOUR, SPOKEN_HOUR

NOT_AN_ARTICLE: Final = r"(?!(?:the|an?|my|our|your|his|her|its|their|\d+)\b)"
"""Matches where the title of a parent may begin: not after `under` in `under the bed` or `under 5 euros`."""
_TAG_WORD: Final = re.compile(rf"(?<!\S)({TAG})[,.;!?]*(?!\S)")
"""Finds a tag as a word of its own: `#home`, `@work,`."""
_PROJECT_WORD: Final = re.compile(rf"(?<!\S)(?:(?:to|in|into) )?({PROJECT})[,.;!?]*(?!\S)", re.IGNORECASE)
"""Finds a project as a word of its own: `/work`, `in /work`."""
_UNDER_PARENT: Final = re.compile(
    rf"(?<=\S) (?:under|as (?:a )?(?:sub-?(?:task|to-?do)) of) {NOT_AN_ARTICLE}(\S.*)$", re.IGNORECASE
)
"""Finds the parent at the end of a title: `buy flour under bake cake`, `buy flour as a subtask of bake cake`."""
_HAS_END: Final = re.compile(r" (?:until|till?|through|for|starting|from) .*\w$", re.IGNORECASE)
"""Finds the end or start of a recurrence, after which a time needs `at`: `every day until june at 7am`."""

_EVENT: Final = r"(?:(?:have|get|the|an?|my|our|family|team|birthday|christmas|office|work|house) )*"
_PARTS_OF_EVENTS: Final = (
    (re.compile(rf"{_EVENT}(?:dinner|supper|drinks|party|cinema|concert)\b", re.IGNORECASE), "in the evening"),
    (re.compile(rf"{_EVENT}breakfast\b", re.IGNORECASE), "in the morning"),
)
"""Beginnings of titles that name an event, with the part of the day in which it is."""
_HALF_DAY_TIME: Final = re.compile(
    rf"(?:.* )?(?:(?:at|around|by|before) |@ ?)(?!12\b|twelve\b)(?:{HOUR}|{SPOKEN_HOUR})"
    r"|(?:.* )?(?!12)\d{1,2}:[0-5]\d",
    re.IGNORECASE | re.ASCII,
)
"""Matches a phrase whose time may be before or after noon: `friday at half seven`, `7:30`. `at 12` is noon."""


@dataclass(frozen=True, slots=True)
class QuickAdd:
    """The title and the fields of a line. `title` is empty if the line has only fields, such as tags."""

    title: str
    due: str | None
    tags: tuple[str, ...]
    priority: Priority | None
    recurrence: str | None
    project: str | None


@dataclass(frozen=True, slots=True)
class FoundFields:
    """The fields found in a line with single spaces. Their spans locate them."""

    project: re.Match[str] | None
    recurrence: FoundPhrase | None
    due: FoundPhrase | None
    tags: Sequence[re.Match[str]]
    priority: re.Match[str] | None

    @property
    def spans(self) -> list[Span]:
        """The places of all fields, which are no part of the title."""
        matches = [match for match in (self.project, *self.tags, self.priority) if match]
        phrases = [phrase for phrase in (self.recurrence, self.due) if phrase]
        return [*(match.span() for match in matches), *(span for phrase in phrases for span in phrase.spans)]


def find_fields(text: str, is_readable: IsReadable) -> FoundFields:
    """Finds the first recurrence, all tags, and the last day, time of day, project and priority of a line.

    The line must have single spaces.
    """
    masked = mask_quotes(text)
    projects = list(_PROJECT_WORD.finditer(masked))[-1:]
    spans = [found.span() for found in projects]
    recurrence = find_recurrence(_blank_out(masked, spans), is_readable)
    # A refused recurrence stays in the title with the times of day that belong to the recurrence.
    due = find_due(_blank_out(masked, [*spans, *(recurrence.spans if recurrence else ())]), is_readable)
    if recurrence and recurrence.is_refused:
        recurrence = None
    spans += recurrence.spans if recurrence else ()
    spans += due.spans if due else ()
    masked = _blank_out(masked, spans)
    tags, priorities = list(_TAG_WORD.finditer(masked)), list(PRIORITY.finditer(masked))
    return FoundFields(next(iter(projects), None), recurrence, due, tags, priorities[-1] if priorities else None)


def parse_quick_add(line: str, is_readable: IsReadable) -> QuickAdd:
    """Splits a line into its title and its fields.

    The fields are those that `find_fields` finds. Other days, projects and so on stay in the title.
    """
    text = " ".join(line.split())
    found = find_fields(text, is_readable)
    due = found.due
    recurrence_phrase, due_phrase = found.recurrence.phrase if found.recurrence else None, due.phrase if due else None
    # A time of day apart from the recurrence is the time of the recurrence: "standup 9:30 every weekday".
    if recurrence_phrase and due and due.is_only_time:
        timed = f"{recurrence_phrase} {'at ' if _HAS_END.search(recurrence_phrase) else ''}{due_phrase}"
        if is_readable(timed):
            recurrence_phrase, due_phrase = timed, None
    return QuickAdd(
        title=_remove_spans(text, found.spans),
        due=due_phrase,
        tags=tuple(dict.fromkeys(tag[1][1:] for tag in found.tags)),
        priority=priority_of(found.priority) if found.priority else None,
        recurrence=recurrence_phrase,
        project=parse_project_name(text[slice(*found.project.span(1))]) if found.project else None,
    )


def parse_new_todo(line: str, is_readable: IsReadable) -> NewTodo:
    """Returns the todo that a line describes. If the line has only fields, the whole line becomes the title."""
    parsed = parse_quick_add(line, is_readable)
    title = parsed.title
    if parsed.due or parsed.recurrence:
        # Removes the "to" before "buy milk": the line was "remind me tomorrow to buy milk".
        title = re.sub(r"^to (?=\S)", "", title, flags=re.IGNORECASE)
    if not title:
        return NewTodo(line)
    due = parsed.due and _complete_time(parsed.due, title, is_readable)
    new = NewTodo(title, due, parsed.tags, parsed.priority, parsed.recurrence, parsed.project)
    named = take_named_project(new, line)
    if named.title != title:
        return named
    under = _UNDER_PARENT.search(mask_quotes(title))
    parent = unquote(title[under.start(1) :]) if under else None
    title = title[: under.start()] if under else title
    return replace(named, title=title, parent=parent)


def _complete_time(due: str, title: str, is_readable: IsReadable) -> str:
    """Returns the due phrase with the part of the day in which an event is: `at half seven in the evening`."""
    for event, part in _PARTS_OF_EVENTS:
        if event.match(title) and _HALF_DAY_TIME.fullmatch(due) and is_readable(f"{due} {part}"):
            return f"{due} {part}"
    return due


def _blank_out(text: str, spans: list[Span]) -> str:
    """Replaces the spans of the text by spaces, so that all other positions in the text stay the same."""
    for start, end in spans:
        text = text[:start] + " " * (end - start) + text[end:]
    return text


def _remove_spans(text: str, spans: list[Span]) -> str:
    """Returns the text without the spans and the punctuation around them, as a title."""
    if not spans:
        return unquote(text)
    last = max(end for _, end in spans)
    if not text[last:].strip(".!)"):
        spans = [*spans, (last, len(text))]
    title = " ".join(_blank_out(text, spans).split())
    title = re.sub(r"\( ?\)|\($", "", title)  # Drops brackets that held only a field: "milk (tomorrow)".
    title = re.sub(r" ([,.;:!?]+)(?=\s|$)", r"\1", title)  # Drops a space before punctuation: "milk tomorrow, please".
    title = re.sub(
        r"^[\s,.;:!\u2013\u2014-]+(?=\s|$)|^[,.;:]+\s*", "", title
    )  # Drops a mark in front: "tomorrow: milk".
    return unquote(_remove_trailing_punctuation(title.strip()))


def _remove_trailing_punctuation(title: str) -> str:
    """Removes commas, colons, semicolons and dashes from the end of a title: `call mum,` and `call mum -`."""
    return re.sub(r"(?<!\s)[,;:]+$", "", re.sub(r"(?:\s[-\u2013\u2014,;:]+)+$", "", title)).strip()
