"""Subtodos: where a todo may lie, and what goes along with it."""

from typing import Any

import httpx2
import pytest

from tests.accounts import TODOS, Account, problem

UNKNOWN = "0198c5a1-7a10-7b3e-8c55-2f4d0c9e1a22"
CHANGES = f"{TODOS}/changes"

type Json = dict[str, Any]


def chain(account: Account, length: int) -> list[Json]:
    """A todo and its subtodos, each below the one before."""
    todos = [account.add("0")]
    while len(todos) < length:
        todos.append(account.add(str(len(todos)), parent_id=todos[-1]["id"]))
    return todos


def patch(account: Account, todo: Json, **changes: object) -> httpx2.Response:
    return account.client.patch(todo["url"], json=changes)


def changed(account: Account, todo: Json, **changes: object) -> Json:
    response = patch(account, todo, **changes)
    assert response.status_code == 200, response.text
    after: Json = response.json()
    return after


def now(account: Account, *todos: Json) -> list[Json]:
    """The todos as they are, in the trash too."""
    known = {
        todo["id"]: todo
        for trashed in (False, True)
        for todo in account.client.get(TODOS, params={"trashed": trashed, "limit": 200}).json()
    }
    return [known[todo["id"]] for todo in todos]


def values(account: Account, field: str, *todos: Json) -> list[Any]:
    return [todo[field] for todo in now(account, *todos)]


def delete(account: Account, *todos: Json) -> None:
    for todo in todos:
        assert account.client.delete(todo["url"]).status_code == 204


def restored(account: Account, todo: Json) -> Json:
    response = account.client.post(f"{todo['url']}/restore")
    assert response.status_code == 200, response.text
    after: Json = response.json()
    return after


def ops(account: Account, since: int) -> list[tuple[str, str]]:
    """What the log tells after a sequence number, by title."""
    found = account.client.get(CHANGES, params={"since": since}).json()
    return [(change["op"], (change["after"] or change["before"])["title"]) for change in found]


def new_project(account: Account, name: str = "Home") -> str:
    return str(account.add_project(name)["id"])


class TestParent:
    def test_is_none_by_default(self, ada: Account) -> None:
        assert ada.add()["parent_id"] is None

    def test_may_be_given_to_a_new_todo(self, ada: Account) -> None:
        parent = ada.add()
        assert ada.add("Oat", parent_id=parent["id"])["parent_id"] == parent["id"]

    def test_may_be_changed(self, ada: Account) -> None:
        first, second = ada.add(), ada.add()
        todo = ada.add("Oat", parent_id=first["id"])
        assert changed(ada, todo, parent_id=second["id"])["parent_id"] == second["id"]

    def test_null_leads_to_the_top_level(self, ada: Account) -> None:
        _, todo = chain(ada, 2)
        assert changed(ada, todo, parent_id=None)["parent_id"] is None

    def test_is_not_touched_when_a_subtodo_is(self, ada: Account) -> None:
        parent, todo = chain(ada, 2)
        changed(ada, todo, title="Oat")
        assert values(ada, "version", parent) == [1]

    @pytest.mark.parametrize("kind", ["unknown", "trashed", "another's"])
    def test_must_be_a_todo_of_the_users_that_is_not_in_the_trash(self, ada: Account, bob: Account, kind: str) -> None:
        todo, trashed, bobs = ada.add(), ada.add(), bob.add()
        delete(ada, trashed)
        parent_id = {"unknown": UNKNOWN, "trashed": trashed["id"], "another's": bobs["id"]}[kind]
        problem(ada.client.post(TODOS, json={"title": "Oat", "parent_id": parent_id}), 422, "unknown_parent")
        problem(patch(ada, todo, parent_id=parent_id), 422, "unknown_parent")
        assert values(ada, "version", todo) == [1]

    def test_one_that_is_refused_keeps_all_of_the_patch_out(self, ada: Account) -> None:
        todo = ada.add()
        problem(patch(ada, todo, title="Oat", parent_id=UNKNOWN), 422, "unknown_parent")
        assert now(ada, todo) == [todo]


class TestDepth:
    def test_five_levels_below_the_top_are_fine(self, ada: Account) -> None:
        chain(ada, 6)

    def test_a_sixth_is_refused(self, ada: Account) -> None:
        lowest = chain(ada, 6)[-1]
        problem(ada.client.post(TODOS, json={"title": "6", "parent_id": lowest["id"]}), 422, "tree_too_deep")

    def test_counts_what_moves_along(self, ada: Account) -> None:
        upper, lower = chain(ada, 4), chain(ada, 3)
        problem(patch(ada, lower[0], parent_id=upper[3]["id"]), 422, "tree_too_deep")
        assert changed(ada, lower[0], parent_id=upper[2]["id"])["parent_id"] == upper[2]["id"]

    def test_does_not_count_what_lies_in_the_trash(self, ada: Account) -> None:
        upper, lower = chain(ada, 4), chain(ada, 3)
        delete(ada, lower[2])
        assert patch(ada, lower[0], parent_id=upper[3]["id"]).status_code == 200

    def test_what_has_no_room_any_more_comes_back_at_the_top_level(self, ada: Account) -> None:
        upper, lower = chain(ada, 4), chain(ada, 3)
        delete(ada, lower[2])
        changed(ada, lower[0], parent_id=upper[3]["id"])
        assert restored(ada, lower[2])["parent_id"] is None


