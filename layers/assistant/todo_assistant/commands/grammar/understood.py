"""Reads a text of new todos, and tells which part of it was read as which field of a todo.

The grammar reads lines with single spaces, in the normal form NFC, with dates in English. So each step keeps, for
each of its characters, the place in the text as typed.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from todo_assistant.commands.grammar.commands import NewTodo
from todo_assistant.commands.grammar.fields import parse_project_name, priority_of
from todo_assistant.commands.grammar.new_todo_rules import LEAD_IN
from todo_assistant.commands.grammar.parser import BULLET, MAX_LINES, parse_new_todos
from todo_assistant.commands.grammar.quick_add import find_fields
from todo_assistant.commands.grammar.quotes import mask_quotes
from todo_assistant.commands.grammar.spans import IsReadable, Span
from todo_assistant.phrases.languages.translation import find_phrases

type FieldName = Literal["due", "recurrence", "reminder", "priority", "tag", "project", "parent"]

_LINE_ENDS: Final = re.compile(r"[\n\r;]")
_PIECES: Final = re.compile(
    r"\s|\S[\u0300-\u036f\u1100-\u11ff\u0590-\u08ff\u0900-\u0fff\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\u3099\u309a]*",
    re.DOTALL,
)
"""Matches a character with the marks that NFC may join to it, or white space."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a text that was read as a field of a todo: the characters from `start` to before `end`."""

    field: FieldName
    start: int
    end: int
    tag: str | None = None
    """The tag of a part that is a tag."""


@dataclass(frozen=True, slots=True)
class UnderstoodTodo:
    """A todo of a text, and the parts that are its fields, in the order of the text."""

    todo: NewTodo
    parts: Sequence[Part]


class TooManyLines(ValueError):
    """The error for a text with more lines than the grammar reads at once."""


@dataclass(frozen=True, slots=True)
class _Placed:
    """A text, and for each of its characters the span in the text as typed."""

    text: str
    spans: Sequence[Span]

    def __getitem__(self, part: slice) -> "_Placed":
        return _Placed(self.text[part], self.spans[part])

    def place(self, start: int, end: int) -> Span:
        """Returns the span in the text as typed, without white space at its ends."""
        while start < end and self.text[start].isspace():
            start += 1
        while end > start and self.text[end - 1].isspace():
            end -= 1
        return (self.spans[start][0], self.spans[end - 1][1]) if start < end else (0, 0)

    def strip(self) -> "_Placed":
        start = len(self.text) - len(self.text.lstrip())
        return self[start : len(self.text.rstrip())] if self.text.strip() else self[:0]


def understand(text: str, is_readable: IsReadable) -> list[UnderstoodTodo]:
    """Returns the todos of a text: those of each line or part between semicolons, without bullets.

    A first line such as `add:` is a heading. The result is empty if the text shows nothing. Raises TooManyLines.
    """
    lines = list(_split_lines(_normalize(text)))
    if len(lines) > MAX_LINES:
        raise TooManyLines
    if len(lines) > 1 and LEAD_IN.fullmatch(lines[0].text):
        lines = lines[1:]
    todos: list[UnderstoodTodo] = []
    for line in lines:
        bullet = BULLET.match(line.text) if len(lines) > 1 else None
        single = _collapse(line[bullet.end() :] if bullet else line)
        found = parse_new_todos(single.text, is_readable)
        todos += [
            UnderstoodTodo(todo, sorted(_find_parts(segment, todo, is_readable), key=lambda part: part.start))
            for todo, segment in zip(found, _split_todos(single, len(found)), strict=True)
        ]
    return todos


def _normalize(text: str) -> _Placed:
    """Returns the text in the normal form NFC. If parts of it cannot be normalized alone, returns it unchanged."""
    if not unicodedata.is_normalized("NFC", text):
        pieces = [(unicodedata.normalize("NFC", piece[0]), piece.span()) for piece in _PIECES.finditer(text)]
        joined = "".join(piece for piece, _ in pieces)
        if joined == unicodedata.normalize("NFC", text):
            return _Placed(joined, [span for piece, span in pieces for _ in piece])
    return _Placed(text, [(index, index + 1) for index in range(len(text))])


