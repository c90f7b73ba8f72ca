"""A user of the service, who creates the start state of a task and talks with the assistant over HTTP."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import batched
from typing import Any, Final, Self
from uuid import UUID, uuid4

import httpx2

from evals.dates import Clock
from evals.tasks import StartTodo

_API: Final = "/api/v1"
_PASSWORD: Final = "correct horse battery staple"  # noqa: S105 - accounts of one run
_BATCH_OPERATIONS: Final = 100
_MAX_APPROVALS_IN_A_ROW: Final = 5

type Json = dict[str, Any]


@dataclass
class User:
    """A new account with one conversation."""

    client: httpx2.AsyncClient
    id: UUID
    conversation: Json = field(default_factory=dict)
    turn: Json = field(default_factory=dict)
    """The last turn as the service answered it."""

    approved_turns: set[UUID] = field(default_factory=set)

    @classmethod
    async def sign_up(cls, client: httpx2.AsyncClient, zone: str) -> Self:
        """Registers a new account and signs the client in."""
        credentials = {"email": f"{uuid4().hex}@example.com", "password": _PASSWORD}
        registered = await client.post(f"{_API}/auth/register", json={**credentials, "timezone": zone})
        registered.raise_for_status()
        (await client.post(f"{_API}/auth/login", json=credentials)).raise_for_status()
        return cls(client, UUID(registered.json()["id"]))

    async def create(self, todos: Sequence[StartTodo], projects: Sequence[str], clock: Clock) -> list[str]:
        """Creates projects and todos in this order. Returns the ids of the todos."""
        project_ids = {name: await self._create_project(name) for name in projects}
        ids: dict[str, str] = {}
        titled = [(title, todo) for todo in todos for title in todo.titles]
        for chunk in batched(titled, _BATCH_OPERATIONS, strict=False):
            # A parent of the same batch is named by its `ref`, which is its title.
            operations = [
                {"op": "create", "ref": title, "todo": _as_json(title, todo, clock, project_ids, ids)}
                for title, todo in chunk
            ]
            results = await self._run_batch(operations)
            ids |= {title: result["id"] for (title, _), result in zip(chunk, results, strict=True)}
        if trashed := [title for title, todo in titled if todo.trashed]:
            await self._run_batch([{"op": "delete", "id": ids[title]} for title in trashed])
        return list(ids.values())

    async def say(self, message: str) -> Json:
        """Sends a message in the user's conversation and returns the turn."""
        self.turn = await self._post(f"{_API}/chat", {"message": message, **self.conversation})
        self.conversation = {"conversation_id": self.turn["conversation_id"]}
        return self.turn

    async def say_yes(self, message: str) -> Json:
        """Sends a message that approves. If the assistant asks for an approval only then, approves it too."""
        was_asked = self.is_asked
        if was_asked:
            self.approved_turns.add(UUID(self.turn["turn_id"]))
        await self.say(message)
        if was_asked:
            self.approved_turns.add(UUID(self.turn["turn_id"]))
        return await self.answer_approval(approve=True)

    async def answer_approval(self, *, approve: bool) -> Json:
        """Answers the approval that the last turn waits for, if any, and the following ones of the turn alike."""
        for _ in range(_MAX_APPROVALS_IN_A_ROW):
            if not self.is_asked:
                break
            if approve:
                self.approved_turns.add(UUID(self.turn["turn_id"]))
            self.turn = await self._post(f"{_API}/chat/turns/{self.turn['turn_id']}/approval", {"approve": approve})
        return self.turn

    @property
    def is_asked(self) -> bool:
        return self.turn.get("status") == "needs_approval"

    async def _create_project(self, name: str) -> str:
        return str((await self._post(f"{_API}/projects", {"name": name}))["id"])

    async def _run_batch(self, operations: Sequence[Json]) -> list[Json]:
        results: list[Json] = (await self._post(f"{_API}/todos/batch", {"operations": operations}))["results"]
        return results

    async def _post(self, path: str, body: Json) -> Json:
        answer: Json = (await self.client.post(path, json=body)).raise_for_status().json()
        return answer


def _as_json(title: str, todo: StartTodo, clock: Clock, project_ids: Mapping[str, str], ids: Mapping[str, str]) -> Json:
    fields: Json = todo.model_dump(include={"description", "completed", "priority", "recurrence", "tags"})
    if todo.due:
        due = clock.resolve(todo.due)
        fields["due_at" if isinstance(due, datetime) else "due_date"] = due.isoformat()
    if todo.reminder:
        fields["reminder_at"] = clock.resolve(todo.reminder).isoformat()
    if todo.project:
        fields["project_id"] = project_ids[todo.project]
    if todo.parent:
        fields["parent_id"] = ids.get(todo.parent, todo.parent)
    return fields | {"title": title}
