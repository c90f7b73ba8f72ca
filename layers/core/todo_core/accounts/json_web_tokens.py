"""JSON Web Tokens by python-jose, with the HMAC of the standard library.

python-jose imports cryptography and rsa if they are installed. Without them, a cold start takes 100 ms less, and HMAC
signatures are the same.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def _hidden(package: str) -> Iterator[None]:
    """Makes the first import of a package fail during the block, as if it were not installed."""
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment]  # marks a package that must not be imported
    try:
        yield
    finally:
        del sys.modules[package]


with _hidden("cryptography"), _hidden("rsa"):
    from jose import JWTError, jwt

__all__ = ["JWTError", "jwt"]