def _split_lines(text: _Placed) -> Iterator[_Placed]:
    start = 0
    ends = [found.span() for found in _LINE_ENDS.finditer(mask_quotes(text.text))]
    for end, following in [*ends, (len(text.text), len(text.text))]:
        if (line := text[start:end].strip()).text:
            yield line
        start = following


def _collapse(line: _Placed) -> _Placed:
    """Returns the line with single spaces."""
    words = [found.span() for found in re.finditer(r"\S+", line.text)]
    spans: list[Span] = []
    for number, (start, end) in enumerate(words):
        spans += [line.spans[start - 1]] if number else []
        spans += line.spans[start:end]
    return _Placed(" ".join(line.text[start:end] for start, end in words), spans)


def _translate(line: _Placed) -> _Placed:
    """Returns the line with its dates in English. Each character of a translated date has the place of all of it."""
    text, spans = line.text, list(line.spans)
    for phrase in reversed(find_phrases(mask_quotes(text))):
        place = line.place(phrase.start, phrase.end)
        text = f"{text[: phrase.start]}{phrase.english}{text[phrase.end :]}"
        spans[phrase.start : phrase.end] = [place] * len(phrase.english)
    return _Placed(text, spans)


def _split_todos(line: _Placed, number: int) -> Sequence[_Placed]:
    """Returns the part of a line for each of its todos. If the parts are not clear, each is the whole line."""
    if number == 1:
        return [line]
    lead_in = LEAD_IN.match(line.text)
    start = lead_in.end() if lead_in else 0
    for separator in (",", r",? and (?:then )?|, (?:then )?|; ?"):
        gaps = [
            gap.span() for gap in re.finditer(separator, mask_quotes(line.text), re.IGNORECASE) if gap.start() >= start
        ]
        if len(gaps) == number - 1:
            starts, ends = [start, *(end for _, end in gaps)], [*(first for first, _ in gaps), len(line.text)]
            return [line[first:last].strip() for first, last in zip(starts, ends, strict=True)]
    return [line] * number


def _find_parts(segment: _Placed, todo: NewTodo, is_readable: IsReadable) -> Iterator[Part]:
    """Yields the parts of a line that are fields of its todo."""
    line = _translate(segment)
    found = find_fields(line.text, is_readable)
    spans: list[tuple[FieldName, Span, str | None]] = []
    if found.recurrence and todo.recurrence and found.recurrence.phrase in todo.recurrence:
        spans += [("recurrence", span, None) for span in found.recurrence.spans]
    if found.due:
        kind = _kind_of_due(found.due.phrase, todo)
        spans += [(kind, span, None) for span in found.due.spans] if kind else []
    if todo.reminder and todo.reminder == todo.due:
        spans += [("reminder", span, None) for field, span, _ in spans if field == "due"]
    spans += [("tag", match.span(1), match[1][1:]) for match in found.tags if match[1][1:] in todo.tags]
    if found.priority and priority_of(found.priority) == todo.priority:
        spans.append(("priority", _without_mark(found.priority), None))
    if found.project and todo.project == parse_project_name(line.text[slice(*found.project.span(1))]):
        spans.append(("project", found.project.span(1), None))
    elif todo.project and (place := _find_last(line.text, todo.project)):
        spans.append(("project", place, None))
    if todo.parent and (place := _find_last(line.text, todo.parent)):
        spans.append(("parent", place, None))
    # A translated date is one part, although its day and its time have places of their own in English.
    parts = dict.fromkeys(Part(field, *line.place(*span), tag) for field, span, tag in spans)
    yield from (part for part in parts if part.start < part.end)


def _kind_of_due(phrase: str, todo: NewTodo) -> FieldName | None:
    """Returns the field to which a due phrase belongs: a time beside a recurrence is part of that."""
    if todo.due and todo.due.startswith(phrase):
        return "due"
    return "recurrence" if todo.recurrence and todo.recurrence.endswith(phrase) else None


def _without_mark(found: re.Match[str]) -> Span:
    """Returns the span of a priority without the punctuation after it."""
    return found.start(), found.start() + len(found[0].rstrip(",.;"))


def _find_last(text: str, words: str) -> Span | None:
    start = text.rfind(words)
    return (start, start + len(words)) if start >= 0 else None
