"""The base class of values that contain a secret."""

from typing import override

from msgspec import Struct


class SecretValue(Struct, frozen=True):
    """A value with a secret. Its repr shows no field, so that no log or error message does."""

    @override
    def __repr__(self) -> str:
        return f"{type(self).__name__}()"
