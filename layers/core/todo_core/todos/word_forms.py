"""Splits a text into words, each with its English singular and plural forms, to search for whole words of titles."""

import re
from typing import Final

_MAX_WORDS: Final = 30
_SEPARATORS: Final = re.compile(r"""[\s!-/:-@\[-`{-~]+""")
"""White space and the ASCII punctuation at which the search index splits words too."""
_MIN_PLURAL_CHARACTERS: Final = 4
"""The shortest word that may be a plural: `eggs`, but not `bus`."""


def split_words(text: str) -> list[str]:
    """Returns the first 30 different words of a text, in lower case. A text of punctuation alone is one word."""
    words = (word for word in _SEPARATORS.split(text.lower()) if word)
    return list(dict.fromkeys(words))[:_MAX_WORDS] or [text]


def number_forms(word: str) -> list[str]:
    """Returns the word, and the words of which it may be the singular or the plural, in lower case.

    Some of the forms may be no words, as in `carpetes`.
    """
    forms = [word, f"{word}s", f"{word}es"]
    if word.endswith("y"):
        forms.append(f"{word[:-1]}ies")
    if len(word) >= _MIN_PLURAL_CHARACTERS and word.endswith("s") and not word.endswith("ss"):
        forms.append(word[:-1])
        if word.endswith("es"):
            forms.append(word[:-2])
        if word.endswith("ies"):
            forms.append(f"{word[:-3]}y")
    return list(dict.fromkeys(forms))
