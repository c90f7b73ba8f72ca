"""JSON Web Tokens by python-jose, with the HMAC of the standard library.

python-jose imports cryptography and rsa if they are installed, and else ecdsa. Without all three, a cold start takes
110 ms less, and HMAC signatures are the same.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Final


def _make_module(name: str, **attributes: object) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(attributes)
    return module


_STAND_INS: Final[Mapping[str, ModuleType | None]] = {
    "cryptography": None,
    "rsa": None,
    # python-jose cannot be imported without ecdsa, of which it needs these names for keys of elliptic curves only.
    "ecdsa": _make_module("ecdsa"),
    "ecdsa.ecdsa": _make_module("ecdsa.ecdsa", int_to_string=None),
    "jose.backends.ecdsa_backend": _make_module("jose.backends.ecdsa_backend", ECDSAECKey=None),
}
"""The modules that imports find while python-jose is imported. None makes an import fail."""


@contextmanager
def _stand_ins() -> Iterator[None]:
    """Replaces the modules during the block, except those that have been imported before."""
    replaced = {name: module for name, module in _STAND_INS.items() if name not in sys.modules}
    sys.modules |= replaced  # type: ignore[arg-type]  # None marks a module that cannot be imported
    try:
        yield
    finally:
        for name in replaced:
            del sys.modules[name]


with _stand_ins():
    from jose import JWTError, jwt

__all__ = ["JWTError", "jwt"]
