"""The objects by which logins are checked, as routes get them."""

from typing import Annotated

from fastapi import Depends, Request

from todo_core.accounts.login_checks import LoginChecks
from todo_core.web.resources import get_resources


async def _current_checks(request: Request) -> LoginChecks:
    resources = get_resources(request)
    return LoginChecks.of(resources.settings, resources.password_checks)


CurrentChecks = Annotated[LoginChecks, Depends(_current_checks)]