class TestCycle:
    def test_a_todo_is_not_its_own_subtodo(self, ada: Account) -> None:
        todo = ada.add()
        problem(patch(ada, todo, parent_id=todo["id"]), 422, "tree_cycle")

    @pytest.mark.parametrize("length", [2, 3, 6])
    def test_a_todo_does_not_go_below_its_subtodos(self, ada: Account, length: int) -> None:
        todos = chain(ada, length)
        problem(patch(ada, todos[0], parent_id=todos[-1]["id"]), 422, "tree_cycle")
        assert values(ada, "parent_id", todos[0]) == [None]

    def test_two_may_change_places(self, ada: Account) -> None:
        upper, lower = chain(ada, 2)
        changed(ada, lower, parent_id=None)
        assert changed(ada, upper, parent_id=lower["id"])["parent_id"] == lower["id"]


class TestDelete:
    def test_takes_the_subtodos_along(self, ada: Account) -> None:
        todos = [*chain(ada, 4), ada.add("Other")]
        delete(ada, todos[0])
        times = values(ada, "deleted_at", *todos)
        assert times[0]
        assert times == [times[0]] * 4 + [None]

    def test_leaves_the_parent(self, ada: Account) -> None:
        todos = chain(ada, 3)
        delete(ada, todos[1])
        assert [bool(time) for time in values(ada, "deleted_at", *todos)] == [False, True, True]

    def test_each_gets_a_version_and_a_line_in_the_log(self, ada: Account) -> None:
        todos = chain(ada, 3)
        delete(ada, todos[0])
        assert values(ada, "version", *todos) == [2, 2, 2]
        assert ops(ada, 3) == [("delete", "0"), ("delete", "1"), ("delete", "2")]

    def test_in_the_name_of_who_deleted_the_first(self, ada: Account, client: httpx2.Client) -> None:
        todos = chain(ada, 3)
        client.delete(todos[0]["url"], headers=ada.bearer).raise_for_status()
        found = ada.client.get(CHANGES, params={"since": 3}).json()
        assert [change["actor"]["kind"] for change in found] == ["token"] * 3

    def test_what_was_in_the_trash_keeps_its_time(self, ada: Account) -> None:
        todos = chain(ada, 2)
        delete(ada, todos[1])
        [before] = values(ada, "deleted_at", todos[1])
        delete(ada, todos[0])
        assert values(ada, "deleted_at", todos[1]) == [before]


class TestRestore:
    def test_brings_back_what_went_along(self, ada: Account) -> None:
        todos = chain(ada, 4)
        delete(ada, todos[0])
        restored(ada, todos[0])
        assert values(ada, "deleted_at", *todos) == [None] * 4
        assert values(ada, "parent_id", *todos) == [None, *(todo["id"] for todo in todos[:3])]
        assert ops(ada, 8) == [("restore", str(number)) for number in range(4)]

    def test_leaves_what_went_by_itself(self, ada: Account) -> None:
        todos = chain(ada, 3)
        delete(ada, todos[1], todos[0])
        restored(ada, todos[0])
        assert [bool(time) for time in values(ada, "deleted_at", *todos)] == [False, True, True]

    def test_alone_comes_back_at_the_top_level(self, ada: Account) -> None:
        todos = chain(ada, 3)
        delete(ada, todos[0])
        assert restored(ada, todos[1])["parent_id"] is None
        assert [bool(time) for time in values(ada, "deleted_at", *todos)] == [True, False, False]
        assert values(ada, "parent_id", todos[2]) == [todos[1]["id"]]

    def test_stays_there_when_the_parent_follows(self, ada: Account) -> None:
        todos = chain(ada, 2)
        delete(ada, todos[0])
        restored(ada, todos[1])
        restored(ada, todos[0])
        assert values(ada, "parent_id", todos[1]) == [None]

    def test_finds_the_project_of_its_parent(self, ada: Account) -> None:
        project_id = new_project(ada)
        todos = chain(ada, 3)
        delete(ada, todos[1])
        changed(ada, todos[0], project_id=project_id)
        assert restored(ada, todos[1])["project_id"] == project_id
        assert values(ada, "project_id", todos[2]) == [project_id]


