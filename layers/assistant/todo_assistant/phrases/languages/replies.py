"""Translates short replies to a question, such as `alle` or `la segunda`, to English."""

import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final

from todo_assistant.phrases.languages.lexicon import LANGUAGES, load_lexicon, split_list, split_variants
from todo_assistant.phrases.languages.tokens import fold, fold_words, split_tokens

_MAX_REPLY_CHARACTERS: Final = 60
_MAX_NUMBER_DIGITS: Final = 4
LAST: Final = "-1"
"""The number of the last todo in a list."""
_LAST_AND_ORDINALS: Final = {LAST: "the last one"} | {
    str(number): f"the {ordinal}"
    for number, ordinal in enumerate(
        ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"), start=1
    )
}
"""English words for the numbers in a list that have ordinals."""


def translate_reply(reply: str) -> str | None:
    """Returns a reply in English: `all`, `none`, `the second`, or numbers such as `1 and 3`.

    Returns None for English and for all other text.
    """
    if len(reply) > _MAX_REPLY_CHARACTERS:
        return None
    words = [token.text for token in split_tokens(fold(unicodedata.normalize("NFC", reply))) if token.text[0].isalnum()]
    if fixed := _fixed_replies().get(" ".join(words)):
        return fixed
    if listed := next(filter(None, (_translate_numbers(words, language) for language in LANGUAGES)), None):
        return listed
    number = read_list_number(" ".join(words))
    return _LAST_AND_ORDINALS.get(number, number) if number else None


def read_list_number(words: str) -> str | None:
    """Returns the number in a list that words in any language mean: `2` for `die zweite` or `nummer 2`.

    Returns `-1` for the last, and None for other words.
    """
    folded = fold_words(words)
    for language in LANGUAGES:
        rest = _drop_articles(folded, language)
        if len(rest) == 1 and (number := _ordinals(language).get(rest[0])):
            return number
        if len(rest) == 1 and rest != folded and rest[0].isdigit() and len(rest[0]) <= _MAX_NUMBER_DIGITS:
            return rest[0]
    return None


@cache
def _fixed_replies() -> dict[str, str]:
    """Returns the English reply by the folded words of each reply in any language."""
    return {
        " ".join(fold_words(phrase)): english
        for language in LANGUAGES
        for english in ("all", "none")
        for phrase in split_list(load_lexicon(language).replies[english])
    }


@cache
def _ordinals(language: str) -> dict[str, str]:
    """Returns the number in a list by each folded ordinal of a language, and -1 for the last."""
    replies = load_lexicon(language).replies
    numbered = enumerate(split_variants(replies["ordinals"]), start=1)
    ordinals = {word: str(number) for number, variants in numbered for word in _fold_all(variants)}
    return ordinals | dict.fromkeys(_fold_all(replies["last"].split(",")), LAST)


def _fold_all(words: Sequence[str]) -> Iterator[str]:
    return (" ".join(fold_words(word)) for word in words)


def _drop_articles(words: tuple[str, ...], language: str) -> tuple[str, ...]:
    return words[1:] if len(words) > 1 and words[0] in _folded_list(language, "articles") else words


@cache
def _folded_list(language: str, key: str) -> frozenset[str]:
    return frozenset(_fold_all(split_list(load_lexicon(language).replies[key])))


def _translate_numbers(words: Sequence[str], language: str) -> str | None:
    """Returns `1 and 3` for `1 und 3`, or None if other words than numbers and the language's `and` are among them."""
    ands = _folded_list(language, "and")
    numbers = [word for word in words if word.isdigit()]
    is_list = bool(numbers) and set(words) - set(numbers) == ands & set(words) and len(numbers) < len(words)
    return " and ".join(numbers) if is_list else None
