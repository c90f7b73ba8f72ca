"""What `helm test` asks of a release through its Service, whose URL is the argument.

It has an account of its own, helm-test-...@example.com, which it closes in the end.
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


def ask(method: str, path: str, body: object = None, *, status: HTTPStatus = HTTPStatus.OK) -> Any:
    """Sends JSON, and gives the answer's. Ends the test when its status is another one."""
    content = None if body is None else json.dumps(body)
    service.request(method, path, content, {"Content-Type": "application/json", **session})
    response = service.getresponse()
    answer = response.read()
    print(f"{method} {path} {response.status}")
    if response.status != status:
        sys.exit(f"{method} {path} was answered with {response.status}, not {status}: {answer.decode()}")
    if cookie := response.headers.get("Set-Cookie"):
        session["Cookie"] = cookie.partition(";")[0]
    return json.loads(answer) if answer else None


account = {"email": f"helm-test-{secrets.token_hex(8)}@example.com", "password": secrets.token_urlsafe(24)}

ask("GET", "/health/ready")
ask("POST", "/api/v1/auth/register", account, status=HTTPStatus.CREATED)
ask("POST", "/api/v1/auth/login", account)
todo = ask("POST", "/api/v1/todos", {"title": "Buy milk"}, status=HTTPStatus.CREATED)
ask("PATCH", f"/api/v1/todos/{todo['id']}", {"completed": True})
listed = ask("GET", "/api/v1/todos")
if [(one["title"], one["completed"]) for one in listed] != [("Buy milk", True)]:
    sys.exit(f"The list should have the one todo, completed: {listed}")
ask("DELETE", f"/api/v1/todos/{todo['id']}", status=HTTPStatus.NO_CONTENT)
ask("POST", "/api/v1/auth/logout", status=HTTPStatus.NO_CONTENT)
ask("GET", "/api/v1/auth/me", status=HTTPStatus.UNAUTHORIZED)
ask("POST", "/api/v1/auth/login", account)
ask("POST", "/api/v1/auth/close-account", {"password": account["password"]}, status=HTTPStatus.NO_CONTENT)
ask("POST", "/api/v1/auth/login", account, status=HTTPStatus.UNAUTHORIZED)
