"""GET /api/v1/todos?trashed=true and POST /api/v1/todos/{id}/restore."""

import pytest

from tests.accounts import TODOS, UNKNOWN_TODO, Account, problem


class TestRestore:
    def test_restore_answers_the_todo_with_its_etag(self, ada: Account) -> None:
        todo = ada.add(tags=["home"], priority="high")
        ada.delete(todo["url"])
        restored = ada.client.post(f"{todo['url']}/restore")
        assert restored.status_code == 200
        assert restored.json() == todo | {
            "version": 3,
            "updated_at": restored.json()["updated_at"],
        }
        read = ada.client.get(todo["url"])
        assert (read.json(), read.headers["etag"]) == (restored.json(), restored.headers["etag"])

    def test_a_restored_todo_is_listed_and_not_in_the_trash(self, ada: Account) -> None:
        url = ada.add()["url"]
        ada.delete(url)
        assert (ada.titles(), [todo["title"] for todo in ada.trash()]) == ([], ["Buy milk"])
        ada.client.post(f"{url}/restore")
        assert (ada.titles(), ada.trash()) == (["Buy milk"], [])

    def test_restoring_a_todo_outside_the_trash_answers_it_unchanged(self, ada: Account) -> None:
        todo = ada.add()
        restored = ada.client.post(f"{todo['url']}/restore")
        assert (restored.status_code, restored.json()) == (200, todo)
        assert restored.headers["etag"] == ada.client.get(todo["url"]).headers["etag"]

    def test_restoring_again_changes_nothing(self, ada: Account) -> None:
        url = ada.add()["url"]
        ada.delete(url)
        first, second = (ada.client.post(f"{url}/restore") for _ in range(2))
        assert (first.json(), first.headers["etag"]) == (second.json(), second.headers["etag"])

    def test_an_unknown_todo_is_not_found(self, ada: Account) -> None:
        problem(ada.client.post(f"{UNKNOWN_TODO}/restore"), 404, "todo_not_found")

    @pytest.mark.parametrize("given", ["*", '"0", "{}"', '"{}"'])
    def test_the_current_etag_restores(self, ada: Account, given: str) -> None:
        url = ada.add()["url"]
        ada.delete(url)
        current = ada.trash()[0]["version"]
        restored = ada.client.post(f"{url}/restore", headers={"If-Match": given.format(current)})
        assert restored.status_code == 200
        assert ada.titles() == ["Buy milk"]

    def test_a_stale_etag_restores_nothing(self, ada: Account) -> None:
        url = ada.add()["url"]
        stale = ada.client.get(url).headers["etag"]
        ada.delete(url)
        problem(ada.client.post(f"{url}/restore", headers={"If-Match": stale}), 412, "stale_version")
        assert (ada.titles(), len(ada.trash())) == ([], 1)

    def test_a_stale_etag_is_refused_for_a_todo_outside_the_trash(self, ada: Account) -> None:
        url = ada.add()["url"]
        stale = ada.client.get(url).headers["etag"]
        ada.client.patch(url, json={"title": "Buy oat milk"})
        problem(ada.client.post(f"{url}/restore", headers={"If-Match": stale}), 412, "stale_version")


class TestTrash:
    def test_a_new_account_has_an_empty_trash(self, ada: Account) -> None:
        ada.add()
        assert ada.trash() == []

    def test_the_trash_lists_deleted_todos_with_deleted_at(self, ada: Account) -> None:
        todo = ada.add("Goes")
        ada.add("Stays")
        ada.delete(todo["url"])
        [found] = ada.trash()
        assert found == todo | {"version": 2, "updated_at": found["updated_at"], "deleted_at": found["deleted_at"]}
        assert found["deleted_at"] == found["updated_at"] > todo["updated_at"]

    def test_deleted_todos_are_not_in_the_default_list(self, ada: Account) -> None:
        ada.delete(ada.add("Goes")["url"])
        ada.add("Stays")
        assert ada.titles() == ada.titles(trashed=False) == ["Stays"]

    def test_the_other_filters_apply_to_the_trash(self, ada: Account) -> None:
        for title, priority in (("Buy milk", "high"), ("Buy eggs", "low"), ("Call mum", "high")):
            ada.delete(ada.add(title, priority=priority)["url"])
        assert ada.titles(trashed=True, priority="high", q="buy") == ["Buy milk"]

    def test_the_trash_has_pages(self, ada: Account) -> None:
        for title in "abc":
            ada.delete(ada.add(title)["url"])
        page = ada.client.get(TODOS, params={"trashed": True, "limit": 2})
        rest = ada.client.get(page.links["next"]["url"])
        assert sorted(todo["title"] for todo in [*page.json(), *rest.json()]) == ["a", "b", "c"]

    def test_the_trash_of_other_users_is_not_listed(self, ada: Account, bob: Account) -> None:
        ada.delete(ada.add()["url"])
        assert bob.trash() == []

    @pytest.mark.parametrize("value", ["1", "yes", "", "TRUE"])
    def test_trashed_takes_only_true_or_false(self, ada: Account, value: str) -> None:
        refused = problem(ada.client.get(TODOS, params={"trashed": value}), 422, "validation_failed")
        assert [error["field"] for error in refused["errors"]] == ["trashed"]


class TestDeletionsInOneBatch:
    """One moment for two deletions is not one deletion: a restore brings back what was deleted by the same one."""

    def run(self, account: Account, *operations: dict[str, object]) -> None:
        done = account.client.post(f"{TODOS}/batch", json={"operations": operations})
        assert done.status_code == 200, done.text

    def test_a_child_that_was_deleted_before_its_parent_stays_in_the_trash(self, ada: Account) -> None:
        parent = ada.add("Parent")
        child = ada.add("Child", parent_id=parent["id"])
        other = ada.add("Other child", parent_id=parent["id"])
        self.run(ada, {"op": "delete", "id": child["id"]}, {"op": "delete", "id": parent["id"]})
        ada.client.post(f"{parent['url']}/restore").raise_for_status()
        assert sorted(ada.titles()) == ["Other child", "Parent"]
        assert [todo["id"] for todo in ada.trash()] == [child["id"]]
        assert ada.client.get(other["url"]).json()["parent_id"] == parent["id"]

    def test_a_child_deleted_again_in_the_batch_stays_too(self, ada: Account) -> None:
        parent = ada.add("Parent")
        child = ada.add("Child", parent_id=parent["id"])
        self.run(
            ada,
            *(
                {"op": op, "id": each["id"]}
                for op, each in (("delete", parent), ("restore", parent), ("delete", child))
            ),
            {"op": "delete", "id": parent["id"]},
        )
        ada.client.post(f"{parent['url']}/restore").raise_for_status()
        assert ada.titles() == ["Parent"]

    def test_a_restore_in_the_same_batch_leaves_the_child(self, ada: Account) -> None:
        parent = ada.add("Parent")
        child = ada.add("Child", parent_id=parent["id"])
        steps = (("delete", child), ("delete", parent), ("restore", parent))
        self.run(ada, *({"op": op, "id": each["id"]} for op, each in steps))
        assert ada.titles() == ["Parent"]

    def test_a_project_takes_its_trees_along(self, ada: Account) -> None:
        project = ada.add_project()
        parent = ada.add("Parent", project_id=project["id"])
        ada.add("Child", parent_id=parent["id"])
        ada.delete(project["url"])
        ada.client.post(f"{parent['url']}/restore").raise_for_status()
        assert sorted(ada.titles()) == ["Child", "Parent"]
