"""The caller of a request, as rate limits and audit events need it."""

from fastapi import Request

from todo_core.accounts.audit import Caller
from todo_core.web.addresses import find_client_address
from todo_core.web.devices import find_device_token


def find_caller(request: Request) -> Caller:
    return Caller(find_client_address(request.scope), request.state.request_id, find_device_token(request))
