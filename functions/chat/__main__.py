"""Checks the configured language model: `python -m functions.chat check`.

Prints the findings. The exit status is 0 if the model works, 1 if not, and 2 if settings must be corrected.
"""

import asyncio
import logging
import sys

from functions.chat.check import WORKS, WRONG_SETTINGS, check
from todo_core.errors import InvalidSettings
from todo_core.settings import load


def main(arguments: list[str]) -> int:
    """Runs the check and returns its exit status."""
    if arguments != ["check"]:
        print("Usage: python -m functions.chat check", file=sys.stderr)  # noqa: T201 - for the person at the terminal
        return WRONG_SETTINGS
    # The report repeats what the log would say.
    logging.disable(logging.WARNING)
    try:
        report = asyncio.run(check(load()))
    except InvalidSettings as error:
        print(error, file=sys.stderr)  # noqa: T201 - for the person at the terminal
        return WRONG_SETTINGS
    ending = "The assistant can use this model." if report.status == WORKS else "The assistant cannot use this model."
    print(*report.lines, ending, sep="\n")  # noqa: T201 - for the person at the terminal
    return report.status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
