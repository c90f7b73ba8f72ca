"""DELETE /api/v1/todos: moves the todos that the filters select to the trash."""

import pytest

from tests.accounts import TODOS, Account, problem


def delete(account: Account, **filters: str | list[str]) -> None:
    answer = account.client.delete(TODOS, params=filters)
    assert (answer.status_code, answer.content) == (204, b""), answer.text


class TestDeleteAll:
    def test_every_todo_goes_to_the_trash(self, ada: Account) -> None:
        for number in range(3):
            ada.add(str(number))
        delete(ada, all="true")
        assert (ada.titles(), ada.titles(trashed="true")) == ([], ["0", "1", "2"])

    def test_the_path_with_a_trailing_slash_answers_too(self, ada: Account) -> None:
        ada.add()
        assert ada.client.delete(f"{TODOS}/?all=true").status_code == 204
        assert ada.titles() == []

    def test_an_empty_list_answers_204(self, ada: Account) -> None:
        delete(ada, all="true")
        delete(ada, q="milk")

    def test_todos_of_other_users_are_kept(self, ada: Account, bob: Account) -> None:
        bob.add("Bob's")
        delete(ada, all="true")
        assert bob.titles() == ["Bob's"]

    @pytest.mark.parametrize(
        "filters",
        [
            {"completed": "true"},
            {"priority": "high"},
            {"tag": ["a", "b"]},
            {"q": "mil"},
            {"due_before": "2030-01-02"},
            {"overdue": "true"},
            {"parent_id": "none", "completed": "true"},
        ],
    )
    def test_the_filters_select_the_same_todos_as_the_list(
        self, ada: Account, filters: dict[str, str | list[str]]
    ) -> None:
        ada.add("Kept", priority="low", tags=["a"], due_date="2030-01-02")
        ada.add("Milk, done", completed=True, priority="high", tags=["a", "b"], due_date="2030-01-01")
        ada.add("Milk, open", priority="high", tags=["b", "a"], due_date="2020-01-01")
        listed = ada.titles(**filters)
        assert 0 < len(listed) < 3
        delete(ada, **filters)
        assert sorted(ada.titles(trashed="true")) == sorted(listed)
        assert len(ada.titles()) == 3 - len(listed)

    def test_subtodos_go_to_the_trash_too(self, ada: Account) -> None:
        trip = ada.add("Trip", completed=True)
        ada.add("Pack", parent_id=trip["id"])
        ada.add("Other")
        delete(ada, completed="true")
        assert ada.titles() == ["Other"]
        assert ada.client.post(f"{trip['url']}/restore").status_code == 200
        assert sorted(ada.titles()) == ["Other", "Pack", "Trip"]

    def test_todos_in_the_trash_are_not_touched(self, ada: Account) -> None:
        ada.client.delete(ada.add("Gone")["url"])
        [before] = ada.trash()
        delete(ada, all="true")
        assert ada.trash() == [before]

    def test_the_change_log_names_the_sender(self, ada: Account) -> None:
        for number in range(2):
            ada.add(str(number))
        delete(ada, all="true")
        changes = ada.client.get(f"{TODOS}/changes", params={"since": 2}).json()
        assert [(change["op"], change["actor"]["kind"]) for change in changes] == [("delete", "user")] * 2
        assert all(change["after"]["version"] == 2 for change in changes)

    @pytest.mark.parametrize("name", ["limit", "cursor", "sort", "id", "tags", "trashed"])
    def test_an_unknown_parameter_is_refused_and_nothing_is_deleted(self, ada: Account, name: str) -> None:
        ada.add("Kept")
        refused = problem(ada.client.delete(TODOS, params={name: "1"}), 422, "validation_failed")
        assert [error["field"] for error in refused["errors"]] == [name]
        assert ada.titles() == ["Kept"]

    @pytest.mark.parametrize("parameters", [{}, {"all": "false"}])
    def test_without_a_filter_nothing_is_deleted_unless_all_is_true(
        self, ada: Account, parameters: dict[str, str]
    ) -> None:
        ada.add("Kept")
        refused = problem(ada.client.delete(TODOS, params=parameters), 422, "validation_failed")
        assert [(error["field"], error["code"]) for error in refused["errors"]] == [("query", "filter_or_all")]
        assert ada.titles() == ["Kept"]
