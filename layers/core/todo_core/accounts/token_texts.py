"""The texts of tokens: a prefix, 34 random characters, and 6 of a checksum by which secret scanners recognize them."""

from functools import cache
from hashlib import sha256
from re import ASCII, Pattern
from re import compile as compile_pattern
from secrets import choice
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Final
from zlib import crc32

_ALPHABET: Final = digits + ascii_uppercase + ascii_lowercase
_RANDOM_CHARACTERS: Final = 34
_CHECKSUM_CHARACTERS: Final = 6


def make_token(prefix: str, *, beginning: str = "") -> str:
    """Returns a new token with 202 random bits. With a `beginning`, this text is the first part of them."""
    text = beginning + "".join(choice(_ALPHABET) for _ in range(_RANDOM_CHARACTERS - len(beginning)))
    return f"{prefix}{text}{_compute_checksum(text)}"


def hash_token(prefix: str, token: str) -> bytes | None:
    """Returns the SHA-256 by which a token is stored. None for a text with another form or a wrong checksum."""
    match = _pattern(prefix).fullmatch(token)
    if match is None or _compute_checksum(match[1]) != match[2]:
        return None
    return sha256(token.encode()).digest()


@cache
def _pattern(prefix: str) -> Pattern[str]:
    """Returns the pattern of tokens with one of the few prefixes of this service."""
    characters = rf"([0-9A-Za-z]{{{_RANDOM_CHARACTERS}}})([0-9A-Za-z]{{{_CHECKSUM_CHARACTERS}}})"
    return compile_pattern(f"{prefix}{characters}", ASCII)


def _compute_checksum(text: str) -> str:
    """Returns the CRC-32 of a text as 6 digits to the base 62, the most significant one first."""
    rest, checksum = crc32(text.encode()), ""
    for _ in range(_CHECKSUM_CHARACTERS):
        rest, digit = divmod(rest, len(_ALPHABET))
        checksum = _ALPHABET[digit] + checksum
    return checksum
