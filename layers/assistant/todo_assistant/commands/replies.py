"""Reads a message as the reply to a question with numbered options: `2`, `the second`, `1 and 3`, `all`, `none`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from todo_assistant.commands.matching import TitleMatcher
from todo_assistant.models.messages import Option, Question
from todo_assistant.phrases.languages.replies import translate_reply
from todo_assistant.turns.plain_answers import read_plain_answer

_MAX_CHARACTERS: Final = 200
_ORDINALS: Final = (
    *("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"),
    *("eleventh", "twelfth"),
)
_CARDINALS: Final = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_NUMBER: Final = re.compile(r"(?:number |no\.? ?|option |#)?(\d{1,3})(?:st|nd|rd|th)?[.)]?(?: one)?", re.IGNORECASE)
_SPAN: Final = re.compile(r"(\d{1,3}) ?(?:-|\u2013|to) ?(\d{1,3})", re.IGNORECASE)
_SEPARATOR: Final = re.compile(r"\s*(?:,|;|&|\+|\band\b)\s*", re.IGNORECASE)
_LEAD_IN: Final = re.compile(r"(?:(?:i mean|i meant|only|just|take|the|please|option|yes) )+", re.IGNORECASE)
_ALL: Final = re.compile(
    r"(?:all|both|every(?:thing|one)?|each)(?: (?:of )?(?:them|these|those|of it))?", re.IGNORECASE
)
_NONE: Final = re.compile(
    r"(?:none|neither|nothing|not (?:this|that)|no one)(?: (?:of )?(?:them|these|those|that))?", re.IGNORECASE
)

_WITHOUT_NOUN: Final = re.compile(r" (?:one|ones|to-?do|task)$", re.IGNORECASE)
"""Finds the noun at the end of `the oat milk one`, which is no word of the title."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The options that the user chose, at least one."""

    options: Sequence[Option]


@dataclass(frozen=True, slots=True)
class Declined:
    """The user wants none of the options."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """A reply that does not say which options are meant. `answer` asks again; the question stays open."""

    answer: str


def read_reply(message: str, question: Question) -> Chosen | Declined | Unclear | None:
    """Returns the meaning of a message that is nothing but a reply, or None for any other message."""
    words = _trim(message)
    if not words or len(words) > _MAX_CHARACTERS:
        return None
    words = translate_reply(words) or words
    consent = read_plain_answer(words)
    if consent is False or _NONE.fullmatch(words):
        return Declined()
    if consent is True:
        return _choose_first(question)
    if _ALL.fullmatch(words):
        return _choose_all(question)
    numbers = _read_numbers(words)
    return _choose_numbers(numbers, question) if numbers else None


def choose_by_words(message: str, question: Question) -> Chosen | Unclear | None:
    """Returns the option whose label contains all words of a message, or None if no label does."""
    words = _WITHOUT_NOUN.sub("", _trim(message)) or _trim(message)
    if not words or len(words) > _MAX_CHARACTERS:
        return None
    matcher = TitleMatcher(words)
    options = [option for option in question.options if option.todo_id is not None]
    equal = [option for option in options if matcher.is_equal(_title_of(option))]
    fitting = equal or [option for option in options if matcher.fits(option.label)]
    if len(fitting) == 1:
        return Chosen(fitting)
    return Unclear("Which one do you mean? Type its number.") if fitting else None


def _trim(message: str) -> str:
    return " ".join(message.split()).rstrip(".!? ").removesuffix(" please")


def _choose_first(question: Question) -> Chosen | Unclear:
    """Returns the option that `yes` means: the only one, or the first of a question that takes `yes`."""
    if len(question.options) == 1 or question.takes_yes:
        return Chosen(question.options[:1])
    return Unclear("Which one do you mean? Type its number.")


def _choose_all(question: Question) -> Chosen | Unclear:
    todos = [option for option in question.options if option.todo_id is not None]
    if len(question.options) == 1:
        return Chosen(question.options)
    if question.takes_many and todos:
        return Chosen(todos)
    return Unclear("Please choose one of them: type its number.")


def _read_numbers(words: str) -> list[int]:
    """Returns the numbers in a reply, -1 for the last option. Returns an empty list if it has other words, too."""
    if span := _SPAN.fullmatch(words):
        return list(range(int(span[1]), int(span[2]) + 1))
    numbers = []
    for part in _SEPARATOR.split(words):
        number = _read_number(_LEAD_IN.sub("", part, count=1) if _LEAD_IN.match(part) else part)
        if number is None:
            return []
        numbers.append(number)
    return numbers


def _read_number(words: str) -> int | None:
    if found := _NUMBER.fullmatch(words):
        return int(found[1])
    word = re.sub(r" (?:one|option|todo|task)$", "", words.lower())
    if word in ("last", "last one"):
        return -1
    for names in (_ORDINALS, _CARDINALS):
        if word in names:
            return names.index(word) + 1
    return None


def _choose_numbers(numbers: Sequence[int], question: Question) -> Chosen | Unclear:
    options = question.options
    missing = next((number for number in numbers if number != -1 and not 1 <= number <= len(options)), None)
    if missing is not None:
        return Unclear(f"There is no number {missing}. Type a number from 1 to {len(options)}, or `none`.")
    chosen = [options[number - 1 if number > 0 else number] for number in dict.fromkeys(numbers)]
    if len(chosen) > 1 and not (question.takes_many and all(option.todo_id for option in chosen)):
        return Unclear("Please choose one of them: type its number.")
    return Chosen(chosen)


def _title_of(option: Option) -> str:
    """Returns the quoted title in the label of an option: `milk` for `“milk”, due Friday 4 January 2030`."""
    return option.label.partition("”")[0].removeprefix("“")
