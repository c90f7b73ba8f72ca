"""Writes the 10,000 most common passwords that are long enough for an account, most common first.

The list is that of zxcvbn (MIT licence), which counted the passwords of published leaks. A generated file, because the
service needs nothing else of that package.
"""

import unicodedata
from pathlib import Path
from typing import Final

from zxcvbn.frequency_lists import FREQUENCY_LISTS

from todo_core.accounts.models import MIN_PASSWORD_CHARACTERS

TARGET: Final = Path(__file__).parents[1] / "layers/core/todo_core/accounts/common_passwords.txt"
_COUNT: Final = 10_000


def list_common_passwords() -> list[str]:
    """Returns the passwords in the form in which they are compared: case-folded, NFC.

    The list skips passwords of fewer than 8 characters, which registration refuses anyway.
    """
    folded = (unicodedata.normalize("NFC", password.casefold()) for password in FREQUENCY_LISTS["passwords"])
    return list(dict.fromkeys(password for password in folded if len(password) >= MIN_PASSWORD_CHARACTERS))[:_COUNT]


if __name__ == "__main__":
    TARGET.write_text("\n".join(list_common_passwords()) + "\n")
