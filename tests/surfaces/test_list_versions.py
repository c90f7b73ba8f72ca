"""ETag and X-Change-Seq of the lists of todos, projects and tags."""

import re
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from tests.accounts import AUTH, PROJECTS, TODOS, Account
from tests.serving import Surface

TAGS = "/api/v1/tags"
LISTS = [TODOS, f"{TODOS}?trashed=true", f"{TODOS}?q=milk", f"{TODOS}?sort=-due", PROJECTS, TAGS]
every_list = pytest.mark.parametrize("path", LISTS)


def read(account: Account, path: str, etag: str | None = None) -> httpx2.Response:
    response = account.client.get(path, headers={"If-None-Match": etag} if etag else {})
    assert response.status_code in {200, 304}, response.text
    return response


def seq_of(response: httpx2.Response) -> int:
    return int(response.headers["x-change-seq"])


@pytest.fixture
def filled(ada: Account) -> Account:
    """An account whose lists all have an item. Five changes made them."""
    project = ada.add_project()
    ada.add("Buy milk", tags=["home"], project_id=project["id"])
    trashed = ada.add("Old milk")
    ada.delete(trashed["url"])
    ada.client.patch(project["url"], json={"name": "House"})
    return ada


class TestChangeSeq:
    @every_list
    def test_it_is_the_number_of_the_latest_change(self, filled: Account, path: str) -> None:
        assert seq_of(read(filled, path)) == 5
        filled.add("More")
        assert seq_of(read(filled, path)) == 6

    @every_list
    def test_a_list_without_items_has_it_too(self, ada: Account, path: str) -> None:
        response = read(ada, path)
        assert (response.json(), seq_of(response)) == ([], 0)

    def test_a_client_that_follows_from_it_misses_nothing(self, filled: Account) -> None:
        seq = seq_of(read(filled, TODOS))
        assert filled.client.get(f"{TODOS}/changes", params={"since": seq}).json() == []
        added = filled.add("More")
        [change] = filled.client.get(f"{TODOS}/changes", params={"since": seq}).json()
        assert change["after"] == added

    def test_a_page_that_ends_by_its_bytes_has_it(self, ada: Account) -> None:
        for number in range(40):
            ada.add(str(number), description="€" * 16_000)
        response = read(ada, f"{TODOS}?limit=200")
        assert "next" in response.links
        assert seq_of(response) == 40

    def test_changes_of_others_do_not_count(self, filled: Account, bob: Account) -> None:
        bob.add()
        assert seq_of(read(filled, TODOS)) == 5
        assert seq_of(read(bob, TODOS)) == 1


