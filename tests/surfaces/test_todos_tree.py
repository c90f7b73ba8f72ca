"""Subtodos: the rules for parents, and the changes that cascade to subtodos."""

from typing import Any

import httpx2
import pytest

from tests.accounts import TODOS, UNKNOWN_ID, Account, problem

CHANGES = f"{TODOS}/changes"

type Json = dict[str, Any]


def add_chain(account: Account, length: int) -> list[Json]:
    """Creates `length` todos, each the subtodo of the previous one. Returns them from the root down."""
    todos = [account.add("0")]
    while len(todos) < length:
        todos.append(account.add(str(len(todos)), parent_id=todos[-1]["id"]))
    return todos


def patch(account: Account, todo: Json, **changes: object) -> httpx2.Response:
    return account.client.patch(todo["url"], json=changes)


def patch_ok(account: Account, todo: Json, **changes: object) -> Json:
    response = patch(account, todo, **changes)
    assert response.status_code == 200, response.text
    after: Json = response.json()
    return after


def read_all(account: Account, *todos: Json) -> list[Json]:
    """Returns the current state of the given todos, which may be in the trash."""
    known = {
        todo["id"]: todo
        for trashed in (False, True)
        for todo in account.client.get(TODOS, params={"trashed": trashed, "limit": 200}).json()
    }
    return [known[todo["id"]] for todo in todos]


def values(account: Account, field: str, *todos: Json) -> list[Any]:
    return [todo[field] for todo in read_all(account, *todos)]


def delete(account: Account, *todos: Json) -> None:
    for todo in todos:
        account.delete(todo["url"])


def restore(account: Account, todo: Json) -> Json:
    response = account.client.post(f"{todo['url']}/restore")
    assert response.status_code == 200, response.text
    after: Json = response.json()
    return after


def logged_operations(account: Account, since: int) -> list[tuple[str, str]]:
    """Returns operation and title of each change after the sequence number `since`."""
    found = account.client.get(CHANGES, params={"since": since}).json()
    return [(change["op"], (change["after"] or change["before"])["title"]) for change in found]


def new_project(account: Account, name: str = "Home") -> str:
    return str(account.add_project(name)["id"])


class TestParent:
    def test_a_todo_has_no_parent_by_default(self, ada: Account) -> None:
        assert ada.add()["parent_id"] is None

    def test_a_new_todo_may_have_a_parent(self, ada: Account) -> None:
        parent = ada.add()
        assert ada.add("Oat", parent_id=parent["id"])["parent_id"] == parent["id"]

    def test_the_parent_may_be_changed(self, ada: Account) -> None:
        first, second = ada.add(), ada.add()
        todo = ada.add("Oat", parent_id=first["id"])
        assert patch_ok(ada, todo, parent_id=second["id"])["parent_id"] == second["id"]

    def test_parent_id_null_moves_to_the_top_level(self, ada: Account) -> None:
        _, todo = add_chain(ada, 2)
        assert patch_ok(ada, todo, parent_id=None)["parent_id"] is None

    def test_changing_a_subtodo_does_not_change_its_parent(self, ada: Account) -> None:
        parent, todo = add_chain(ada, 2)
        patch_ok(ada, todo, title="Oat")
        assert values(ada, "version", parent) == [1]

    @pytest.mark.parametrize("kind", ["unknown", "trashed", "another's"])
    def test_the_parent_must_be_an_own_todo_outside_the_trash(self, ada: Account, bob: Account, kind: str) -> None:
        todo, trashed, bobs = ada.add(), ada.add(), bob.add()
        delete(ada, trashed)
        parent_id = {"unknown": UNKNOWN_ID, "trashed": trashed["id"], "another's": bobs["id"]}[kind]
        problem(ada.client.post(TODOS, json={"title": "Oat", "parent_id": parent_id}), 422, "unknown_parent")
        problem(patch(ada, todo, parent_id=parent_id), 422, "unknown_parent")
        assert values(ada, "version", todo) == [1]

    def test_a_refused_parent_refuses_the_whole_patch(self, ada: Account) -> None:
        todo = ada.add()
        problem(patch(ada, todo, title="Oat", parent_id=UNKNOWN_ID), 422, "unknown_parent")
        assert read_all(ada, todo) == [todo]


