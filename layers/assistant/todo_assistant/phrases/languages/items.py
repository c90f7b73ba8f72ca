"""Finds the words of one language in a line, as items. Patterns of their kinds, which are letters, describe dates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from todo_assistant.phrases.languages.lexicon import Lexicon, Meaning, Words
from todo_assistant.phrases.languages.tokens import Token

KINDS: Final = {
    "day": "D",
    "weekday": "W",
    "weak_weekday": "w",
    "plural": "P",
    "month": "M",
    "unit": "U",
    "hour_unit": "V",
    "in": "i",
    "in_after": "f",
    "at": "a",
    "clock": "c",
    "hour_noun": "h",
    "part": "p",
    "weak_part": "q",
    "next": "x",
    "this": "t",
    "every": "e",
    "every_counted": "v",
    "other": "2",
    "recurrence": "R",
    "on": "o",
    "on_after": "k",
    "by": "b",
    "before": "B",
    "after": "S",
    "noon": "N",
    "weekend": "E",
    "workday": "K",
    "and": "&",
    "ordinal_word": "J",
    "of_month": "m",
    "date_noun": "y",
    "of": "g",
    "break": "|",
    "iso": "I",
    "time": "T",
    "hour": "H",
    "dotted": "d",
    "numeric": "Z",
    "ordinal": "O",
    "year": "Y",
    "number": "n",
    "field": "#",
    "word": "?",
    "comma": ",",
    "mark": "!",
}
"""The letter of each kind of item: the tables of a file of words, then the kinds of other tokens."""
_SHARED_WITH_ENGLISH: Final = frozenset(
    """
    agosto all april august car char chi com come con das del den der des die dom due fin final fine hai hier
    los mai main mar marco mars mas media midi min minute minutes moment noon november october once or par para
    peer per plus por port pour que sat sept september sera sim sin six son sun sur tag teen tire todo todos tonight
    una uni use weekend
    """.split()  # noqa: SIM905 - many quoted strings are harder to read
)
"""Words of other languages that are no evidence against English."""
_MIN_EVIDENCE_CHARACTERS: Final = 3


@dataclass(frozen=True, slots=True)
class Item:
    """A word or a fixed phrase of the language, with its English value, or another token with its own text."""

    kind: str
    value: str
    start: int
    end: int
    evidence: int = 0
    """The number of its words that show that the text is not English."""


def find_items(text: str, tokens: Sequence[Token], lexicon: Lexicon) -> list[Item]:
    """Returns the items of a text, from left to right: at each place the longest phrase of the language.

    `text` is the text as typed; `tokens` are those of the folded text.
    """
    texts = tuple(token.text for token in tokens)
    items: list[Item] = []
    position = 0
    while position < len(tokens):
        length, meaning = _match(texts, position, lexicon)
        matched = tokens[position : position + max(1, length)]
        first, last = matched[0], matched[-1]
        if meaning is None:
            items.append(Item(KINDS[first.kind], first.text, first.start, first.end))
        else:
            evidence = sum(is_evidence(token, text) for token in matched)
            items += (
                Item(KINDS[kind], value, first.start, last.end, 0 if index else evidence)
                for index, (kind, value) in enumerate(meaning)
            )
        position += len(matched)
    return items


def _match(texts: Words, position: int, lexicon: Lexicon) -> tuple[int, Meaning | None]:
    """Returns the number of words of the longest phrase at a position, and its meaning; 0 and None without one."""
    for words, meaning in lexicon.meanings.get(texts[position], ()):
        if texts[position : position + len(words)] == words:
            return len(words), meaning
    return 0, None


def is_evidence(token: Token, text: str) -> bool:
    """Returns whether a word of a fixed phrase shows the language: it has an accent, or is long and no English word."""
    if not text[token.start : token.end].isascii():
        return True
    is_word = token.kind == "word" and len(token.text) >= _MIN_EVIDENCE_CHARACTERS
    return is_word and token.text not in _SHARED_WITH_ENGLISH
