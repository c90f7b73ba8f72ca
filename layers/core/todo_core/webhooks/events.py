"""The events of webhooks, made of changes in the change log, and the contents of messages about them.

Reopening or skipping a todo is an update. The purge of the trash is no event: receivers learned of the deletion before.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from todo_core.todos.changes import Change
from todo_core.webhooks.model import TEST, Event

MAX_CONTENT_BYTES: Final = 64 * 1024
"""The largest content of a message. A longer one loses its descriptions."""

_EVENTS: Final[Mapping[tuple[str, str], Event]] = {
    ("todo", "create"): "todo.created",
    ("todo", "update"): "todo.updated",
    ("todo", "complete"): "todo.completed",
    ("todo", "reopen"): "todo.updated",
    ("todo", "delete"): "todo.deleted",
    ("todo", "restore"): "todo.restored",
    ("todo", "reminder"): "reminder.due",
    ("todo", "skip"): "todo.updated",
    ("project", "create"): "project.created",
    ("project", "update"): "project.updated",
    ("project", "delete"): "project.deleted",
    ("tag", "rename"): "tag.renamed",
    ("tag", "delete"): "tag.deleted",
}
_COLLECTIONS: Final = {"todo": "/api/v1/todos", "project": "/api/v1/projects"}
_LONG_FIELDS: Final = (("before", "description"), ("todo", "description"))
"""The fields that are left out of a long content, in this order."""


def find_event(change: Change) -> Event | None:
    """Returns the event of a change, or None for a change of which webhooks learn nothing."""
    return _EVENTS.get((change.kind, change.op))


def build_content(change: Change, event: Event, base_url: str) -> bytes:
    """Returns the JSON of a message about a change. It is the same at each attempt.

    `base_url` is the URL of the service. `before` has the former values of the fields that have changed.
    """
    data: dict[str, Any] = {
        "seq": change.seq,
        "actor": _describe_actor(change),
        change.kind: _describe(change, base_url),
        "before": _find_former_values(change),
    }
    return _encode_within_bound({"type": event, "timestamp": change.created_at, "data": data})


def build_test(webhook_id: object, created_at: datetime) -> bytes:
    """Returns the JSON of a message that only tests a webhook."""
    return msgspec.json.encode({"type": TEST, "timestamp": created_at, "data": {"webhook_id": str(webhook_id)}})


def _describe(change: Change, base_url: str) -> dict[str, Any]:
    """Returns the object after the change as the API shows it. A deleted project or tag is as it was before."""
    described = _to_fields(change.after or change.before)
    collection = _COLLECTIONS.get(change.kind)
    return described | {"url": f"{base_url}{collection}/{described['id']}"} if collection else described


def _describe_actor(change: Change) -> dict[str, Any]:
    actor = {"kind": change.actor, "turn_id": change.turn_id}
    return actor if change.token_name is None else actor | {"token": change.token_name}


def _find_former_values(change: Change) -> dict[str, Any] | None:
    if change.before is None or change.after is None:
        return None
    after = _to_fields(change.after)
    return {name: value for name, value in _to_fields(change.before).items() if value != after[name]}


def _to_fields(snapshot: msgspec.Struct | None) -> dict[str, Any]:
    return {} if snapshot is None else msgspec.structs.asdict(snapshot)


def _encode_within_bound(content: dict[str, Any]) -> bytes:
    """Returns the JSON. `data.truncated` names the fields that were left out because the JSON would be too long."""
    encoded = msgspec.json.encode(content)
    data, truncated = content["data"], []
    for part, name in _LONG_FIELDS:
        if len(encoded) > MAX_CONTENT_BYTES and (data.get(part) or {}).get(name):
            data[part][name] = None
            truncated.append(f"{part}.{name}")
            encoded = msgspec.json.encode(content | {"data": data | {"truncated": truncated}})
    return encoded


def make_message_id(webhook_id: object, seq: int) -> str:
    """Returns the header `webhook-id` of a message about a change: the same at each attempt."""
    return f"msg_{str(webhook_id).replace('-', '')}_{seq}"
