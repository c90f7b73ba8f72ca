"""Ids that the client chooses for todos and projects: the same create again is the same object."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid1, uuid4, uuid5

import pytest

from tests.accounts import PROJECTS, TODOS, Account, problem

NAMESPACE = uuid4()
RESERVED = ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"]


def new_id() -> str:
    return str(uuid4())


class TestTodos:
    @pytest.mark.parametrize("make", [uuid1, uuid4, lambda: uuid5(uuid4(), "milk")], ids=["1", "4", "5"])
    def test_a_todo_gets_the_given_id(self, ada: Account, make: Callable[[], UUID]) -> None:
        todo_id = make()
        created = ada.client.post(TODOS, json={"id": str(todo_id), "title": "Buy milk"})
        assert (created.status_code, created.json()["id"]) == (201, str(todo_id))
        assert ada.client.get(created.headers["location"]).json() == created.json()

    def test_the_same_create_again_is_the_same_todo(self, ada: Account) -> None:
        body = {"id": new_id(), "title": "Buy milk"}
        first, again = (ada.client.post(TODOS, json=body) for _ in range(2))
        assert (first.status_code, again.status_code) == (201, 200)
        assert again.json() == first.json()
        assert {name: again.headers[name] for name in ("etag", "location")} == {
            name: first.headers[name] for name in ("etag", "location")
        }
        assert len(ada.client.get(f"{TODOS}/changes").json()) == 1

    def test_another_body_leaves_the_stored_todo_unchanged(self, ada: Account) -> None:
        todo = ada.add("Buy milk", id=new_id())
        ada.client.patch(todo["url"], json={"completed": True}).raise_for_status()
        again = ada.client.post(TODOS, json={"id": todo["id"], "title": "Other", "order": 9, "tags": ["new"]})
        assert (again.status_code, again.json()) == (200, ada.client.get(todo["url"]).json())
        assert (again.json()["title"], again.json()["version"]) == ("Buy milk", 2)

    def test_a_todo_in_the_trash_stays_there(self, ada: Account) -> None:
        todo = ada.add("Buy milk", id=new_id())
        ada.delete(todo["url"])
        again = ada.client.post(TODOS, json={"id": todo["id"], "title": "Buy milk"})
        assert (again.status_code, again.json()) == (200, ada.trash()[0])

    def test_the_id_of_another_users_todo_is_taken(self, ada: Account, bob: Account) -> None:
        todo_id = new_id()
        for state in ("live", "deleted"):
            todo = bob.client.post(TODOS, json={"id": todo_id, "title": "Secret"}).json()
            refused = ada.client.post(TODOS, json={"id": todo_id, "title": "Mine"})
            assert "Secret" not in refused.text, state
            problem(refused, 409, "id_taken")
            assert "etag" not in refused.headers
            bob.delete(todo["url"]) if state == "live" else None
        assert ada.titles() == []

    @pytest.mark.parametrize("todo_id", [*RESERVED, "milk", "", 7, "0198c5a1"])
    def test_other_ids_are_refused(self, ada: Account, todo_id: object) -> None:
        refused = problem(ada.client.post(TODOS, json={"id": todo_id, "title": "x"}), 422, "validation_failed")
        assert [error["field"] for error in refused["errors"]] == ["id"]

    def test_simultaneous_creates_are_one_todo(self, ada: Account) -> None:
        body = {"id": new_id(), "title": "Buy milk"}
        with ThreadPoolExecutor(8) as clients:
            answers = list(clients.map(lambda _: ada.client.post(TODOS, json=body), range(8)))
        assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
        assert len({answer.text for answer in answers}) == 1
        assert ada.titles() == ["Buy milk"]

    def test_a_patch_cannot_change_the_id(self, ada: Account) -> None:
        refused = ada.client.patch(ada.add()["url"], json={"id": new_id()})
        problem(refused, 422, "validation_failed")


class TestBatch:
    def test_creates_take_ids_and_later_operations_name_them(self, ada: Account) -> None:
        parent, child = new_id(), new_id()
        operations = [
            {"op": "create", "todo": {"id": parent, "title": "Trip"}},
            {"op": "create", "ref": "train", "todo": {"id": child, "title": "Train", "parent_id": parent}},
            {"op": "update", "id": child, "changes": {"completed": True}},
            {"op": "create", "todo": {"id": parent, "title": "Again"}},
        ]
        done = ada.client.post(f"{TODOS}/batch", json={"operations": operations})
        assert done.status_code == 200, done.text
        assert [result["id"] for result in done.json()["results"]] == [parent, child, child, parent]
        assert done.json()["results"][3]["todo"]["title"] == "Trip"
        assert done.json()["results"][2]["todo"]["parent_id"] == parent

    def test_a_repeated_batch_creates_nothing(self, ada: Account) -> None:
        operations = [{"op": "create", "todo": {"id": new_id(), "title": str(number)}} for number in range(3)]
        first, again = (ada.client.post(f"{TODOS}/batch", json={"operations": operations}).json() for _ in range(2))
        assert again == first
        assert ada.titles() == ["0", "1", "2"]

    def test_a_taken_id_undoes_all(self, ada: Account, bob: Account) -> None:
        taken = bob.add(id=new_id())["id"]
        operations = [
            {"op": "create", "todo": {"title": "Mine"}},
            {"op": "create", "todo": {"id": taken, "title": "x"}},
        ]
        refused = problem(ada.client.post(f"{TODOS}/batch", json={"operations": operations}), 409, "id_taken")
        assert refused["index"] == 1
        assert ada.titles() == []


class TestProjects:
    def test_the_same_create_again_is_the_same_project(self, ada: Account) -> None:
        body = {"id": new_id(), "name": "Home"}
        first, again = (ada.client.post(PROJECTS, json=body) for _ in range(2))
        assert (first.status_code, again.status_code) == (201, 200)
        assert again.json() == first.json()
        assert again.headers["location"] == first.headers["location"] == first.json()["url"]
        other = ada.client.post(PROJECTS, json=body | {"name": "Other"})
        assert (other.status_code, other.json()) == (200, first.json())

    def test_the_id_of_another_users_project_is_taken(self, ada: Account, bob: Account) -> None:
        taken = bob.add_project("Secret", id=new_id())["id"]
        problem(ada.client.post(PROJECTS, json={"id": taken, "name": "Mine"}), 409, "id_taken")

    @pytest.mark.parametrize("project_id", RESERVED)
    def test_reserved_ids_are_refused(self, ada: Account, project_id: str) -> None:
        problem(ada.client.post(PROJECTS, json={"id": project_id, "name": "x"}), 422, "validation_failed")
