"""Parses words that describe a group of todos: `all high priority tasks in Work`, `everything due this week`."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from todo_assistant.commands.grammar.commands import Filter
from todo_assistant.commands.grammar.fields import TAG, TODO_NOUN, parse_priority, parse_project_name
from todo_assistant.commands.grammar.periods import DONE_VERB, read_past, read_period
from todo_assistant.commands.grammar.quick_add import NOT_AN_ARTICLE, parse_quick_add
from todo_assistant.commands.grammar.quotes import unquote
from todo_assistant.commands.grammar.spans import IsReadable
from todo_assistant.phrases.recurrences import is_recurrence_phrase
from todo_assistant.phrases.vocabulary import WEEKDAY

type _Read = Callable[[Filter, re.Match[str]], Filter | None]
"""Returns the filter with the field of a clause, or None if the words of the clause mean something else."""

_WHICH: Final = r"(?:(?:that|which|who) )?(?:(?:are|is|were|was)(?: (?:still|currently|now|already))? )?"
_TAGGED: Final = re.compile(
    rf"(?<!\S){_WHICH}(?:(?:tagged|labell?ed)(?: (?:as|with))?|(?:with|having|under) (?:the )?(?:tags?|labels?))"
    r" [#@]?(?P<tag>[\w-]{1,50})$|(?<!\S)(?:with|having) (?:the |a )?(?P<before>[\w-]{1,50}) (?:tag|label)$",
    re.IGNORECASE,
)
"""Finds a tag without `#` at the end of the words: `tagged home`, `with the tag home`, `with the home tag`."""
_TAG_WORD: Final = re.compile(rf"(?<!\S){TAG}(?!\S)")
"""Finds a tag as a word of its own: `#home`."""
_BEFORE_TAG: Final = re.compile(r"\s*\b(?:tagged|labell?ed|tags?|with|in)$", re.IGNORECASE)
_ALL: Final = re.compile(
    r"(?:for |me\b ?)?(?:all|everything|anything|(?:every|each|any)(?= (?:single |other )?(?:one\b"
    rf"|{TODO_NOUN}\b|open|done|completed"
    rf"|overdue|high|low|medium|urgent)))\b(?: single| other)?"
    r"(?: (?:of|the|my|our|those|these))*(?: |$)",
    re.IGNORECASE,
)
"""Matches the words that mean several todos: `all`, `everything`, `all of my`."""
_OWN_TASKS: Final = re.compile(
    rf"\b(today|tomorrow|yesterday|this week|next week|{WEEKDAY})\W?s ({TODO_NOUN}|list)(?!\S)", re.IGNORECASE
)
"""Finds a day before its todos: `today's tasks`."""
_REMAINDER: Final = re.compile(
    r"^(?:(?:only|just|about|called|named|containing|and|or|for)(?: |$))+|(?:^| )(?:for|from|of|on|in|at|and|or|with)$",
    re.IGNORECASE,
)
"""Finds words that are left over around the fields of a group: `from` of `from monday`, `about` in `about milk`."""
_DETERMINER: Final = re.compile(r"(?:for |me\b ?)?(?:only |just )?(?:(?:of )?(?:the|my|our)\b ?)?", re.IGNORECASE)
_NOUNS: Final = rf"(?:{TODO_NOUN}|(?:(?:whole|entire|full|complete) )?(?:to-?do )?list|stuff)"
_PLURAL: Final = re.compile(r"(?:to-?dos|tasks|items|things|ones|entries|lists?|stuff)$", re.IGNORECASE)
_NOUN_START: Final = re.compile(rf"{_NOUNS}(?!\S) ?", re.IGNORECASE)
_NOUN_END: Final = re.compile(rf"(?:^| )(?:{TODO_NOUN}|stuff)$", re.IGNORECASE)
_STATES: Final[dict[str, bool]] = {
    **dict.fromkeys(("done", "completed", "complete", "finished", "closed", "ticked", "checked"), True),
    **dict.fromkeys(
        ("open", "pending", "unfinished", "incomplete", "outstanding", "active", "remaining", "uncompleted", "undone"),
        False,
    ),
}
_PRIORITY_WORDS: Final = {"urgent": "high", "important": "high", "most important": "high", "top": "high"}
_ADJECTIVE: Final = re.compile(
    rf"(?P<state>{'|'.join(_STATES)})|(?P<overdue>overdue|late|past due)|(?P<undated>undated|unscheduled|dateless)"
    r"|(?P<trashed>trashed|deleted|trash|bin)|(?P<priority>high|medium|low|p[1-4]|top|most important|urgent|important)"
    r"(?:[ -]prio(?:rity)?)?",
    re.IGNORECASE,
)
"""Matches a word for a state, a date or a priority before a noun: `overdue` in `overdue tasks`."""


@dataclass(frozen=True, slots=True)
class Group:
    """The filter that words describe. Its `text` holds the words that are no part of a description."""

    filter: Filter
    has_all: bool
    """True if the words begin with `all`, `everything` or the like."""
    is_plural: bool
    """True if the words have a noun for several todos, such as `tasks`, or an adjective such as `overdue`."""


def parse_group(words: str, is_readable: IsReadable) -> Group:
    """Returns the group that the words describe. Any words are a group: others than its own become its `text`."""
    rest, has_all = _cut_all(_OWN_TASKS.sub(r"\2 for \1", words))
    found = Filter()
    for pattern, read in _CLAUSES:
        if (clause := pattern.search(rest)) and (filtered := read(found, clause)):
            found, rest = filtered, _cut(rest, clause)
    rest, tags = take_tags(rest)
    rest, period = read_period(rest)
    # Takes no recurrences out of the text: todos cannot be searched by them, so `weekly` stays a search word.
    parsed = parse_quick_add(rest, lambda phrase: not is_recurrence_phrase(phrase) and is_readable(phrase))
    due = period or read_bound(rest, parsed.due)
    found = replace(
        found,
        tags=tuple(dict.fromkeys((*tags, *parsed.tags))),
        priority=parsed.priority,
        due=due,
        project=parsed.project or found.project,
    )
    group = _read_words(parsed.title, found, has_all=has_all)
    is_past = group.filter.completed and due and not re.search(r"\bdue\b", words, re.IGNORECASE)
    return replace(group, filter=replace(group.filter, completed_on=due, due=None)) if is_past else group


def take_tags(words: str) -> tuple[str, tuple[str, ...]]:
    """Returns the words without tags, and the names of the tags: `home` for `#home` or `tagged home`."""
    tags = [found[1:] for found in _TAG_WORD.findall(words)]
    rest = " ".join(_TAG_WORD.sub("", words).split())
    if tagged := _TAGGED.search(rest):
        tags.append(tagged["tag"] or tagged["before"])
        rest = rest[: tagged.start()].strip()
    elif tags:
        rest = _BEFORE_TAG.sub("", rest)
    return rest, tuple(dict.fromkeys(tags))


def read_bound(words: str, due: str | None) -> str | None:
    """Returns the due phrase with `until` or `after` if the words before it say so: `until friday` for `by friday`."""
    if due is None:
        return None
    before = words[: words.find(due)].rstrip().lower() if due in words else ""
    if before.endswith((" by", " before", " until", " till")) or before in {"by", "before", "until", "till"}:
        return f"until {due}"
    return f"after {due}" if before.endswith((" after", " since")) or before in {"after", "since"} else due


def _cut_all(words: str) -> tuple[str, bool]:
    found = _ALL.match(words)
    return (words[found.end() :], True) if found else (words, False)


def _cut(words: str, found: re.Match[str]) -> str:
    return " ".join(f"{words[: found.start()]} {words[found.end() :]}".split())


def _read_words(words: str, found: Filter, *, has_all: bool) -> Group:
    """Reads the adjectives and nouns around a text, and the project at its end."""
    rest = words[_match_end(_DETERMINER, words) :]
    rest, found, has_adjective = _read_adjectives(rest, found)
    noun = _NOUN_START.match(rest)
    rest = rest[noun.end() :] if noun else rest
    ending = _NOUN_END.search(rest)
    rest = rest[: ending.start()] if ending else rest
    if noun or has_all or found != Filter():
        rest = _REMAINDER.sub("", rest)
    nouns = [match[0].strip() for match in (noun, ending) if match]
    if (project := _PROJECT_END.fullmatch(rest)) and (project["text"] is None or has_all):
        rest, found = (project["text"] or "").strip(), replace(found, project=_project_of(project))
    is_plural = has_adjective or any(_PLURAL.search(each) for each in nouns)
    return Group(replace(found, text=unquote(rest) or None), has_all=has_all, is_plural=is_plural)


def _match_end(pattern: re.Pattern[str], words: str) -> int:
    found = pattern.match(words)
    return found.end() if found else 0


def _read_adjectives(words: str, found: Filter) -> tuple[str, Filter, bool]:
    """Returns the words after their adjectives, the filter with them, and whether an adjective is a state or date."""
    has_adjective = False
    while (adjective := _ADJECTIVE.match(words)) and re.match(r",? |$", words[adjective.end() :]):
        found = _apply_adjective(found, adjective)
        has_adjective = has_adjective or not adjective["priority"]
        words = words[adjective.end() :].lstrip(", ")
    return words, found, has_adjective


def _apply_adjective(found: Filter, adjective: re.Match[str]) -> Filter:
    """Returns the filter with the field that an adjective such as `overdue` means."""
    if state := adjective["state"]:
        return replace(found, completed=_STATES[state.lower()])
    if priority := adjective["priority"]:
        name = _PRIORITY_WORDS.get(priority.lower(), priority)
        return replace(found, priority=parse_priority(name))
    return replace(
        found,
        overdue=found.overdue or bool(adjective["overdue"]),
        undated=found.undated or bool(adjective["undated"]),
        trashed=found.trashed or bool(adjective["trashed"]),
    )


def _project_of(found: re.Match[str]) -> str:
    return parse_project_name(unquote(found["project"]))


def _read_parent(found: Filter, clause: re.Match[str]) -> Filter:
    return replace(found, parent=unquote(clause["parent"].strip()))


def _read_project(found: Filter, clause: re.Match[str]) -> Filter:
    return replace(found, project=unquote(clause["after"] or clause["before"]))


def _read_nothing(found: Filter, _: re.Match[str]) -> Filter:
    return found


def _read_trash(found: Filter, _: re.Match[str]) -> Filter:
    return replace(found, trashed=True)


def _read_undated(found: Filter, _: re.Match[str]) -> Filter:
    return replace(found, undated=True)


def _read_completed(found: Filter, clause: re.Match[str]) -> Filter | None:
    """Reads `that i finished yesterday`. Returns None if the words after the verb are no past day or span."""
    when = (clause["when"] or clause["past"] or "").strip()
    day = read_past(when)
    return replace(found, completed=True, completed_on=day) if day or not when else None


def _read_not_completed(found: Filter, _: re.Match[str]) -> Filter:
    return replace(found, completed=False)


def _read_predicate(found: Filter, clause: re.Match[str]) -> Filter | None:
    adjective = _ADJECTIVE.fullmatch(clause["adjective"])
    return _apply_adjective(found, adjective) if adjective else None


_PROJECT_END: Final = re.compile(
    r"(?P<text>.+? )?(?:in|from|of|on|inside) (?!(?:my|the|this|that) list$|it$|general$|total$"
    r"|here$)(?:the |my |our )?"
    r"(?P<project>\"[^\"]+\"|\S.{0,99}?)(?: project)?",
    re.IGNORECASE,
)
"""Matches words that end with a project: `in Work`, `reports in the Work project`, `on the shopping list`."""
_CLAUSES: Final[tuple[tuple[re.Pattern[str], _Read], ...]] = tuple(
    (re.compile(pattern, re.IGNORECASE), read)
    for pattern, read in (
        (
            rf"(?<!\S)(?:sub-?{TODO_NOUN}|steps|children|child {TODO_NOUN}) (?:of|under|for|in|from) (?P<parent>\S.*)$",
            _read_parent,
        ),
        (rf"(?<!\S){_WHICH}(?:under|below|inside of) {NOT_AN_ARTICLE}(?P<parent>\S.*)$", _read_parent),
        (
            (
                r"(?<!\S)(?:in|from|of|on|to) (?:my|the|this|that) (?:to-?do )?(?:list|agenda|plate|tasks"
                r"|to-?dos)(?!\S)"
            ),
            _read_nothing,
        ),
        (r"(?<!\S)(?:in|from|of) (?:the |my )?(?:trash|(?:recycle )?bin|rubbish)(?!\S)", _read_trash),
        (
            (
                rf"(?<!\S)(?:(?:in|from|of|on|for) )?(?:the |my )?project (?!{TODO_NOUN}$)(?P<after>\S.{0, 99})$"
                r"|(?<!\S)(?:in|from|of|on) (?:the |my )?(?P<before>\S.{0,99}) project$"
            ),
            _read_project,
        ),
        (
            (
                rf"(?<!\S){_WHICH}(?:(?:without|lack(?:ing)?|miss(?:ing)?|do(?:es)?(?:n\W?t| not) have)"
                r" (?:an?y? |the )?|(?:(?:with|have|has|having) )?no )(?:due )?(?:dates?|deadlines?)(?!\S)"
                rf"|(?<!\S){_WHICH}(?:not|isn\W?t|aren\W?t) (?:dated|scheduled)(?!\S)"
            ),
            _read_undated,
        ),
        (
            (
                rf"(?<!\S){_WHICH}(?:not (?:yet )?(?:done|completed?|finished)|un(?:finished|completed))(?: yet)?(?!\S)"
                r"|(?<!\S)(?:i|we) (?:still )?(?:have(?:n\W?t| not)|did(?:n\W?t| not)|need to|have to|must|should)"
                r" (?:done|do|finish(?:ed)?|complete[d]?)(?: yet)?$"
            ),
            _read_not_completed,
        ),
        (
            (
                rf"(?<!\S)(?:(?:that|which) )?(?:i|we)(?:\W?ve| have| had)?(?: (?:just|already))? {DONE_VERB}"
                rf"(?: off)?(?P<when> .*)?$|(?<!\S){_WHICH}(?:done|completed|finished|closed|ticked off|checked off)"
                r"(?P<past> .+)$"
            ),
            _read_completed,
        ),
        (
            (
                r"(?<!\S)(?:(?:that|which) )?(?:are|is|\W?s)(?: (?:still|currently|now|already))?"
                rf" (?P<adjective>{_ADJECTIVE.pattern})$"
            ),
            _read_predicate,
        ),
    )
)
"""Clauses of a description, each with the function that reads it into the filter."""