class TestDepth:
    def test_five_levels_of_subtodos_are_accepted(self, ada: Account) -> None:
        add_chain(ada, 6)

    def test_a_sixth_level_is_refused(self, ada: Account) -> None:
        lowest = add_chain(ada, 6)[-1]
        problem(ada.client.post(TODOS, json={"title": "6", "parent_id": lowest["id"]}), 422, "tree_too_deep")

    def test_the_depth_includes_the_subtodos_that_move_along(self, ada: Account) -> None:
        upper, lower = add_chain(ada, 4), add_chain(ada, 3)
        problem(patch(ada, lower[0], parent_id=upper[3]["id"]), 422, "tree_too_deep")
        assert patch_ok(ada, lower[0], parent_id=upper[2]["id"])["parent_id"] == upper[2]["id"]

    def test_the_depth_ignores_todos_in_the_trash(self, ada: Account) -> None:
        upper, lower = add_chain(ada, 4), add_chain(ada, 3)
        delete(ada, lower[2])
        assert patch(ada, lower[0], parent_id=upper[3]["id"]).status_code == 200

    def test_a_restored_todo_without_room_goes_to_the_top_level(self, ada: Account) -> None:
        upper, lower = add_chain(ada, 4), add_chain(ada, 3)
        delete(ada, lower[2])
        patch_ok(ada, lower[0], parent_id=upper[3]["id"])
        assert restore(ada, lower[2])["parent_id"] is None


class TestCycle:
    def test_a_todo_cannot_be_its_own_parent(self, ada: Account) -> None:
        todo = ada.add()
        problem(patch(ada, todo, parent_id=todo["id"]), 422, "tree_cycle")

    @pytest.mark.parametrize("length", [2, 3, 6])
    def test_a_todo_cannot_move_below_its_subtodos(self, ada: Account, length: int) -> None:
        todos = add_chain(ada, length)
        problem(patch(ada, todos[0], parent_id=todos[-1]["id"]), 422, "tree_cycle")
        assert values(ada, "parent_id", todos[0]) == [None]

    def test_a_parent_and_its_subtodo_can_swap_places(self, ada: Account) -> None:
        upper, lower = add_chain(ada, 2)
        patch_ok(ada, lower, parent_id=None)
        assert patch_ok(ada, upper, parent_id=lower["id"])["parent_id"] == lower["id"]


class TestDelete:
    def test_deleting_a_todo_deletes_its_subtodos(self, ada: Account) -> None:
        todos = [*add_chain(ada, 4), ada.add("Other")]
        delete(ada, todos[0])
        times = values(ada, "deleted_at", *todos)
        assert times[0]
        assert times == [times[0]] * 4 + [None]

    def test_deleting_a_subtodo_keeps_its_parent(self, ada: Account) -> None:
        todos = add_chain(ada, 3)
        delete(ada, todos[1])
        assert [bool(time) for time in values(ada, "deleted_at", *todos)] == [False, True, True]

    def test_each_deleted_subtodo_gets_a_version_and_a_log_entry(self, ada: Account) -> None:
        todos = add_chain(ada, 3)
        delete(ada, todos[0])
        assert values(ada, "version", *todos) == [2, 2, 2]
        assert logged_operations(ada, 3) == [("delete", "0"), ("delete", "1"), ("delete", "2")]

    def test_log_entries_of_subtodos_name_the_same_actor(self, ada: Account, client: httpx2.Client) -> None:
        todos = add_chain(ada, 3)
        client.delete(todos[0]["url"], headers=ada.bearer).raise_for_status()
        found = ada.client.get(CHANGES, params={"since": 3}).json()
        assert [change["actor"]["kind"] for change in found] == ["token"] * 3

    def test_a_subtodo_deleted_earlier_keeps_its_deleted_at(self, ada: Account) -> None:
        todos = add_chain(ada, 2)
        delete(ada, todos[1])
        [before] = values(ada, "deleted_at", todos[1])
        delete(ada, todos[0])
        assert values(ada, "deleted_at", todos[1]) == [before]


