"""GET /api/v1/tags: the tags of a user's todos, with counts."""

import httpx2
import pytest

from tests.accounts import TODOS, Account, problem

TAGS = "/api/v1/tags"


def counts(account: Account) -> list[tuple[str, int]]:
    found = account.client.get(TAGS)
    assert found.status_code == 200, found.text
    return [(tag["name"], tag["count"]) for tag in found.json()]


class TestTags:
    def test_are_none_at_first(self, ada: Account) -> None:
        ada.add()
        answer = ada.client.get(TAGS)
        assert (answer.status_code, answer.json()) == (200, [])

    def test_are_names_with_counts(self, ada: Account) -> None:
        for tags in (["home", "shop"], ["home"], []):
            ada.add(tags=tags)
        assert ada.client.get(TAGS).json() == [{"name": "home", "count": 2}, {"name": "shop", "count": 1}]

    def test_answer_at_the_path_with_a_trailing_slash_too(self, ada: Account) -> None:
        ada.add(tags=["home"])
        assert ada.client.get(f"{TAGS}/").json() == [{"name": "home", "count": 1}]

    def test_count_what_a_list_with_the_tag_shows(self, ada: Account) -> None:
        ada.add("Open", tags=["home"])
        ada.add("Done", tags=["home"], completed=True)
        ada.client.delete(ada.add("Gone", tags=["home", "past"])["url"])
        assert counts(ada) == [("home", len(ada.titles(tag="home")))] == [("home", 2)]

    def test_go_by_name_without_regard_to_case_and_accents(self, ada: Account) -> None:
        ada.add(tags=["zoo", "\u00c4pfel", "apple", "Home", "home", "b,c", "{}"])
        names = ["\u00c4pfel", "apple", "b,c", "Home", "home", "zoo", "{}"]
        assert [name for name, _ in counts(ada)] == names

    @pytest.mark.parametrize("limit", [1, 2, 3])
    def test_come_in_pages(self, ada: Account, limit: int) -> None:
        names = ["a", "B", "b", "caf\u00e9", "d~e.f", "z"]
        ada.add(tags=names)
        page = ada.client.get(TAGS, params={"limit": limit})
        seen = [tag["name"] for tag in page.json()]
        while "next" in page.links:
            page = ada.client.get(page.links["next"]["url"])
            assert page.status_code == 200, page.text
            seen += [tag["name"] for tag in page.json()]
        assert seen == names

    @pytest.mark.parametrize("cursor", ["x", "", "a~b.c", "\u00e9", "x" * 500])
    def test_take_no_cursor_but_their_own(self, ada: Account, cursor: str) -> None:
        if cursor:
            problem(ada.client.get(TAGS, params={"cursor": cursor}), 400, "invalid_cursor")
        for _ in range(2):
            ada.add()
        other = ada.client.get(TODOS, params={"limit": 1}).links["next"]["url"].partition("cursor=")[2]
        problem(ada.client.get(f"{TAGS}?cursor={other}"), 400, "invalid_cursor")

    @pytest.mark.parametrize("name", ["q", "offset", "sort"])
    def test_an_unknown_parameter_is_refused(self, ada: Account, name: str) -> None:
        refused = problem(ada.client.get(TAGS, params={name: "1"}), 422, "validation_failed")
        assert [error["field"] for error in refused["errors"]] == [name]

    def test_are_ones_own(self, ada: Account, bob: Account) -> None:
        bob.add(tags=["secret"])
        assert counts(ada) == []

    def test_need_a_session(self, client: httpx2.Client) -> None:
        problem(client.get(TAGS), 401, "not_authenticated")
