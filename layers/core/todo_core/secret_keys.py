"""An estimate of how hard a secret key is to guess."""

from itertools import pairwise
from math import log2
from typing import Final

_ROWS: Final = ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm")
_NEIGHBOURS: Final = {pair for row in _ROWS for text in (row, row[::-1]) for pair in pairwise(text)}
"""Keys that lie side by side on a keyboard."""


def estimate_bits(key: str) -> float:
    """Returns the bits of a random text with as many different and as many unpredictable characters as the key.

    A character is predictable if it repeats the one before, or follows it in the alphabet or on the keyboard. So is the
    last of three characters that have occurred before. A random key of 32 hexadecimal digits has about 100 bits.
    """
    seen: set[str] = set()
    unpredictable = 0
    lower = key.lower()
    for index, (before, character) in enumerate(pairwise(f" {lower}")):
        last = lower[max(index - 2, 0) : index + 1]
        is_step = abs(ord(before) - ord(character)) <= 1 or (before, character) in _NEIGHBOURS
        unpredictable += not is_step and last not in seen
        seen.add(last)
    return unpredictable * log2(max(len(set(key)), 1))