class TestRestore:
    def test_restoring_a_todo_restores_the_subtodos_deleted_with_it(self, ada: Account) -> None:
        todos = add_chain(ada, 4)
        delete(ada, todos[0])
        restore(ada, todos[0])
        assert values(ada, "deleted_at", *todos) == [None] * 4
        assert values(ada, "parent_id", *todos) == [None, *(todo["id"] for todo in todos[:3])]
        assert logged_operations(ada, 8) == [("restore", str(number)) for number in range(4)]

    def test_a_subtodo_deleted_earlier_stays_in_the_trash(self, ada: Account) -> None:
        todos = add_chain(ada, 3)
        delete(ada, todos[1], todos[0])
        restore(ada, todos[0])
        assert [bool(time) for time in values(ada, "deleted_at", *todos)] == [False, True, True]

    def test_a_subtodo_restored_without_its_parent_goes_to_the_top_level(self, ada: Account) -> None:
        todos = add_chain(ada, 3)
        delete(ada, todos[0])
        assert restore(ada, todos[1])["parent_id"] is None
        assert [bool(time) for time in values(ada, "deleted_at", *todos)] == [True, False, False]
        assert values(ada, "parent_id", todos[2]) == [todos[1]["id"]]

    def test_it_stays_at_the_top_level_when_the_parent_is_restored_later(self, ada: Account) -> None:
        todos = add_chain(ada, 2)
        delete(ada, todos[0])
        restore(ada, todos[1])
        restore(ada, todos[0])
        assert values(ada, "parent_id", todos[1]) == [None]

    def test_a_restored_subtodo_takes_the_project_of_its_parent(self, ada: Account) -> None:
        project_id = new_project(ada)
        todos = add_chain(ada, 3)
        delete(ada, todos[1])
        patch_ok(ada, todos[0], project_id=project_id)
        assert restore(ada, todos[1])["project_id"] == project_id
        assert values(ada, "project_id", todos[2]) == [project_id]


class TestComplete:
    def test_completing_a_todo_completes_its_open_subtodos(self, ada: Account) -> None:
        todos = add_chain(ada, 4)
        completed_at = patch_ok(ada, todos[0], completed=True)["completed_at"]
        assert values(ada, "completed", *todos) == [True] * 4
        assert values(ada, "completed_at", *todos) == [completed_at] * 4
        assert values(ada, "version", *todos) == [2] * 4
        assert sorted(logged_operations(ada, 4)) == [("complete", str(number)) for number in range(4)]

    def test_a_subtodo_completed_earlier_keeps_its_completed_at(self, ada: Account) -> None:
        todos = add_chain(ada, 2)
        before = patch_ok(ada, todos[1], completed=True)["completed_at"]
        patch_ok(ada, todos[0], completed=True)
        assert values(ada, "completed_at", todos[1]) == [before]

    def test_open_subtodos_below_completed_ones_are_completed(self, ada: Account) -> None:
        todos = add_chain(ada, 3)
        patch_ok(ada, todos[1], completed=True)
        patch_ok(ada, todos[2], completed=False)
        patch_ok(ada, todos[0], completed=True)
        assert values(ada, "completed", *todos) == [True] * 3

    def test_the_parent_and_todos_in_the_trash_are_not_completed(self, ada: Account) -> None:
        todos = add_chain(ada, 3)
        delete(ada, todos[2])
        patch_ok(ada, todos[1], completed=True)
        assert values(ada, "completed", *todos) == [False, True, False]

    def test_reopening_a_todo_leaves_its_subtodos_completed(self, ada: Account) -> None:
        todos = add_chain(ada, 3)
        patch_ok(ada, todos[0], completed=True)
        patch_ok(ada, todos[0], completed=False)
        assert values(ada, "completed", *todos) == [False, True, True]


