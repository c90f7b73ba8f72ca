"""Quick add: a title with when, how often, tags, a priority and a project among its words, in any order."""

import re
from dataclasses import dataclass
from typing import Final

from todo_assistant.commands.grammar.commands import NewTodo, Priority
from todo_assistant.commands.grammar.due_spans import Readable, find_due
from todo_assistant.commands.grammar.recurrence_spans import find_recurrence

_QUOTED: Final = re.compile(r"\"[^\"]+\"|“[^”]+”|„[^“”]+[“”]")
_MASK: Final = "\ue000"
"""Stands for each quoted character: neither a letter of a date nor a space."""
TAG: Final = r"[#@](?=[\w-]*[^\W\d_])[\w-]{1,50}(?![\w-])"
"""`#home` and `@home`, not `#42`, which counts something, nor what is longer than a tag can be."""
_TAG: Final = re.compile(rf"(?<!\S)({TAG})[,.;!?]*(?!\S)")
PROJECT: Final = rf"/(?:(?=[\w-]*[^\W\d_])[\w-]{{1,50}}(?![\w/-])|{_MASK}+|\"[^\"]+\"|“[^”]+”)"
"""`/work` and `/"Home office"`, neither `24/7` nor `/usr/local`."""
_PROJECT: Final = re.compile(rf"(?<!\S)(?:(?:to|in|into) )?({PROJECT})[,.;!?]*(?!\S)", re.IGNORECASE)
NO_PARENT: Final = r"(?!(?:the|an?|my|our|your|his|her|its|their|\d+)\b)"
"""`under the bed` is no todo that is called `the bed`."""
_PARENT: Final = re.compile(
    rf"(?<=\S) (?:under|as (?:a )?(?:sub-?(?:task|to-?do)) of) {NO_PARENT}(\S.*)$", re.IGNORECASE
)
_PRIORITY: Final = re.compile(
    r"(?<!\S)(?:!(?P<sign>high|hi|medium|med|low|none|[1-4])|(?P<p>p[1-4])|(?P<bangs>!!!?)"
    r"|priority:? (?P<after>high|medium|low|none)|(?P<before>high|medium|low|no) priority)[,.;]?(?!\S)",
    re.IGNORECASE,
)
_PRIORITIES: Final[dict[str, Priority]] = {
    **dict.fromkeys(("high", "hi", "1", "p1", "!!!"), "high"),
    **dict.fromkeys(("medium", "med", "2", "p2", "!!"), "medium"),
    **dict.fromkeys(("low", "3", "p3"), "low"),
    **dict.fromkeys(("none", "no", "4", "p4"), "none"),
}


@dataclass(frozen=True, slots=True)
class QuickAdd:
    """What a line says. `title` is empty if it says nothing else than when, how often, where and how urgent."""

    title: str
    due: str | None
    tags: tuple[str, ...]
    priority: Priority | None
    recurrence: str | None
    project: str | None

    @property
    def has_signs(self) -> bool:
        return bool(self.due or self.tags or self.priority or self.project)


def read(line: str, readable: Readable) -> QuickAdd:
    """Of several dates the last day and the last time count, of several priorities the last; the others stay."""
    text = " ".join(line.split())
    masked = _QUOTED.sub(lambda quoted: _MASK * len(quoted[0]), text)
    projects = list(_PROJECT.finditer(masked))[-1:]
    places = [found.span() for found in projects]
    recurrence = find_recurrence(_blank(masked, places), readable)
    places += recurrence.places if recurrence else ()
    due = find_due(_blank(masked, places), readable)
    places += due.places if due else ()
    masked = _blank(masked, places)
    tags = list(_TAG.finditer(masked))
    priorities = list(_PRIORITY.finditer(masked))[-1:]
    places += [found.span() for found in (*tags, *priorities)]
    often, when = recurrence.phrase if recurrence else None, due.phrase if due else None
    if often and due and due.is_time and readable(f"{often} {when}"):
        often, when = f"{often} {when}", None
    return QuickAdd(
        title=_without(text, places),
        due=when,
        tags=tuple(dict.fromkeys(found[1][1:] for found in tags)),
        priority=_PRIORITIES[_level(priorities[0])] if priorities else None,
        recurrence=often,
        project=project_named(text[slice(*projects[0].span(1))]) if projects else None,
    )


def new_todo(line: str, readable: Readable) -> NewTodo:
    """The todo that a line describes, which always has a title: what is nothing but a date is one, too."""
    said = read(line, readable)
    title = said.title
    if said.due or said.recurrence:
        # "remind me tomorrow to buy milk" leaves the "to" in front.
        title = re.sub(r"^to (?=\S)", "", title, flags=re.IGNORECASE)
    if not title:
        return NewTodo(line)
    under = _PARENT.search(_QUOTED.sub(lambda quoted: _MASK * len(quoted[0]), title))
    parent = unquoted(title[under.start(1) :]) if under else None
    title = title[: under.start()] if under else title
    return NewTodo(title, said.due, said.tags, said.priority, said.recurrence, said.project, parent)


def priority_named(name: str) -> Priority | None:
    """`high`, `p1` or `1`, in any case."""
    return _PRIORITIES.get(name.lower().removeprefix("!"))


def project_named(words: str) -> str:
    """The name in `/work`, `/"Home office"` or `project work`."""
    return unquoted(re.sub(r"^(?:/|project )", "", words, flags=re.IGNORECASE))


def unquoted(text: str) -> str:
    """Without the quotes, if the whole text is one quotation."""
    return text[1:-1].strip() if _QUOTED.fullmatch(text) else text


def split_outside_quotes(text: str, separators: str) -> list[str]:
    """The parts between the separators, without blank ones."""
    masked = _QUOTED.sub(lambda quoted: _MASK * len(quoted[0]), text)
    ends = [found.start() for found in re.finditer(separators, masked)]
    parts = [text[start:end] for start, end in zip([0, *(end + 1 for end in ends)], [*ends, len(text)], strict=True)]
    return [part.strip() for part in parts if part.strip()]


def _level(found: re.Match[str]) -> str:
    return str(found[str(found.lastgroup)]).lower()


def _blank(text: str, places: list[tuple[int, int]]) -> str:
    for start, end in places:
        text = text[:start] + " " * (end - start) + text[end:]
    return text


def _without(text: str, places: list[tuple[int, int]]) -> str:
    """The words that are left, without the punctuation that held those that went."""
    if not places:
        return unquoted(text)
    last = max(end for _, end in places)
    if not text[last:].strip(".!)"):
        places = [*places, (last, len(text))]
    kept = " ".join(_blank(text, places).split())
    kept = re.sub(r"\( ?\)|\($", "", kept)
    kept = re.sub(r" ([,.;:!?]+)(?=\s|$)", r"\1", kept)
    kept = re.sub(r"^[\s,.;:!\u2013\u2014-]+(?=\s|$)|^[,.;:]+\s*", "", kept)
    return unquoted(_trimmed(kept.strip()))


def _trimmed(title: str) -> str:
    """Without what is left over at the end: `call mum,` and `call mum -`."""
    return re.sub(r"(?<!\s)[,;:]+$", "", re.sub(r"(?:\s[-\u2013\u2014,;:]+)+$", "", title)).strip()
