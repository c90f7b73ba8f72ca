"""Finds text in quotes, which the grammar takes literally: no date or tag is parsed in it."""

import re
from typing import Final

MASK: Final = "\ue000"
"""Replaces each character in quotes. It is neither a letter nor a space, so words in quotes match no date or tag."""
_QUOTED: Final = re.compile(r"(?<!\S)'[^']{2,}'(?![\w'])|\"[^\"]+\"|“[^“”]+”|„[^„“”]+[“”]")
"""Matches text in single, straight, English or German quotes: `"read 1984"`."""


def mask_quotes(text: str) -> str:
    """Replaces each quoted character of the text, and the quotes, by MASK. The length stays the same."""
    return _QUOTED.sub(lambda quoted: MASK * len(quoted[0]), text)


def unquote(text: str) -> str:
    """Returns the text without its quotes if all of it is one quotation, else unchanged."""
    return text[1:-1].strip() if is_quoted(text) else text


def is_quoted(text: str) -> bool:
    """Returns whether the whole text is one quotation."""
    return _QUOTED.fullmatch(text) is not None


def split_outside_quotes(text: str, separator: str) -> list[str]:
    """Splits the text at each separator outside quotes, and drops blank parts.

    `separator` is a pattern that matches one character.
    """
    masked = mask_quotes(text)
    ends = [found.start() for found in re.finditer(separator, masked)]
    parts = [text[start:end] for start, end in zip([0, *(end + 1 for end in ends)], [*ends, len(text)], strict=True)]
    return [part.strip() for part in parts if part.strip()]