class TestProject:
    def test_a_new_subtodo_takes_the_project_of_its_parent(self, ada: Account) -> None:
        project_id, other = new_project(ada), new_project(ada, "Other")
        parent = ada.add("Milk", project_id=project_id)
        assert ada.add("Oat", parent_id=parent["id"])["project_id"] == project_id
        assert ada.add("Soy", parent_id=parent["id"], project_id=other)["project_id"] == project_id

    def test_a_subtodo_of_a_parent_without_project_has_none(self, ada: Account) -> None:
        assert ada.add("Oat", parent_id=ada.add()["id"], project_id=new_project(ada))["project_id"] is None

    def test_a_new_project_applies_to_the_whole_tree(self, ada: Account) -> None:
        project_id, todos = new_project(ada), add_chain(ada, 4)
        patch_ok(ada, todos[0], project_id=project_id)
        assert values(ada, "project_id", *todos) == [project_id] * 4
        assert values(ada, "parent_id", *todos) == [None, *(todo["id"] for todo in todos[:3])]
        assert values(ada, "version", *todos) == [2] * 4
        assert logged_operations(ada, 5) == [("update", str(number)) for number in range(4)]

    def test_the_project_of_a_new_parent_wins_over_project_id(self, ada: Account) -> None:
        project_id, other = new_project(ada), new_project(ada, "Other")
        parent, todos = ada.add(project_id=project_id), add_chain(ada, 2)
        after = patch_ok(ada, todos[0], parent_id=parent["id"], project_id=other)
        assert (after["parent_id"], after["project_id"]) == (parent["id"], project_id)
        assert values(ada, "project_id", todos[1]) == [project_id]

    def test_the_project_of_the_same_parent_wins_over_project_id(self, ada: Account) -> None:
        parent, todo = add_chain(ada, 2)
        after = patch_ok(ada, todo, parent_id=parent["id"], project_id=new_project(ada))
        assert (after["parent_id"], after["project_id"]) == (parent["id"], None)

    @pytest.mark.parametrize("into", ["another", "none"])
    def test_a_subtodo_with_another_project_leaves_its_parent(self, ada: Account, into: str) -> None:
        todos = add_chain(ada, 3)
        patch_ok(ada, todos[0], project_id=new_project(ada))
        project_id = new_project(ada, "Other") if into == "another" else None
        after = patch_ok(ada, todos[1], project_id=project_id)
        assert (after["parent_id"], after["project_id"]) == (None, project_id)
        assert values(ada, "project_id", todos[2]) == [project_id]
        assert values(ada, "parent_id", todos[2]) == [todos[1]["id"]]

    def test_a_subtodo_given_the_same_project_stays_below_its_parent(self, ada: Account) -> None:
        project_id, todos = new_project(ada), add_chain(ada, 2)
        patch_ok(ada, todos[0], project_id=project_id)
        assert patch_ok(ada, todos[1], project_id=project_id)["parent_id"] == todos[0]["id"]

    def test_a_subtodo_that_leaves_its_parent_keeps_the_project(self, ada: Account) -> None:
        project_id, todos = new_project(ada), add_chain(ada, 2)
        patch_ok(ada, todos[0], project_id=project_id)
        assert patch_ok(ada, todos[1], parent_id=None)["project_id"] == project_id

    @pytest.mark.parametrize("kind", ["unknown", "another's"])
    def test_the_project_must_be_an_own_project(self, ada: Account, bob: Account, kind: str) -> None:
        todo, project_id = ada.add(), UNKNOWN_ID if kind == "unknown" else new_project(bob)
        problem(ada.client.post(TODOS, json={"title": "Oat", "project_id": project_id}), 422, "unknown_project")
        problem(patch(ada, todo, project_id=project_id), 422, "unknown_project")
        assert values(ada, "version", todo) == [1]
