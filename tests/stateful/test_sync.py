"""Random histories of three clients that work offline: in the end all of them equal the service, and a simple model.

`make test SUITE=sync` runs 10,000 histories instead of 200, or as many as SYNC_HISTORIES says.
"""

import json
import os
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx2
import pytest
from fastapi import FastAPI

from functions.groups import load_routers
from tests import postgres, serving
from tests.accounts import Account, Newcomers
from tests.conftest import SECRET_KEY
from tests.serving import Surface
from tests.stateful.model import TodoModel
from tests.stateful.people import assert_equals_model
from tests.sync_client import PROJECTS, TODOS, SyncClient
from todo_core.web.app import create_app
from todo_core.web.resources import get_resources

HISTORIES: Final = int(os.environ.get("SYNC_HISTORIES", "200"))
STEPS: Final = 30
CLIENTS: Final = 3
ACTIONS: Final = {
    "create": 5,
    "change": 8,
    "delete": 2,
    "create project": 1,
    "rename": 1,
    "delete project": 0.5,
    "sync": 6,
    "cut": 0.3,
}
"""The steps of a history with their weights."""
CUT: Final = """
    DELETE FROM change_log USING account_usage AS usage
    WHERE change_log.user_id = $1 AND usage.user_id = $1 AND change_log.seq < usage.last_seq - $2
"""


@dataclass
class Ledger:
    """The model, to which each request that the service has confirmed is applied, in the order of the service."""

    model: TodoModel = field(default_factory=lambda: TodoModel(ZoneInfo("UTC")))
    names: dict[UUID, str] = field(default_factory=dict)
    acknowledged: int = 0

    def note(self, response: httpx2.Response) -> None:
        request = response.request
        if request.method == "GET" or not response.is_success or "idempotent-replayed" in response.headers:
            return
        self.acknowledged += 1
        self.model.begin()
        fields = json.loads(request.content) if request.content else {}
        object_id = UUID(fields.pop("id", request.url.path.rpartition("/")[2]))
        if fields.get("project_id"):
            fields["project_id"] = UUID(fields["project_id"])
        apply = self._change_project if request.url.path.startswith(PROJECTS) else self._change_todo
        apply(request.method, object_id, fields)

    def _change_todo(self, method: str, todo_id: UUID, fields: dict[str, Any]) -> None:
        match method:
            case "POST":
                self.model.create(todo_id, fields)
            case "PATCH":
                self.model.patch(todo_id, fields, None)
            case "DELETE":
                self.model.delete(todo_id, None)

    def _change_project(self, method: str, project_id: UUID, fields: dict[str, Any]) -> None:
        if method == "DELETE":
            self.model.delete_project(project_id)
            del self.names[project_id]
        else:
            self.model.projects.add(project_id)
            self.names[project_id] = fields.get("name", self.names.get(project_id, ""))


@dataclass
class Network:
    """The network of one client. While it is bad, requests and responses get lost at random."""

    chance: random.Random
    ledger: Ledger
    is_bad: bool = True

    def connect(self, client: httpx2.Client) -> httpx2.Client:
        client.event_hooks = {"request": [self._lose_request], "response": [self._lose_response]}
        return client

    def _lose_request(self, request: httpx2.Request) -> None:
        if self.is_bad and self.chance.random() < 0.1:
            raise httpx2.ConnectError("The request was lost", request=request)

    def _lose_response(self, response: httpx2.Response) -> None:
        response.read()
        self.ledger.note(response)
        if self.is_bad and self.chance.random() < 0.1:
            raise httpx2.ReadError("The response was lost", request=response.request)


