"""A list of todos on Lambda without accounts, validation and log: Mangum, a bare ASGI app and asyncpg."""

import json
import os
from typing import Any

import asyncpg
from mangum import Mangum
from starlette.types import Receive, Scope, Send

_connections: list[Any] = []


async def app(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - as ASGI demands
    if not _connections:
        _connections.append(await asyncpg.connect(os.environ["DATABASE_URL"]))
    rows = await _connections[0].fetch(
        """
        SELECT id, title, description, completed, completed_at, priority, due_date, due_at, reminder_at, recurrence,
            recurrence_from, tags, project_id, parent_id, "order", version, created_at, updated_at, deleted_at
        FROM todos WHERE user_id = $1 AND deleted_at IS NULL ORDER BY "order", id LIMIT 20
        """,
        os.environ["OWNER"],
    )
    content = json.dumps([dict(row) for row in rows], default=str).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": content})


handler = Mangum(app, lifespan="off")