class TestETag:
    @every_list
    def test_the_same_list_is_a_304_without_a_body(self, filled: Account, path: str) -> None:
        first = read(filled, path)
        again = read(filled, path, first.headers["etag"])
        assert (again.status_code, again.content) == (304, b"")
        for header in ("etag", "x-change-seq", "cache-control"):
            assert again.headers[header] == first.headers[header]

    @every_list
    def test_an_empty_list_is_a_304_too(self, ada: Account, path: str) -> None:
        assert read(ada, path, read(ada, path).headers["etag"]).status_code == 304

    @every_list
    @pytest.mark.parametrize("change", ["todo", "project", "deletion"])
    def test_each_change_makes_it_another(self, filled: Account, path: str, change: str) -> None:
        etag = read(filled, path).headers["etag"]
        match change:
            case "todo":
                filled.add("More")
            case "project":
                filled.client.patch(filled.client.get(PROJECTS).json()[0]["url"], json={"archived": True})
            case "deletion":
                filled.client.delete(f"{TODOS}?all=true").raise_for_status()
        response = read(filled, path, etag)
        assert response.status_code == 200
        assert response.headers["etag"] != etag

    def test_it_is_weak_and_differs_by_query(self, filled: Account) -> None:
        etags = {read(filled, path).headers["etag"] for path in LISTS}
        assert len(etags) == len(LISTS)
        assert all(re.fullmatch(r'W/"5-[0-9a-f]{24}"', etag) for etag in etags)

    def test_a_tag_among_several_counts(self, filled: Account) -> None:
        etag = read(filled, TODOS).headers["etag"]
        assert read(filled, TODOS, f'"7", {etag}, "x"').status_code == 304
        assert read(filled, TODOS, etag.removeprefix("W/")).status_code == 304
        assert read(filled, TODOS, "*").status_code == 304
        assert read(filled, TODOS, '"7", "x"').status_code == 200

    def test_that_of_another_user_never_matches(self, ada: Account, bob: Account) -> None:
        ada.add("Ada's")
        bob.add("Bob's")
        response = read(bob, TODOS, read(ada, TODOS).headers["etag"])
        assert [todo["title"] for todo in response.json()] == ["Bob's"]

    def test_another_time_zone_makes_it_another(self, filled: Account) -> None:
        etag = read(filled, f"{TODOS}?due_before=2030-01-01").headers["etag"]
        assert filled.client.patch(f"{AUTH}/me", json={"timezone": "Asia/Tokyo"}).status_code == 200
        assert read(filled, f"{TODOS}?due_before=2030-01-01", etag).status_code == 200

    def test_another_host_makes_no_difference(self, filled: Account, surface: Surface) -> None:
        if surface.name != "app":
            pytest.skip("The tests do not choose the host elsewhere")
        etag = read(filled, TODOS).headers["etag"]
        response = filled.client.get(TODOS, headers={"If-None-Match": etag, "Host": "other.example.com"})
        assert response.status_code == 304

    def test_a_trailing_slash_makes_no_difference(self, filled: Account) -> None:
        assert read(filled, f"{TODOS}/", read(filled, TODOS).headers["etag"]).status_code == 304

    def test_later_pages_have_their_own(self, filled: Account) -> None:
        filled.add("More")
        first = read(filled, f"{TODOS}?limit=1")
        second = read(filled, first.links["next"]["url"])
        assert second.headers["etag"] != first.headers["etag"]
        assert read(filled, first.links["next"]["url"], second.headers["etag"]).status_code == 304

    @pytest.mark.parametrize("overdue", ["true", "false"])
    def test_a_list_that_depends_on_now_has_another_every_minute(
        self, filled: Account, overdue: str, monkeypatch: pytest.MonkeyPatch, surface: Surface
    ) -> None:
        if surface.name != "app":
            pytest.skip("The clock of another process cannot be set")
        path = f"{TODOS}?overdue={overdue}"
        filled.add("Late", due_at=(datetime.now(UTC) - timedelta(hours=1)).isoformat())
        monkeypatch.setattr("functions.todos.list_versions.time", lambda: 60_000_000.0)
        etag, other = (read(filled, url).headers["etag"] for url in (path, TODOS))
        monkeypatch.setattr("functions.todos.list_versions.time", lambda: 60_000_059.9)
        assert read(filled, path, etag).status_code == 304
        monkeypatch.setattr("functions.todos.list_versions.time", lambda: 60_000_060.0)
        assert read(filled, path, etag).status_code == 200
        assert read(filled, TODOS, other).status_code == 304

    def test_a_wrong_query_is_refused_before_it_is_compared(self, filled: Account) -> None:
        response = filled.client.get(f"{TODOS}?limit=0", headers={"If-None-Match": "*"})
        assert response.status_code == 422

    def test_head_has_both_headers(self, filled: Account) -> None:
        response = filled.client.head(TODOS)
        assert seq_of(response) == 5
        assert response.headers["etag"] == read(filled, TODOS).headers["etag"]


class TestProjectsAndTags:
    def test_a_change_of_a_project_is_seen_in_the_list_and_the_log_at_once(self, filled: Account) -> None:
        [project] = filled.client.get(PROJECTS).json()
        etag = read(filled, PROJECTS).headers["etag"]
        filled.client.delete(project["url"])
        response = read(filled, PROJECTS, etag)
        assert response.json() == []
        assert read(filled, PROJECTS, response.headers["etag"]).status_code == 304
