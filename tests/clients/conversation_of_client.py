"""A conversation with the service by the client that openapi-python-client makes: `todo_client`."""

import json
import sys

from todo_client import AuthenticatedClient, Client
from todo_client.api.auth import create_session_token, register
from todo_client.api.todos import create_todo, list_todos, update_todo
from todo_client.models import (
    CreateSessionTokenPasswordForm,
    Priority,
    Problem,
    Registration,
    TodoCreate,
    TodoUpdate,
    TokenRead,
)

url, email, password = sys.argv[1:]
visitor = Client(base_url=url)
register.sync(client=visitor, body=Registration(email=email, password=password))
token = create_session_token.sync(
    client=visitor, body=CreateSessionTokenPasswordForm(username=email, password=password)
)
assert isinstance(token, TokenRead)

client = AuthenticatedClient(base_url=url, token=token.access_token)
created = create_todo.sync_detailed(client=client, body=TodoCreate(title="Buy milk"))
assert created.parsed is not None
assert not isinstance(created.parsed, Problem)
etag, todo_id = created.headers["etag"], created.parsed.id
changed = update_todo.sync(todo_id, client=client, if_match=etag, body=TodoUpdate(priority=Priority.HIGH))
assert changed is not None
assert not isinstance(changed, Problem)
stale = update_todo.sync(todo_id, client=client, if_match=etag, body=TodoUpdate(title="Late"))
assert isinstance(stale, Problem)
todos = list_todos.sync(client=client, priority=Priority.HIGH)
assert isinstance(todos, list)
told = {"titles": [todo.title for todo in todos], "priority": changed.priority, "stale": stale.code}
sys.stdout.write(json.dumps(told))
