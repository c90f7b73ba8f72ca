"""The operator's commands in a terminal: `python -m functions.accounts --help`.

A new code or password is the only line on standard output. The exit status is 0 after success, and 1 if the command
failed or was not confirmed. It is 2 if arguments or settings must be corrected.
"""

import sys
from argparse import ArgumentParser, Namespace
from uuid import uuid4

from pydantic import ValidationError

from functions.accounts.app import describe, run
from functions.accounts.commands import Command
from todo_core import logs
from todo_core.database.embedded import EmbeddedServerError
from todo_core.errors import InvalidSettings, ServiceError
from todo_core.settings import load

FAILED = 1
WRONG_USAGE = 2


def main(arguments: list[str]) -> int:
    """Executes the command and returns the exit status."""
    options = _parse(arguments)
    try:
        settings = load()
        command = Command(**vars(options) | {"yes": True})
        if command.command == "close" and not (options.yes or _confirm(options.email)):
            return _fail("Nothing was deleted.", FAILED)
        logs.configure(settings, stream=sys.stderr)
        result = run(settings, command, request_id=str(uuid4()))
    except ValidationError as error:
        return _fail(describe(error), WRONG_USAGE)
    except InvalidSettings as error:
        return _fail(str(error), WRONG_USAGE)
    except (EmbeddedServerError, ServiceError) as error:
        return _fail(str(error), FAILED)
    secret = result.get("invite") or result.get("password")
    print(result["message"], file=sys.stderr if secret else sys.stdout)
    if secret:
        print(secret)  # noqa: T201 - the output of the command
    return 0


def _parse(arguments: list[str]) -> Namespace:
    parser = ArgumentParser("python -m functions.accounts", description="Manages accounts, for the operator.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    invite = commands.add_parser("invite", help="make an invite, for REGISTRATION=invite, and print its code")
    invite.add_argument("--days", type=int, default=7, help="days for which the invite is valid (default: 7)")
    invite.add_argument("email", nargs="?", metavar="EMAIL", help="the only email that may use it (default: any)")
    texts = {
        "reset-password": "set a temporary password for 24 hours, print it, and end all sessions",
        "reset-second-factor": "remove the app, passkeys and recovery codes of an account, and end all sessions",
        "end-sessions": "end all sessions of an account",
        "close": "delete an account with all its data",
    }
    for name, text in texts.items():
        command = commands.add_parser(name, help=text, description=text.capitalize() + ".")
        command.add_argument("email", metavar="EMAIL", help="the email of the account")
        if name == "close":
            command.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    return parser.parse_args(arguments)


def _confirm(email: str) -> bool:
    print(f"Delete the account {email} with all its data? [y/N] ", end="", file=sys.stderr, flush=True)  # noqa: T201
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _fail(sentence: str, status: int) -> int:
    print(sentence, file=sys.stderr)  # noqa: T201 - for the person at the terminal
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