class TestComplete:
    def test_completes_what_is_open_below(self, ada: Account) -> None:
        todos = chain(ada, 4)
        completed_at = changed(ada, todos[0], completed=True)["completed_at"]
        assert values(ada, "completed", *todos) == [True] * 4
        assert values(ada, "completed_at", *todos) == [completed_at] * 4
        assert values(ada, "version", *todos) == [2] * 4
        assert sorted(ops(ada, 4)) == [("complete", str(number)) for number in range(4)]

    def test_keeps_the_time_of_what_was_done_before(self, ada: Account) -> None:
        todos = chain(ada, 2)
        before = changed(ada, todos[1], completed=True)["completed_at"]
        changed(ada, todos[0], completed=True)
        assert values(ada, "completed_at", todos[1]) == [before]

    def test_reaches_what_is_open_below_what_is_done(self, ada: Account) -> None:
        todos = chain(ada, 3)
        changed(ada, todos[1], completed=True)
        changed(ada, todos[2], completed=False)
        changed(ada, todos[0], completed=True)
        assert values(ada, "completed", *todos) == [True] * 3

    def test_leaves_the_parent_and_the_trash(self, ada: Account) -> None:
        todos = chain(ada, 3)
        delete(ada, todos[2])
        changed(ada, todos[1], completed=True)
        assert values(ada, "completed", *todos) == [False, True, False]

    def test_reopening_opens_the_todo_alone(self, ada: Account) -> None:
        todos = chain(ada, 3)
        changed(ada, todos[0], completed=True)
        changed(ada, todos[0], completed=False)
        assert values(ada, "completed", *todos) == [False, True, True]


class TestProject:
    def test_of_a_new_subtodo_is_its_parents(self, ada: Account) -> None:
        project_id, other = new_project(ada), new_project(ada, "Other")
        parent = ada.add("Milk", project_id=project_id)
        assert ada.add("Oat", parent_id=parent["id"])["project_id"] == project_id
        assert ada.add("Soy", parent_id=parent["id"], project_id=other)["project_id"] == project_id

    def test_of_a_subtodo_without_one_is_none(self, ada: Account) -> None:
        assert ada.add("Oat", parent_id=ada.add()["id"], project_id=new_project(ada))["project_id"] is None

    def test_changes_for_all_of_the_tree(self, ada: Account) -> None:
        project_id, todos = new_project(ada), chain(ada, 4)
        changed(ada, todos[0], project_id=project_id)
        assert values(ada, "project_id", *todos) == [project_id] * 4
        assert values(ada, "parent_id", *todos) == [None, *(todo["id"] for todo in todos[:3])]
        assert values(ada, "version", *todos) == [2] * 4
        assert ops(ada, 4) == [("update", str(number)) for number in range(4)]

    def test_of_a_new_parent_wins(self, ada: Account) -> None:
        project_id, other = new_project(ada), new_project(ada, "Other")
        parent, todos = ada.add(project_id=project_id), chain(ada, 2)
        after = changed(ada, todos[0], parent_id=parent["id"], project_id=other)
        assert (after["parent_id"], after["project_id"]) == (parent["id"], project_id)
        assert values(ada, "project_id", todos[1]) == [project_id]

    def test_of_a_parent_that_is_given_again_wins_too(self, ada: Account) -> None:
        parent, todo = chain(ada, 2)
        after = changed(ada, todo, parent_id=parent["id"], project_id=new_project(ada))
        assert (after["parent_id"], after["project_id"]) == (parent["id"], None)

    @pytest.mark.parametrize("into", ["another", "none"])
    def test_of_its_own_takes_a_subtodo_away_from_its_parent(self, ada: Account, into: str) -> None:
        todos = chain(ada, 3)
        changed(ada, todos[0], project_id=new_project(ada))
        project_id = new_project(ada, "Other") if into == "another" else None
        after = changed(ada, todos[1], project_id=project_id)
        assert (after["parent_id"], after["project_id"]) == (None, project_id)
        assert values(ada, "project_id", todos[2]) == [project_id]
        assert values(ada, "parent_id", todos[2]) == [todos[1]["id"]]

    def test_the_same_one_leaves_it_there(self, ada: Account) -> None:
        project_id, todos = new_project(ada), chain(ada, 2)
        changed(ada, todos[0], project_id=project_id)
        assert changed(ada, todos[1], project_id=project_id)["parent_id"] == todos[0]["id"]

    def test_stays_when_the_parent_is_left(self, ada: Account) -> None:
        project_id, todos = new_project(ada), chain(ada, 2)
        changed(ada, todos[0], project_id=project_id)
        assert changed(ada, todos[1], parent_id=None)["project_id"] == project_id

    @pytest.mark.parametrize("kind", ["unknown", "another's"])
    def test_must_be_the_users(self, ada: Account, bob: Account, kind: str) -> None:
        todo, project_id = ada.add(), UNKNOWN if kind == "unknown" else new_project(bob)
        problem(ada.client.post(TODOS, json={"title": "Oat", "project_id": project_id}), 422, "unknown_project")
        problem(patch(ada, todo, project_id=project_id), 422, "unknown_project")
        assert values(ada, "version", todo) == [1]
