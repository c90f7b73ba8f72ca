"""GET /api/v1/tags: the tags of a user's todos, with counts."""

import pytest

from tests.accounts import TODOS, Account, problem

TAGS = "/api/v1/tags"


def counts(account: Account) -> list[tuple[str, int]]:
    found = account.client.get(TAGS)
    assert found.status_code == 200, found.text
    return [(tag["name"], tag["count"]) for tag in found.json()]


class TestTags:
    def test_a_new_account_has_no_tags(self, ada: Account) -> None:
        ada.add()
        answer = ada.client.get(TAGS)
        assert (answer.status_code, answer.json()) == (200, [])

    def test_tags_have_names_and_counts(self, ada: Account) -> None:
        for tags in (["home", "shop"], ["home"], []):
            ada.add(tags=tags)
        assert ada.client.get(TAGS).json() == [{"name": "home", "count": 2}, {"name": "shop", "count": 1}]

    def test_the_path_with_a_trailing_slash_answers_too(self, ada: Account) -> None:
        ada.add(tags=["home"])
        assert ada.client.get(f"{TAGS}/").json() == [{"name": "home", "count": 1}]

    def test_the_count_equals_the_list_filtered_by_the_tag(self, ada: Account) -> None:
        ada.add("Open", tags=["home"])
        ada.add("Done", tags=["home"], completed=True)
        ada.client.delete(ada.add("Gone", tags=["home", "past"])["url"])
        assert counts(ada) == [("home", len(ada.titles(tag="home")))] == [("home", 2)]

    def test_tags_are_sorted_by_name_without_case_and_accents(self, ada: Account) -> None:
        ada.add(tags=["zoo", "\u00c4pfel", "apple", "Home", "home", "b,c", "{}"])
        names = ["\u00c4pfel", "apple", "b,c", "Home", "home", "zoo", "{}"]
        assert [name for name, _ in counts(ada)] == names

    @pytest.mark.parametrize("limit", [1, 2, 3])
    def test_all_pages_together_contain_each_tag_once(self, ada: Account, limit: int) -> None:
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
    def test_a_cursor_of_another_list_is_refused(self, ada: Account, cursor: str) -> None:
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

    def test_tags_of_other_users_are_not_listed(self, ada: Account, bob: Account) -> None:
        bob.add(tags=["secret"])
        assert counts(ada) == []
