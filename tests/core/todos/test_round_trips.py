"""The number of database round trips of requests for todos and projects, authentication included."""

from collections.abc import Iterator
from typing import Any

import pytest

from functions.groups import load_routers
from tests import postgres, serving
from tests.accounts import PROJECTS, TODOS, Account, sign_up
from tests.counting_proxy import CountingProxy, running
from todo_core.settings import Settings
from todo_core.web.app import create_app
from todo_core.web.resources import get_resources

type Json = dict[str, Any]

MANY = 30


@pytest.fixture(scope="module")
def proxy(server_url: str) -> Iterator[CountingProxy]:
    with postgres.database(server_url) as url, running(CountingProxy(url)) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def ada(proxy: CountingProxy) -> Iterator[Account]:
    """User whose requests run one after another, so that the app needs only one database connection."""
    app = create_app(*load_routers("auth", "todos"), settings=Settings(database={"url": proxy.url}, bcrypt_rounds=4))
    with serving.in_process(app) as surface, surface.client() as client:
        yield sign_up(client)
        surface.portal.call(get_resources(app).database.close)


def patch(account: Account, todo: Json, **changes: object) -> Json:
    response = account.client.patch(todo["url"], json=changes)
    assert response.status_code == 200, response.text
    after: Json = response.json()
    return after


class TestList:
    @pytest.mark.parametrize(
        "parameters",
        [
            {},
            {"limit": 2},
            {"completed": "false", "priority": "none", "tag": ["home"]},
            {"q": "milk"},
        ],
    )
    def test_takes_one(self, proxy: CountingProxy, ada: Account, parameters: dict[str, Any]) -> None:
        for _ in range(3):
            ada.add("Buy milk", tags=["home"])

        def read() -> None:
            assert ada.client.get(TODOS, params=parameters).status_code == 200

        read()  # The first request also prepares its statement, so its round trips are not counted.
        assert proxy.count_round_trips(read) == 1

    def test_takes_one_without_a_match(self, proxy: CountingProxy, ada: Account) -> None:
        ada.add("Buy milk")
        path = f"{TODOS}?q=bread"
        ada.client.get(path)
        assert proxy.count_round_trips(lambda: ada.client.get(path).raise_for_status()) == 1

    @pytest.mark.parametrize("query", ["sort=due", "overdue=true", "due_before=2030-01-31"])
    def test_that_compares_days_takes_two(self, proxy: CountingProxy, ada: Account, query: str) -> None:
        ada.client.get(f"{TODOS}?{query}")
        assert proxy.count_round_trips(lambda: ada.client.get(f"{TODOS}?{query}").raise_for_status()) == 2

    def test_that_is_unchanged_takes_one(self, proxy: CountingProxy, ada: Account) -> None:
        headers = {"If-None-Match": ada.client.get(TODOS).headers["etag"]}

        def poll() -> None:
            assert ada.client.get(TODOS, headers=headers).status_code == 304

        poll()
        assert proxy.count_round_trips(poll) == 1

    def test_of_projects_takes_two(self, proxy: CountingProxy, ada: Account) -> None:
        ada.add_project("Home")
        ada.client.get(PROJECTS)
        assert proxy.count_round_trips(lambda: ada.client.get(PROJECTS).raise_for_status()) == 2


class TestGet:
    def test_takes_one(self, proxy: CountingProxy, ada: Account) -> None:
        todo = ada.add()
        ada.client.get(todo["url"])
        assert proxy.count_round_trips(lambda: ada.client.get(todo["url"]).raise_for_status()) == 1

    def test_without_a_match_takes_two(self, proxy: CountingProxy, ada: Account) -> None:
        todo = ada.add()
        ada.delete(todo["url"])

        def read() -> None:
            assert ada.client.get(todo["url"]).status_code == 404

        read()
        assert proxy.count_round_trips(read) == 2


class TestCreate:
    @pytest.mark.parametrize("fields", [{}, {"tags": ["home"], "due_at": "2030-01-31T17:00:00Z", "priority": "high"}])
    def test_takes_two(self, proxy: CountingProxy, ada: Account, fields: Json) -> None:
        ada.add()
        assert proxy.count_round_trips(lambda: ada.add(**fields)) == 2

    def test_below_a_todo_and_in_a_project_takes_two(self, proxy: CountingProxy, ada: Account) -> None:
        project = ada.add_project()
        parent = ada.add(project_id=project["id"])
        assert proxy.count_round_trips(lambda: ada.add(project_id=project["id"])) == 2
        assert proxy.count_round_trips(lambda: ada.add(parent_id=parent["id"])) == 2

    def test_of_a_project_takes_two(self, proxy: CountingProxy, ada: Account) -> None:
        ada.add_project()
        assert proxy.count_round_trips(ada.add_project) == 2


