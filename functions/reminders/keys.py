"""Makes the key of web push: `python -m functions.reminders.keys` prints the line for `.env` or a secret."""

from secrets import randbelow
from typing import Final

from todo_core.web_push_keys import GROUP_ORDER, PRIVATE_KEY_BYTES, encode

_VARIABLE: Final = "VAPID_PRIVATE_KEY"


def make_private_key() -> str:
    """Returns a random private key of the curve P-256, in base64url."""
    return encode((1 + randbelow(GROUP_ORDER - 1)).to_bytes(PRIVATE_KEY_BYTES))


if __name__ == "__main__":
    print(f"{_VARIABLE}={make_private_key()}")  # noqa: T201 - the output of the command
