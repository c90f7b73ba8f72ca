"""GET /api/v1/todos/{id}: one todo, with conditional requests."""

import pytest

from tests.accounts import TODOS, UNKNOWN_TODO, Account, problem


class TestRead:
    def test_read_answers_the_created_todo(self, ada: Account) -> None:
        todo = ada.add("Buy milk", description="The blue one", tags=["home"], due_at="2030-01-31T17:00:00Z")
        assert ada.client.get(f"{TODOS}/{todo['id']}").json() == todo

    def test_the_url_leads_to_the_todo(self, ada: Account) -> None:
        todo = ada.add()
        assert ada.client.get(todo["url"]).json() == todo

    def test_the_etag_changes_with_every_change(self, ada: Account) -> None:
        todo = ada.add()
        before = ada.client.get(todo["url"]).headers["etag"]
        ada.client.patch(todo["url"], json={"title": "Buy oat milk"})
        assert ada.client.get(todo["url"]).headers["etag"] != before

    def test_the_etag_is_stable_without_changes(self, ada: Account) -> None:
        todo = ada.add()
        ada.add("Another one")
        assert ada.client.get(todo["url"]).headers["etag"] == ada.client.get(todo["url"]).headers["etag"]

    def test_the_todo_may_be_cached_but_must_be_revalidated(self, ada: Account) -> None:
        assert ada.client.get(ada.add()["url"]).headers["cache-control"] == "private, no-cache"

    def test_an_unknown_todo_is_not_found(self, ada: Account) -> None:
        problem(ada.client.get(UNKNOWN_TODO), 404, "todo_not_found")


class TestIfNoneMatch:
    @pytest.mark.parametrize("given", ["{}", "W/{}", "*", 'W/"0",W/{}', '"a, b", {}'])
    def test_the_current_etag_is_a_304(self, ada: Account, given: str) -> None:
        url = ada.add()["url"]
        tag = ada.client.get(url).headers["etag"]
        unchanged = ada.client.get(url, headers={"If-None-Match": given.format(tag)})
        assert unchanged.status_code == 304

    def test_etags_may_come_in_several_headers(self, ada: Account) -> None:
        url = ada.add()["url"]
        lines = [("If-None-Match", '"another"'), ("If-None-Match", ada.client.get(url).headers["etag"])]
        assert ada.client.get(url, headers=lines).status_code == 304

    def test_the_304_has_the_etag_and_the_cache_policy(self, ada: Account) -> None:
        url = ada.add()["url"]
        read = ada.client.get(url)
        unchanged = ada.client.get(url, headers={"If-None-Match": read.headers["etag"]})
        assert unchanged.headers["etag"] == read.headers["etag"]
        assert unchanged.headers["cache-control"] == read.headers["cache-control"]

    def test_the_304_has_no_body(self, ada: Account) -> None:
        url = ada.add()["url"]
        unchanged = ada.client.get(url, headers={"If-None-Match": "*"})
        assert unchanged.content == b""
        assert unchanged.headers.get("content-length", "0") == "0"

    @pytest.mark.parametrize("given", ['"another"', 'W/"another"', '"0", "another"', "unquoted", "", '"'])
    def test_another_etag_is_a_200(self, ada: Account, given: str) -> None:
        todo = ada.add()
        read = ada.client.get(todo["url"], headers={"If-None-Match": given})
        assert (read.status_code, read.json()) == (200, todo)

    def test_the_etag_of_an_older_version_is_a_200(self, ada: Account) -> None:
        url = ada.add()["url"]
        older = ada.client.get(url).headers["etag"]
        ada.client.patch(url, json={"completed": True})
        assert ada.client.get(url, headers={"If-None-Match": older}).json()["completed"] is True
