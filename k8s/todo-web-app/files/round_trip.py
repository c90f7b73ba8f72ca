"""Test of a release for `helm test`: creates, completes and deletes a todo. The argument is the URL of the Service.

It registers an account helm-test-...@example.com, and closes it at the end.
"""

import json
import secrets
import sys
from http import HTTPStatus
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

service = HTTPConnection(urlsplit(sys.argv[1]).netloc, timeout=20)
session: dict[str, str] = {}


def request(method: str, path: str, body: object = None, *, status: HTTPStatus = HTTPStatus.OK) -> Any:
    """Sends JSON and returns the parsed response. Ends the test if the response has another status."""
    payload = None if body is None else json.dumps(body)
    service.request(method, path, payload, {"Content-Type": "application/json", **session})
    response = service.getresponse()
    content = response.read()
    print(f"{method} {path} {response.status}")
    if response.status != status:
        sys.exit(f"{method} {path} returned {response.status} instead of {status}: {content.decode()}")
    if cookie := response.headers.get("Set-Cookie"):
        session["Cookie"] = cookie.partition(";")[0]
    return json.loads(content) if content else None


account = {"email": f"helm-test-{secrets.token_hex(8)}@example.com", "password": secrets.token_urlsafe(24)}

request("GET", "/health/ready")
request("POST", "/api/v1/auth/register", account, status=HTTPStatus.CREATED)
request("POST", "/api/v1/auth/login", account)
todo = request("POST", "/api/v1/todos", {"title": "Buy milk"}, status=HTTPStatus.CREATED)
request("PATCH", f"/api/v1/todos/{todo['id']}", {"completed": True})
listed = request("GET", "/api/v1/todos")
if [(item["title"], item["completed"]) for item in listed] != [("Buy milk", True)]:
    sys.exit(f"The list must contain only the completed todo: {listed}")
request("DELETE", f"/api/v1/todos/{todo['id']}", status=HTTPStatus.NO_CONTENT)
request("POST", "/api/v1/auth/logout", status=HTTPStatus.NO_CONTENT)
request("GET", "/api/v1/auth/me", status=HTTPStatus.UNAUTHORIZED)
request("POST", "/api/v1/auth/login", account)
request("POST", "/api/v1/auth/close-account", {"password": account["password"]}, status=HTTPStatus.NO_CONTENT)
request("POST", "/api/v1/auth/login", account, status=HTTPStatus.UNAUTHORIZED)
