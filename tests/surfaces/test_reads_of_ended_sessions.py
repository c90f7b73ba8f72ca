"""Reads of todos, whose statement checks the session too, after the session has ended."""

from collections.abc import Callable, Iterator
from functools import partial

import httpx2
import pytest

from tests.accounts import AUTH, TODOS, Account, close_account, problem, sign_up
from tests.serving import Surface

type Read = Callable[..., httpx2.Response]

every_read = pytest.mark.parametrize(
    "path",
    [
        f"{TODOS}/{{id}}",
        f"{TODOS}/01000000-0000-7000-8000-000000000000",
        TODOS,
        f"{TODOS}?limit=1",
        f"{TODOS}?q=milk",
        f"{TODOS}?q=bread",
        f"{TODOS}?sort=due",
        f"{TODOS}?overdue=true",
        f"{TODOS}?trashed=true",
    ],
)


@pytest.fixture
def todo_id(ada: Account) -> str:
    """The id of one of the account's two todos."""
    ada.add("Buy milk")
    return str(ada.add("Buy more milk")["id"])


@pytest.fixture
def read(surface: Surface, ada: Account, todo_id: str) -> Iterator[Read]:
    """Reads a path with the account's session, as a client that keeps its token after the session has ended."""
    token = ada.bearer
    with surface.client() as client:

        def send(path: str, **headers: str) -> httpx2.Response:
            return client.get(path.format(id=todo_id), headers=token | headers)

        yield send


class TestRead:
    @every_read
    def test_it_is_refused_after_the_logout(self, ada: Account, read: Read, path: str) -> None:
        assert read(path).status_code in {200, 404}

        ada.client.post(f"{AUTH}/logout").raise_for_status()

        problem(read(path), 401, "not_authenticated")

    @every_read
    def test_it_is_refused_after_the_logout_with_the_etag_of_the_list(
        self, ada: Account, read: Read, path: str
    ) -> None:
        read_again = partial(read, path, **{"If-None-Match": read(path).headers.get("etag", "*")})
        assert read_again().status_code in {304, 404}

        ada.client.post(f"{AUTH}/logout").raise_for_status()

        problem(read_again(), 401, "not_authenticated")

    @every_read
    def test_it_is_refused_after_the_account_was_closed(self, ada: Account, read: Read, path: str) -> None:
        assert read(path).status_code in {200, 404}

        close_account(ada.client).raise_for_status()

        problem(read(path), 401, "not_authenticated")


def test_a_session_reads_no_todo_of_another_user(ada: Account, todo_id: str, client: httpx2.Client) -> None:
    bob = sign_up(client)
    bob.client.get(TODOS).raise_for_status()

    problem(bob.client.get(f"{TODOS}/{todo_id}"), 404, "todo_not_found")
    assert bob.client.get(TODOS).json() == []
    assert len(ada.client.get(TODOS).json()) == 2
