"""Requests whose database connection is cut at each step of the protocol: they answer 2xx or 503, never 500."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from functions.groups import load_routers
from tests import postgres, serving
from tests.accounts import AUTH, CHAT, PASSWORD, PROJECTS, TODOS, Account, sign_up
from tests.counting_proxy import running
from tests.cutting_proxy import Cut, CuttingProxy
from todo_core.settings import Settings
from todo_core.web.app import create_app
from todo_core.web.resources import get_resources

pytestmark = pytest.mark.parametrize("cut", Cut, ids=lambda cut: cut.name.lower())

type Send = Callable[[Account, dict[str, Any]], httpx2.Response]

BATCH = {
    "operations": [
        {"op": "create", "ref": "milk", "todo": {"title": "Milk"}},
        {"op": "update", "id": "milk", "changes": {"completed": True}},
    ]
}

READS: dict[str, Send] = {
    "a list": lambda ada, _: ada.client.get(TODOS),
    "a todo": lambda ada, todo: ada.client.get(todo["url"]),
    "changes": lambda ada, _: ada.client.get(f"{TODOS}/changes"),
    "an export": lambda ada, _: ada.client.get(f"{AUTH}/me/export"),
    "readiness": lambda ada, _: ada.client.get("/health/ready"),
}
WRITES: dict[str, Send] = {
    "create": lambda ada, _: ada.client.post(TODOS, json={"title": "Milk"}),
    "update": lambda ada, todo: ada.client.patch(
        todo["url"], json={"title": "Bread"}, headers={"If-Match": f'"{todo["version"]}"'}
    ),
    "delete": lambda ada, todo: ada.client.delete(todo["url"]),
    "delete all": lambda ada, _: ada.client.delete(f"{TODOS}?all=true"),
    "batch": lambda ada, _: ada.client.post(f"{TODOS}/batch", json=BATCH),
    "project": lambda ada, _: ada.client.post(PROJECTS, json={"name": uuid4().hex}),
    "profile": lambda ada, _: ada.client.patch(f"{AUTH}/me", json={"name": "Ada"}),
    "login": lambda ada, _: ada.client.post(f"{AUTH}/login", json={"email": ada.email, "password": PASSWORD}),
    "chat": lambda ada, _: ada.client.post(CHAT, json={"message": "add milk"}),
}


@pytest.fixture(scope="module")
def proxy(server_url: str) -> Iterator[CuttingProxy]:
    with postgres.database(server_url) as url, running(CuttingProxy(url)) as proxy:
        yield proxy


def make_settings(url: str) -> Settings:
    """Returns settings without a language model and with limits that no test reaches.

    All of them are given, because the process may have environment variables of other tests.
    """
    limits = dict.fromkeys(
        ("logins_per_account", "logins_per_address", "failed_logins_per_account", "failed_logins_per_address"),
        1_000_000,
    )
    return Settings(
        database={"url": url},
        bcrypt_rounds=4,
        readiness_seconds=0,
        rate_limits=limits,
        openai={"api_key": None, "base_url": None},
        assistant={"daily_quota": {"turns": 1_000_000}},
    )


@pytest.fixture(scope="module")
def ada(proxy: CuttingProxy) -> Iterator[Account]:
    app = create_app(*load_routers("auth", "todos", "chat", "meta"), settings=make_settings(proxy.url))
    with serving.in_process(app) as surface, surface.client() as client:
        yield sign_up(client)
        surface.portal.call(get_resources(app).database.close)


def responses(proxy: CuttingProxy, ada: Account, cut: Cut, send: Send) -> Iterator[httpx2.Response]:
    """Yields the responses to the request, sent once for each step of the protocol that it takes."""
    for step in count(1):
        # Reads replace the connections that the last cut has closed.
        assert ada.client.get(TODOS).status_code == 200
        todo = ada.add()
        proxy.cut_at(step, cut)
        response = send(ada, todo)
        has_cut = proxy.has_cut
        proxy.cut_at(0, cut)
        yield response
        if not has_cut:
            assert response.is_success
            assert step > 1
            return


def assert_done_or_unavailable(response: httpx2.Response) -> None:
    assert response.is_success or response.status_code == 503, response.text
    assert response.is_success or int(response.headers["retry-after"]) > 0


def count_todos(proxy: CuttingProxy, title: str) -> int:
    return len(postgres.query(proxy.server_url, "SELECT FROM todos WHERE title = $1", title))


@pytest.mark.parametrize("send", READS.values(), ids=list(READS))
def test_a_read_succeeds(proxy: CuttingProxy, ada: Account, cut: Cut, send: Send) -> None:
    for response in responses(proxy, ada, cut, send):
        assert response.status_code == 200, response.text


@pytest.mark.parametrize("send", WRITES.values(), ids=list(WRITES))
def test_a_write_is_done_or_unavailable(proxy: CuttingProxy, ada: Account, cut: Cut, send: Send) -> None:
    for response in responses(proxy, ada, cut, send):
        assert_done_or_unavailable(response)


def test_a_write_takes_effect_at_most_once(proxy: CuttingProxy, ada: Account, cut: Cut) -> None:
    titles: list[str] = []

    def create(ada: Account, _: object) -> httpx2.Response:
        titles.append(uuid4().hex)
        return ada.client.post(TODOS, json={"title": titles[-1]})

    for response in responses(proxy, ada, cut, create):
        assert count_todos(proxy, titles[-1]) in ({1} if response.is_success else {0, 1})


def test_a_repeat_with_the_same_key_takes_effect_once(proxy: CuttingProxy, ada: Account, cut: Cut) -> None:
    keys: list[str] = []

    def create(ada: Account, _: object) -> httpx2.Response:
        keys.append(uuid4().hex)
        return send_keyed(ada, keys[-1])

    def send_keyed(ada: Account, key: str) -> httpx2.Response:
        return ada.client.post(TODOS, json={"title": key}, headers={"Idempotency-Key": key})

    for response in responses(proxy, ada, cut, create):
        assert_done_or_unavailable(response)
        ada.client.get(TODOS)
        repeat = send_keyed(ada, keys[-1])
        assert repeat.status_code == 201
        assert count_todos(proxy, keys[-1]) == 1
