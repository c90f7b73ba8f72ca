"""DELETE /api/v1/todos/{id}: moves a todo to the trash."""

import pytest

from tests import postgres
from tests.accounts import UNKNOWN_TODO, Account, problem


class TestDelete:
    def test_delete_answers_204_without_a_body(self, ada: Account) -> None:
        deleted = ada.client.delete(ada.add()["url"])
        assert deleted.status_code == 204
        assert deleted.content == b""
        assert "content-type" not in deleted.headers

    def test_a_deleted_todo_is_not_found(self, ada: Account) -> None:
        url = ada.add()["url"]
        ada.client.delete(url)
        problem(ada.client.get(url), 404, "todo_not_found")

    def test_a_deleted_todo_is_not_listed(self, ada: Account) -> None:
        url = ada.add("Goes")["url"]
        ada.add("Stays")
        ada.client.delete(url)
        assert ada.titles() == ["Stays"]

    def test_a_deleted_todo_cannot_be_changed(self, ada: Account) -> None:
        url = ada.add()["url"]
        ada.client.delete(url)
        problem(ada.client.patch(url, json={"title": "Back"}), 404, "todo_not_found")
        problem(ada.client.patch(url, json={}), 404, "todo_not_found")

    def test_deleting_again_is_not_found(self, ada: Account) -> None:
        url = ada.add()["url"]
        ada.client.delete(url)
        problem(ada.client.delete(url), 404, "todo_not_found")

    def test_deleting_again_is_not_found_with_any_if_match(self, ada: Account) -> None:
        url = ada.add()["url"]
        tag = ada.client.get(url).headers["etag"]
        ada.client.delete(url)
        problem(ada.client.delete(url, headers={"If-Match": tag}), 404, "todo_not_found")

    def test_the_order_of_a_deleted_todo_is_reused(self, ada: Account) -> None:
        ada.add("First")
        ada.client.delete(ada.add("Second")["url"])
        assert ada.add("Third")["order"] == 2

    def test_a_deleted_todo_is_in_the_trash(self, ada: Account, database_url: str) -> None:
        todo = ada.add()
        ada.client.delete(todo["url"])
        [row] = postgres.query(database_url, "SELECT title, deleted_at FROM todos WHERE id = $1", todo["id"])
        assert row["title"] == todo["title"]
        assert row["deleted_at"] is not None

    def test_an_unknown_todo_is_not_found(self, ada: Account) -> None:
        problem(ada.client.delete(UNKNOWN_TODO), 404, "todo_not_found")


class TestIfMatch:
    @pytest.mark.parametrize("given", ["{}", "*", '"0", {}', '{},"another"'])
    def test_the_current_etag_deletes(self, ada: Account, given: str) -> None:
        url = ada.add()["url"]
        tag = ada.client.get(url).headers["etag"]
        assert ada.client.delete(url, headers={"If-Match": given.format(tag)}).status_code == 204
        assert ada.titles() == []

    @pytest.mark.parametrize("given", ["{}", '"another", {}', "W/{}"])
    def test_a_stale_etag_is_refused_and_deletes_nothing(self, ada: Account, given: str) -> None:
        url = ada.add()["url"]
        stale = ada.client.get(url).headers["etag"]
        ada.client.patch(url, json={"title": "Buy oat milk"})
        problem(ada.client.delete(url, headers={"If-Match": given.format(stale)}), 412, "stale_version")
        assert ada.titles() == ["Buy oat milk"]

    def test_a_weak_etag_never_matches(self, ada: Account) -> None:
        url = ada.add()["url"]
        tag = ada.client.get(url).headers["etag"]
        problem(ada.client.delete(url, headers={"If-Match": f"W/{tag}"}), 412, "stale_version")
        assert ada.titles() == ["Buy milk"]
