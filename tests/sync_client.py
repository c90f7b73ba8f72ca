"""A client that keeps a copy of a user's todos and projects, and works without a network: a reference for front ends.

1. It reads the lists once. `X-Change-Seq` says up to which change they are (`_read_lists`).
2. It follows the changes from there (`pull`). After a 410 the log was cut, so it reads the lists again.
3. It shows each edit at once (`view`), and keeps it in a queue until there is a network (`push`).
4. It chooses the ids of new objects, and names each edit by an `Idempotency-Key`. So it may send an edit again whose
   response was lost.
5. It sends `If-Match`, and checks after a 412 that nobody has changed the same fields. Otherwise it keeps the other
   value, and the edit becomes a conflict, which the user decides.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from uuid import uuid4

import httpx2

TODOS: Final = "/api/v1/todos"
PROJECTS: Final = "/api/v1/projects"
LISTS: Final = (f"{TODOS}?limit=200", f"{PROJECTS}?limit=200", f"{PROJECTS}?archived=true&limit=200")
GONE: Final = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_FOUND}
"""The object was deleted, now or by another client."""

type Fields = dict[str, Any]


@dataclass
class Edit:
    """A request that the service has not confirmed. `seen` has the values that the user saw in the changed fields."""

    method: str
    path: str
    fields: Fields = field(default_factory=dict)
    seen: Fields = field(default_factory=dict)
    key: str = field(default_factory=lambda: str(uuid4()))


class SyncClient:
    """The copy: `objects` by path as the service confirmed them, edits that wait, and edits that met another change."""

    def __init__(self, http: httpx2.Client) -> None:
        self._http = http
        self._seq: int | None = None
        self.objects: dict[str, Fields] = {}
        self.queue: list[Edit] = []
        self.conflicts: list[Edit] = []

    @property
    def view(self) -> dict[str, Fields]:
        """The objects as the user sees them: with the edits of the queue."""
        shown = dict(self.objects)
        for edit in self.queue:
            if edit.method == "DELETE":
                shown.pop(edit.path, None)
            elif edit.method == "POST" or edit.path in shown:
                shown[edit.path] = shown.get(edit.path, {}) | edit.fields
        return shown

    def create(self, collection: str, **fields: Any) -> str:
        """Adds an object. Returns its path, by which it can be changed at once."""
        object_id = str(uuid4())
        path = f"{collection}/{object_id}"
        self.queue.append(Edit("POST", path, {"id": object_id, **fields}))
        return path

    def change(self, path: str, **fields: Any) -> None:
        known = self.view[path]
        self.queue.append(Edit("PATCH", path, fields, seen={name: known.get(name) for name in fields}))

    def delete(self, path: str) -> None:
        self.queue.append(Edit("DELETE", path))

    def sync(self) -> None:
        """Sends the edits, and reads what others have changed. Raises httpx2.TransportError without a network."""
        self.push()
        self.pull()

    def push(self) -> None:
        while self.queue:
            # Without a confirmation, the edit stays first in the queue.
            if not self._send(self.queue[0]):
                self.conflicts.append(self.queue[0])
            self.queue.pop(0)

    def pull(self) -> None:
        """Applies the changes that the copy lacks."""
        if self._seq is None:
            self._read_lists()
        while changes := self._read_changes():
            for change in changes:
                self._apply(change)

    def _send(self, edit: Edit) -> bool:
        """Sends an edit until it takes effect. Returns False if it cannot, because of a change by another client."""
        while True:
            known = self.objects.get(edit.path)
            headers = {"Idempotency-Key": edit.key}
            if edit.method == "PATCH":
                if known is None or any(
                    known[name] not in (edit.seen[name], edit.fields[name]) for name in edit.fields
                ):
                    return False
                headers = {"Idempotency-Key": f"{edit.key}-{known['version']}", "If-Match": f'"{known["version"]}"'}
            target = edit.path.rpartition("/")[0] if edit.method == "POST" else edit.path
            response = self._http.request(edit.method, target, json=edit.fields or None, headers=headers)
            if response.status_code == HTTPStatus.PRECONDITION_FAILED:
                self._keep(edit.path, self._http.get(edit.path))
                continue
            if edit.method == "DELETE" and response.status_code == HTTPStatus.NOT_FOUND:
                self.objects.pop(edit.path, None)
                return True
            if response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY:
                return False  # The project or parent that it names was deleted by another client. The object stays.
            self._keep(edit.path, response)
            return response.is_success

    def _keep(self, path: str, response: httpx2.Response) -> None:
        """Stores the object of a response, or forgets it if there is none."""
        if response.status_code in GONE:
            self.objects.pop(path, None)
        else:
            shown = response.raise_for_status().json()
            shown.pop("completion", None)  # tells what a completion did, and is no part of the todo
            self.objects[path] = shown

    def _read_lists(self) -> None:
        first_pages = [self._http.get(url).raise_for_status() for url in LISTS]
        # The oldest list decides: changes that the others contain already are applied again.
        self._seq = min(int(page.headers["X-Change-Seq"]) for page in first_pages)
        self.objects = {_path_of(each): each for page in first_pages for each in self._read_pages(page)}

    def _read_pages(self, page: httpx2.Response) -> Iterator[Fields]:
        yield from page.json()
        while "next" in page.links:
            page = self._http.get(page.links["next"]["url"]).raise_for_status()
            yield from page.json()

    def _read_changes(self) -> list[Fields]:
        response = self._http.get(f"{TODOS}/changes", params={"since": self._seq, "limit": 200})
        if response.status_code == HTTPStatus.GONE:
            self._read_lists()
            return self._read_changes()
        changes: list[Fields] = response.raise_for_status().json()
        return changes

    def _apply(self, change: Fields) -> None:
        after: Fields | None = change["after"]
        self._seq = change["seq"]
        if change["kind"] == "tag":
            return  # the todos with the tag have changes of their own
        path = _path_of(after or change["before"])
        if after is None or after.get("deleted_at"):
            self.objects.pop(path, None)
        elif after["version"] >= self.objects.get(path, after)["version"]:
            self.objects[path] = after


def _path_of(shown: Fields) -> str:
    """Returns the path of an object's URL, without the host and the gateway's stage."""
    return str(shown["url"][shown["url"].index("/api/v1/") :])
