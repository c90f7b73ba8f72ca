"""Quick add: a title with a due date, tags and a priority among its words, in any order."""

import re
from dataclasses import dataclass
from typing import Final

from todo_assistant.grammar.commands import NewTodo, Priority
from todo_assistant.grammar.due_spans import Readable, find_due

_QUOTED: Final = re.compile(r"\"[^\"]+\"|“[^”]+”|„[^“”]+[“”]")
_MASK: Final = "\ue000"
"""Stands for each quoted character: neither a letter of a date nor a space."""
TAG: Final = r"[#@](?=[\w-]*[^\W\d_])[\w-]{1,50}(?![\w-])"
"""`#home` and `@home`, not `#42`, which counts something, nor what is longer than a tag can be."""
_TAG: Final = re.compile(rf"(?<!\S)({TAG})[,.;!?]*(?!\S)")
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
    """What a line says. `title` is empty if it says nothing else than when, which tags and how urgent."""

    title: str
    due: str | None
    tags: tuple[str, ...]
    priority: Priority | None

    @property
    def has_signs(self) -> bool:
        return bool(self.due or self.tags or self.priority)


def read(line: str, readable: Readable) -> QuickAdd:
    """Of several dates the last day and the last time count, of several priorities the last; the others stay."""
    text = " ".join(line.split())
    masked = _QUOTED.sub(lambda quoted: _MASK * len(quoted[0]), text)
    due = find_due(masked, readable)
    places = list(due.places) if due else []
    masked = _blank(masked, places)
    tags = list(_TAG.finditer(masked))
    priorities = list(_PRIORITY.finditer(masked))[-1:]
    places += [found.span() for found in (*tags, *priorities)]
    return QuickAdd(
        title=_without(text, places),
        due=due.phrase if due else None,
        tags=tuple(dict.fromkeys(found[1][1:] for found in tags)),
        priority=_PRIORITIES[_level(priorities[0])] if priorities else None,
    )


def new_todo(line: str, readable: Readable) -> NewTodo:
    """The todo that a line describes, which always has a title: what is nothing but a date is one, too."""
    said = read(line, readable)
    # "remind me tomorrow to buy milk" leaves the "to" in front.
    title = re.sub(r"^to (?=\S)", "", said.title, flags=re.IGNORECASE) if said.due else said.title
    return NewTodo(title, said.due, said.tags, said.priority) if title else NewTodo(line)


def priority_named(name: str) -> Priority | None:
    """`high`, `p1` or `1`, in any case."""
    return _PRIORITIES.get(name.lower().removeprefix("!"))


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
