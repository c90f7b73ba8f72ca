"""Finds titles that the words of a sentence may mean, whatever the forms of their verbs: `paying rent`, `pay rent`."""

from typing import Final

from todo_assistant.commands.grammar.past_verbs import to_present
from todo_assistant.commands.matching import split_words

_MAX_WORDS: Final = 40
"""Words of a sentence and of a title that are compared."""
_MIN_STEM_CHARACTERS: Final = 3
_ENDINGS: Final = ("ing", "ed", "es", "s")
_SMALL_WORDS: Final = frozenset(
    """
    to for of in on at by with from and or is are was were be been it this that i you he she we they me up out off
    not do does did done has have had no so too very
    """.split()  # noqa: SIM905 - one word per item would take 40 lines
)
"""Words that no title is recognized by."""


class RelatedMatcher:
    """Decides whether a title is a part of a sentence, or has all words of the subject of the sentence."""

    def __init__(self, line: str, subject: str) -> None:
        self._line = _find_stems(line)
        self._subject = _find_stems(subject)

    def fits(self, title: str) -> bool:
        """Returns whether the title is related. Small words such as `to` make no difference."""
        stems = _find_stems(title)
        return bool(stems) and (stems <= self._line or (bool(self._subject) and self._subject <= stems))


def _find_stems(text: str) -> set[str]:
    return {_find_stem(word) for word in split_words(text)[:_MAX_WORDS] if word not in _SMALL_WORDS and word}


def _find_stem(word: str) -> str:
    """Returns the same text for the forms of a regular verb and of a noun: `pay` for `pays`, `paid` and `paying`."""
    stem = to_present(word)
    for ending in _ENDINGS:
        if stem.endswith(ending) and len(stem) - len(ending) >= _MIN_STEM_CHARACTERS:
            stem = stem.removesuffix(ending)
            break
    if len(stem) > _MIN_STEM_CHARACTERS and stem[-1] == stem[-2]:
        stem = stem[:-1]
    stem = stem.removesuffix("e") if len(stem) > _MIN_STEM_CHARACTERS else stem
    return f"{stem[:-1]}i" if stem.endswith("y") else stem