class TestPatch:
    @pytest.mark.parametrize(
        "changes", [{"title": "Oat"}, {"completed": True}, {"completed": False}, {"due_date": "2030-01-31"}]
    )
    def test_takes_two(self, proxy: CountingProxy, ada: Account, changes: Json) -> None:
        first, todo = (ada.add(completed=changes.get("completed") is False) for _ in range(2))
        patch(ada, first, **changes)
        assert proxy.count_round_trips(lambda: patch(ada, todo, **changes)) == 2

    def test_that_changes_nothing_takes_three(self, proxy: CountingProxy, ada: Account) -> None:
        todo = ada.add("Milk")
        for _ in range(2):
            patch(ada, todo, title="Milk")
        assert proxy.count_round_trips(lambda: patch(ada, todo, title="Milk")) == 3

    def test_with_if_match_takes_two(self, proxy: CountingProxy, ada: Account) -> None:
        todo = ada.add()

        def change(title: str) -> None:
            headers = {"If-Match": ada.client.get(todo["url"]).headers["etag"]}
            ada.client.patch(todo["url"], json={"title": title}, headers=headers).raise_for_status()

        change("Oat")
        # one for the GET request, two for the PATCH request
        assert proxy.count_round_trips(lambda: change("Soy")) == 1 + 2

    def test_that_cascades_to_subtodos_takes_two(self, proxy: CountingProxy, ada: Account) -> None:
        root, other, project = ada.add(), ada.add(), ada.add_project()
        for _ in range(MANY):
            child = ada.add(parent_id=root["id"], tags=["below"])
            ada.add(parent_id=child["id"], tags=["below"])
        changes: list[Json] = [
            {"parent_id": other["id"]},
            {"parent_id": None},
            {"project_id": project["id"]},
            {"completed": True},
        ]
        for change in changes:
            patch(ada, ada.add(), **change)
        for change in changes:
            assert proxy.count_round_trips(lambda change=change: patch(ada, root, **change)) == 2  # type: ignore[misc]
        moved = ada.client.get(TODOS, params={"limit": 200, "completed": "true", "tag": "below"}).json()
        assert [todo["project_id"] for todo in moved] == [project["id"]] * 2 * MANY

    @pytest.mark.parametrize("changes", [{}, {"title": "Oat"}, {"recurrence": "FREQ=WEEKLY"}])
    def test_that_completes_a_recurring_todo_takes_three(
        self, proxy: CountingProxy, ada: Account, changes: Json
    ) -> None:
        """Three round trips: authentication, a read, and a write of the next due date, which Python calculates."""
        todo = ada.add(due_date="2030-01-01", recurrence="FREQ=DAILY")
        patch(ada, todo, completed=True, **changes)
        assert proxy.count_round_trips(lambda: patch(ada, todo, completed=True, **changes)) == 3

    def test_of_a_rule_takes_one_more_if_the_rule_may_never_come_after_the_due_date(
        self, proxy: CountingProxy, ada: Account
    ) -> None:
        todo = ada.add(due_date="2030-01-01")
        patch(ada, todo, recurrence="FREQ=DAILY")
        assert proxy.count_round_trips(lambda: patch(ada, todo, recurrence="FREQ=WEEKLY;BYDAY=MO")) == 2
        assert proxy.count_round_trips(lambda: patch(ada, todo, recurrence="FREQ=MONTHLY;BYMONTH=2")) == 3

    def test_that_completes_a_todo_and_removes_its_recurrence_takes_two(
        self, proxy: CountingProxy, ada: Account
    ) -> None:
        def add() -> Json:
            return ada.add(due_date="2030-01-01", recurrence="FREQ=DAILY")

        patch(ada, add(), completed=True, recurrence=None)
        todo = add()
        assert proxy.count_round_trips(lambda: patch(ada, todo, completed=True, recurrence=None)) == 2


class TestDelete:
    def test_with_subtodos_takes_two(self, proxy: CountingProxy, ada: Account) -> None:
        root = ada.add()
        for _ in range(MANY):
            ada.add(parent_id=root["id"])
        ada.client.delete(ada.add()["url"]).raise_for_status()
        ada.client.post(f"{root['url']}/restore").raise_for_status()
        assert proxy.count_round_trips(lambda: ada.client.delete(root["url"]).raise_for_status()) == 2
        assert proxy.count_round_trips(lambda: ada.client.post(f"{root['url']}/restore").raise_for_status()) == 2


class TestBatch:
    @pytest.mark.parametrize(("number", "for_creates"), [(1, 1), (MANY, 3)])
    def test_takes_one_for_each_change_three_for_all_creates_and_four_more(
        self, proxy: CountingProxy, ada: Account, number: int, for_creates: int
    ) -> None:
        creates = [{"op": "create", "ref": f"{each}", "todo": {"title": "Milk"}} for each in range(number)]
        updates = [{"op": "update", "id": f"{each}", "changes": {"title": "Oat"}} for each in range(number)]

        def change() -> None:
            """Sends the batch: a round trip each for authentication, BEGIN, the change log's lock and COMMIT.

            Several creates take one, and two for their savepoint. Each other operation of the batch takes one more.
            """
            ada.client.post(f"{TODOS}/batch", json={"operations": creates + updates}).raise_for_status()

        change()
        assert proxy.count_round_trips(change) == 4 + for_creates + number