class History:
    """One user with three clients, each with its own network."""

    def __init__(self, account: Account, others: list[httpx2.Client], seed: int, database_url: str) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - not a secret
        self.user_id = UUID(account.user["id"])
        self.database_url = database_url
        self.ledger = Ledger()
        self.networks = [Network(self.chance, self.ledger) for _ in range(CLIENTS)]
        https = [account.client, *others]
        self.clients = [SyncClient(network.connect(http)) for network, http in zip(self.networks, https, strict=True)]

    def run(self) -> None:
        for _ in range(STEPS):
            self._step(self.chance.choice(self.clients))
        for network in self.networks:
            network.is_bad = False
        for client in self.clients * 2:
            client.sync()

    def _step(self, client: SyncClient) -> None:
        """Edits without a network, or synchronises. The log is cut now and then."""
        todos, projects = (
            [path for path in sorted(client.view) if path.startswith(collection)] for collection in (TODOS, PROJECTS)
        )
        match self.chance.choices(list(ACTIONS), list(ACTIONS.values())):
            case ["create"]:
                client.create(TODOS, **self._choose_fields(projects))
            case ["create project"]:
                client.create(PROJECTS, name=self._choose_title())
            case ["change"] if todos:
                client.change(self.chance.choice(todos), **self._choose_change(projects))
            case ["rename"] if projects:
                client.change(self.chance.choice(projects), name=self._choose_title())
            case ["delete"] if todos:
                client.delete(self.chance.choice(todos))
            case ["delete project"] if projects:
                client.delete(self.chance.choice(projects))
            case ["sync"]:
                self._sync(client)
            case ["cut"]:
                postgres.query(self.database_url, CUT, self.user_id, self.chance.randint(0, 5))

    def _sync(self, client: SyncClient) -> None:
        with suppress(httpx2.TransportError):
            client.sync()

    def _choose_title(self) -> str:
        return f"Title {self.chance.randint(1, 1000)}"

    def _choose_fields(self, projects: list[str]) -> dict[str, Any]:
        return {"title": self._choose_title(), "order": self.chance.randint(1, 10**9), **self._choose_project(projects)}

    def _choose_change(self, projects: list[str]) -> dict[str, Any]:
        return self.chance.choice(
            [
                {"title": self._choose_title()},
                {"priority": self.chance.choice(["none", "low", "high"])},
                {"tags": self.chance.choice([[], ["home"], ["home", "shop"]])},
                {"completed": self.chance.random() < 0.5},
                {"title": self._choose_title(), "order": self.chance.randint(1, 10**9)},
                self._choose_project(projects) or {"title": self._choose_title()},
            ]
        )

    def _choose_project(self, projects: list[str]) -> dict[str, Any]:
        chosen = self.chance.choice([None, *projects])
        return {} if chosen is None else {"project_id": chosen.rpartition("/")[2]}

    def check(self) -> None:
        """Asserts that the model, the service and all clients agree, and that no edit is left."""
        reader = SyncClient(self.clients[0]._http)  # noqa: SLF001 - a client that has just been installed
        reader.pull()
        served, model = reader.objects, self.ledger.model
        assert {path: served[path] for path in served if path.startswith(TODOS)}.keys() == {
            f"{TODOS}/{todo.id}" for todo in model.live_by_order
        }
        for todo in model.live_by_order:
            assert_equals_model(served[f"{TODOS}/{todo.id}"], todo)
            assert served[f"{TODOS}/{todo.id}"]["project_id"] == (todo.project_id and str(todo.project_id))
        names = {f"{PROJECTS}/{project_id}": name for project_id, name in self.ledger.names.items()}
        assert {path: served[path]["name"] for path in served if path.startswith(PROJECTS)} == names
        for client in self.clients:
            assert client.queue == []
            assert client.view == served


@asynccontextmanager
async def _close_database(app: FastAPI) -> AsyncIterator[None]:
    yield
    await get_resources(app).database.close()


@pytest.fixture(scope="module")
def own_app(environment: dict[str, str]) -> Iterator[Surface]:
    """Surface of an app for this module alone, because a connection pool belongs to one event loop."""
    assert environment
    with serving.in_process(create_app(*load_routers("auth", "todos"), lifespan=_close_database)) as surface:
        yield surface


def test_clients_that_work_offline_agree_with_the_service_in_the_end(own_app: Surface, database_url: str) -> None:
    newcomers = Newcomers(database_url, SECRET_KEY)
    acknowledged = conflicts = 0
    with ExitStack() as stack:
        https = [stack.enter_context(own_app.client()) for _ in range(CLIENTS)]
        for seed in range(HISTORIES):
            account = newcomers.sign_in(https[0])
            for http in https[1:]:
                http.headers.update(account.bearer)
            history = History(account, https[1:], seed, database_url)
            history.run()
            history.check()
            acknowledged += history.ledger.acknowledged
            conflicts += sum(len(client.conflicts) for client in history.clients)
    assert acknowledged > 5 * HISTORIES
    assert conflicts > HISTORIES // 10
