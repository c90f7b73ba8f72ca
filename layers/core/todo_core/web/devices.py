"""The device cookie, by which a browser shows that it has signed in to an account before."""

from typing import Final

from fastapi import Request, Response

from todo_core.accounts.devices import DEVICE_SECONDS
from todo_core.web.identity import set_cookie

DEVICE_COOKIE: Final = "device_token"


def find_device_token(request: Request) -> str | None:
    return request.cookies.get(DEVICE_COOKIE)


def set_device_cookie(response: Response, request: Request, token: str) -> None:
    """Sets the device cookie, which lasts for a year. Neither logout nor a password change clears it."""
    set_cookie(response, request, DEVICE_COOKIE, token, seconds=DEVICE_SECONDS)
