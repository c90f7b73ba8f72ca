"""POST /api/v1/todos/restore: takes the todos that the filters select out of the trash."""

from uuid import uuid4

import pytest

from tests.accounts import PROJECTS, TODOS, Account, problem

RESTORE = f"{TODOS}/restore"


def restore(account: Account, **filters: str | list[str]) -> None:
    answer = account.client.post(RESTORE, params=filters)
    assert (answer.status_code, answer.content) == (204, b""), answer.text


def empty(account: Account) -> None:
    account.client.delete(TODOS, params={"all": "true"}).raise_for_status()


class TestRestoreAll:
    def test_every_todo_leaves_the_trash(self, ada: Account) -> None:
        for number in range(3):
            ada.add(str(number))
        empty(ada)
        restore(ada, all="true")
        assert (ada.titles(), ada.trash()) == (["0", "1", "2"], [])

    def test_again_it_changes_nothing(self, ada: Account) -> None:
        ada.add()
        empty(ada)
        restore(ada, all="true")
        [before] = ada.client.get(TODOS).json()
        restore(ada, all="true")
        assert ada.client.get(TODOS).json() == [before]

    @pytest.mark.parametrize(
        "filters", [{"completed": "true"}, {"tag": ["a", "b"]}, {"q": "mil"}, {"due_before": "2030-01-02"}]
    )
    def test_the_filters_select_the_same_todos_as_the_list(
        self, ada: Account, filters: dict[str, str | list[str]]
    ) -> None:
        ada.add("Stays", tags=["a"], due_date="2030-01-02")
        ada.add("Milk, done", completed=True, tags=["a", "b"], due_date="2030-01-01")
        ada.add("Milk, open", tags=["b", "a"], due_date="2020-01-01")
        empty(ada)
        listed = ada.titles(trashed="true", **filters)
        assert 0 < len(listed) < 3
        restore(ada, **filters)
        assert sorted(ada.titles()) == sorted(listed)
        assert len(ada.trash()) == 3 - len(listed)

    def test_live_todos_and_todos_of_other_users_stay_as_they_are(self, ada: Account, bob: Account) -> None:
        bob.delete(bob.add()["url"])
        live = ada.add()
        restore(ada, all="true")
        assert len(bob.trash()) == 1
        assert ada.client.get(live["url"]).json() == live

    def test_subtodos_that_were_deleted_with_a_todo_come_back_below_it(self, ada: Account) -> None:
        trip = ada.add("Trip", completed=True)
        ada.add("Pack", parent_id=trip["id"])
        ada.delete(trip["url"])
        restore(ada, completed="true")
        assert ada.titles(parent_id=trip["id"]) == ["Pack"]

    def test_subtodos_that_were_deleted_before_come_back_below_their_parent(self, ada: Account) -> None:
        trip = ada.add("Trip")
        bag = ada.add("Bag", parent_id=trip["id"])
        socks = ada.add("Socks", parent_id=bag["id"])
        for todo in (socks, bag, trip):
            ada.delete(todo["url"])
        restore(ada, all="true")
        assert ada.titles(parent_id=trip["id"]) == ["Bag"]
        assert ada.titles(parent_id=bag["id"]) == ["Socks"]

    def test_a_subtodo_without_its_parent_goes_to_the_top_level(self, ada: Account) -> None:
        trip = ada.add("Trip")
        ada.add("Pack", parent_id=trip["id"])
        ada.delete(trip["url"])
        restore(ada, q="pack")
        assert ada.titles(parent_id="none") == ["Pack"]
        assert [todo["title"] for todo in ada.trash()] == ["Trip"]

    def test_todos_of_a_deleted_project_come_back_without_it(self, ada: Account) -> None:
        project = ada.add_project()
        ada.add("Milk", project_id=project["id"])
        ada.client.delete(f"{PROJECTS}/{project['id']}", params={"todos": "delete"}).raise_for_status()
        restore(ada, all="true")
        assert ada.titles(project_id="none") == ["Milk"]

    def test_the_change_log_names_the_sender(self, ada: Account) -> None:
        for number in range(2):
            ada.add(str(number))
        empty(ada)
        restore(ada, all="true")
        changes = ada.client.get(f"{TODOS}/changes", params={"since": 4}).json()
        assert [(change["op"], change["actor"]["kind"]) for change in changes] == [("restore", "user")] * 2
        assert all(change["after"]["version"] == 3 for change in changes)

    def test_a_repeat_with_its_key_leaves_later_deletions(self, ada: Account) -> None:
        headers = {"Idempotency-Key": uuid4().hex}
        todo = ada.add()
        for _ in range(2):
            ada.delete(todo["url"])
            answer = ada.client.post(RESTORE, params={"all": "true"}, headers=headers)
            assert answer.status_code == 204
        assert len(ada.trash()) == 1

    @pytest.mark.parametrize("parameters", [{}, {"all": "false"}])
    def test_without_a_filter_nothing_is_restored_unless_all_is_true(
        self, ada: Account, parameters: dict[str, str]
    ) -> None:
        ada.delete(ada.add()["url"])
        refused = problem(ada.client.post(RESTORE, params=parameters), 422, "validation_failed")
        assert [error["code"] for error in refused["errors"]] == ["filter_or_all"]
        assert len(ada.trash()) == 1

    def test_other_methods_are_not_allowed(self, ada: Account) -> None:
        problem(ada.client.get(RESTORE), 405, "method_not_allowed")
