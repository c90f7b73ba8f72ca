"""Executes a command of the operator: as a Lambda function, or by `python -m functions.accounts`.

Invoke the function with a JSON event such as `{"command": "invite", "email": "ada@example.com", "days": 7}`.
"""

import asyncio
from typing import Protocol

from pydantic import ValidationError

from functions.accounts.commands import Command, Result, execute
from todo_core import logs
from todo_core.accounts.audit import Caller
from todo_core.database.command import connect_for_command
from todo_core.errors import ServiceError
from todo_core.settings import Settings, load

_ADDRESS = "operator"
"""The address of the operator in audit events: a command comes from no client address."""


class Invocation(Protocol):
    """The part of Lambda's context object that `handler` uses."""

    @property
    def aws_request_id(self) -> str: ...


def run(settings: Settings, command: Command, *, request_id: str) -> Result:
    """Executes the command. Raises EmbeddedServerError, and the errors of `commands.execute`."""
    return asyncio.run(_run(settings, command, Caller(_ADDRESS, request_id)))


async def _run(settings: Settings, command: Command, caller: Caller) -> Result:
    async with connect_for_command(settings.database, settings.data_folder / "postgres") as db:
        return await execute(db, settings, caller, command)


def handler(event: object, context: Invocation) -> Result:
    """Executes the command in the event on Lambda. Returns its result, or `{"error": ...}` with a sentence."""
    settings = load()
    logs.configure(settings)
    logs.correlate(function_request_id=context.aws_request_id)
    try:
        return run(settings, Command.model_validate(event), request_id=context.aws_request_id)
    except ValidationError as error:
        return {"error": describe(error)}
    except ServiceError as error:
        return {"error": str(error)}


def describe(error: ValidationError) -> str:
    """Returns a sentence for each invalid field of a command."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    return " ".join(f"{': '.join([*map(str, fault['loc']), fault['msg']])}." for fault in faults)
