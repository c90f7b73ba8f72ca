"""Clients that write at random and note in the ledger what was acknowledged."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

from tests.accounts import TODOS
from tests.faults.ledger import Acknowledged, Ledger
from tests.faults.sending import Sender

_RECENT: Final = 30
"""Clients change their newest todos only, so that memory and choice stay small."""
_MAX_PAUSE_SECONDS: Final = 0.1


@dataclass
class Client:
    """A client that changes only the todos that it has created. Its account may have other clients."""

    sender: Sender
    ledger: Ledger
    random: random.Random
    todos: list[Acknowledged] = field(default_factory=list)

    async def run(self, stopping: asyncio.Event) -> None:
        """Runs one operation after another until `stopping` is set. The last one is still completed."""
        operations: list[Callable[[], Awaitable[None]]] = [
            *(self.create, self.create_keyed, self.create_batch),
            *(self.rename, self.complete, self.delete, self.restore, self.read),
        ]
        while not stopping.is_set():
            await self.random.choice(operations)()
            await asyncio.sleep(self.random.uniform(0, _MAX_PAUSE_SECONDS))

    async def create(self) -> None:
        """Creates a todo without an idempotency key. Such a request is never repeated."""
        title = uuid4().hex
        created = await self.sender.send("POST", TODOS, json={"title": title})
        if created is None:
            self.ledger.unacknowledged_titles.add(title)
        else:
            self._note_created(created.json())

    async def create_keyed(self) -> None:
        created, _ = await self.sender.repeat("POST", TODOS, json={"title": uuid4().hex}, headers=_new_key())
        self._note_created(created.json())

    async def create_batch(self) -> None:
        """Creates two todos and renames a third one, in one transaction with an idempotency key."""
        operations: list[dict[str, object]] = [{"op": "create", "todo": {"title": uuid4().hex}} for _ in range(2)]
        todo, title = self._choose(), uuid4().hex
        if todo:
            operations.append({"op": "update", "id": todo.id, "version": todo.version, "changes": {"title": title}})
        done, _ = await self.sender.repeat(
            "POST", f"{TODOS}/batch", json={"operations": operations}, headers=_new_key()
        )
        for result in done.json()["results"][:2]:
            self._note_created(result["todo"])
        if todo:
            _note_change(todo, title=title)

    async def rename(self) -> None:
        """Renames a todo with If-Match. A repeat that is a 412 says that the first request took effect."""
        if todo := self._choose():
            title = uuid4().hex
            headers = {"If-Match": f'"{todo.version}"'}
            await self.sender.repeat(
                "PATCH",
                f"{TODOS}/{todo.id}",
                json={"title": title},
                headers=headers,
                expected_of_repeat=["stale_version"],
            )
            _note_change(todo, title=title)

    async def complete(self) -> None:
        if todo := self._choose():
            completed, is_repeated = await self.sender.repeat("PATCH", f"{TODOS}/{todo.id}", json={"completed": True})
            todo.completed, todo.version = True, completed.json()["version"]
            self._settle(todo, is_repeated=is_repeated)

    async def delete(self) -> None:
        """Deletes a todo. A repeat that is a 404 says that the first request took effect."""
        if todo := self._choose():
            _, is_repeated = await self.sender.repeat(
                "DELETE", f"{TODOS}/{todo.id}", expected_of_repeat=["todo_not_found"]
            )
            todo.deleted, todo.version = True, None
            self._settle(todo, is_repeated=is_repeated)

    async def restore(self) -> None:
        if todo := self._choose(deleted=True):
            restored, is_repeated = await self.sender.repeat("POST", f"{TODOS}/{todo.id}/restore")
            todo.deleted, todo.version = False, restored.json()["version"]
            self._settle(todo, is_repeated=is_repeated)

    async def read(self) -> None:
        await self.sender.send("GET", TODOS)

    def _choose(self, *, deleted: bool = False) -> Acknowledged | None:
        fitting = [todo for todo in self.todos if todo.deleted is deleted and not todo.is_settled]
        return self.random.choice(fitting) if fitting else None

    def _note_created(self, todo: dict[str, object]) -> None:
        self.todos = [*self.todos[-_RECENT:], self.ledger.note_created(todo)]

    def _settle(self, todo: Acknowledged, *, is_repeated: bool) -> None:
        """Leaves a todo alone after a repeated write.

        The first request may still be on its way to the database. It could then undo a later, opposite write.
        """
        if is_repeated:
            todo.is_settled, todo.version = True, None


def _note_change(todo: Acknowledged, *, title: str) -> None:
    assert todo.version is not None
    todo.title, todo.version = title, todo.version + 1


def _new_key() -> dict[str, str]:
    return {"Idempotency-Key": uuid4().hex}
