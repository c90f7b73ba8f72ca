"""/api/v1/tags: the tags of a user's todos with counts, and changes of a tag in all todos."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests import postgres
from tests.accounts import PROJECTS, TAGS, TODOS, Account, Newcomers, problem
from tests.serving import Surface


def counts(account: Account) -> list[tuple[str, int]]:
    found = account.client.get(TAGS)
    assert found.status_code == 200, found.text
    return [(tag["name"], tag["count"]) for tag in found.json()]


@pytest.fixture
def eve(app_surface: Surface, newcomers: Newcomers) -> Iterator[Account]:
    """An account of the app in this process, whose bounds a test can change."""
    with app_surface.client() as client:
        yield newcomers.sign_in(client)


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
        ada.add(tags=["zoo", "\u00c4pfel", "apple", "Home", "b,c", "{}"])
        names = ["\u00c4pfel", "apple", "b,c", "Home", "zoo", "{}"]
        assert [name for name, _ in counts(ada)] == names

    @pytest.mark.parametrize("limit", [1, 2, 3])
    def test_all_pages_together_contain_each_tag_once(self, ada: Account, limit: int) -> None:
        names = ["a", "B", "cafe", "caf\u00e9", "d~e.f", "z"]
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


class TestCase:
    """Tags are one without regard to case, in the spelling in which the user has first written them."""

    def test_a_tag_keeps_its_first_spelling(self, ada: Account) -> None:
        first = ada.add("One", tags=["Home", "To Do"])
        second = ada.add("Two", tags=["shop", "HOME", "to do"])
        third = ada.client.patch(ada.add("Three")["url"], json={"tags": ["home"]}).json()
        assert first["tags"] == ["Home", "To Do"]
        assert second["tags"] == ["shop", "Home", "To Do"]
        assert third["tags"] == ["Home"]
        assert ada.client.get(first["url"]).json() == first
        assert counts(ada) == [("Home", 3), ("shop", 1), ("To Do", 2)]

    @pytest.mark.parametrize(
        ("written", "kept"),
        [
            (["Home", "home", "HOME"], ["Home"]),
            (["a", "b", "A"], ["a", "b"]),
            (["\u039f\u03b4\u03cc\u03c2", "\u039f\u0394\u038c\u03a3"], ["\u039f\u03b4\u03cc\u03c2"]),
            (["\u00c4pfel", "\u00e4pfel"], ["\u00c4pfel"]),
        ],
    )
    def test_repeated_tags_of_a_todo_are_one(self, ada: Account, written: list[str], kept: list[str]) -> None:
        assert ada.add(tags=written)["tags"] == kept
        done = ada.client.post(
            f"{TODOS}/batch", json={"operations": [{"op": "create", "todo": {"title": "x", "tags": written}}]}
        )
        assert done.json()["results"][0]["todo"]["tags"] == kept

    def test_accents_tell_tags_apart(self, ada: Account) -> None:
        assert ada.add(tags=["cafe", "caf\u00e9"])["tags"] == ["cafe", "caf\u00e9"]

    @pytest.mark.parametrize("asked", ["home", "HOME", "Home"])
    def test_a_filter_ignores_case(self, ada: Account, asked: str) -> None:
        ada.add("One", tags=["Home", "x, \\y"])
        ada.add("Two", tags=["other"])
        ada.delete(ada.add("Gone", tags=["home"])["url"])
        assert ada.titles(tag=asked) == ada.titles(tag=[asked, "X, \\Y"]) == ["One"]
        assert ada.titles(tag=asked, sort="title") == ["One"]
        assert [todo["title"] for todo in ada.client.get(TODOS, params={"tag": asked, "trashed": True}).json()] == [
            "Gone"
        ]
        assert ada.client.delete(TODOS, params={"tag": asked}).status_code == 204
        assert ada.titles() == ["Two"]

    def test_a_tag_that_no_todo_has_any_more_may_be_written_anew(self, ada: Account) -> None:
        todo = ada.add(tags=["hOme"])
        ada.client.patch(todo["url"], json={"tags": []}).raise_for_status()
        assert ada.add(tags=["Home"])["tags"] == ["Home"]
        assert counts(ada) == [("Home", 1)]

    def test_spellings_of_older_versions_are_listed_and_found_as_one(self, ada: Account, database_url: str) -> None:
        for title, tag in (("One", "Home"), ("Two", "x"), ("Three", "y")):
            ada.add(title, tags=[tag])
        change = "UPDATE todos SET tags = ARRAY[$2] WHERE title = $3 AND user_id = $1"
        for title in ("Two", "Three"):
            postgres.query(database_url, change, ada.user["id"], "home", title)
        assert counts(ada) == [("home", 3)]
        assert sorted(ada.titles(tag="HOME")) == ["One", "Three", "Two"]
        renamed = ada.client.patch(f"{TAGS}/HOME", json={"name": "house"}).json()
        assert (renamed["name"], renamed["changed"]) == ("house", 3)
        assert counts(ada) == [("house", 3)]


class TestRename:
    def test_the_tag_has_the_new_name_in_all_todos(self, ada: Account) -> None:
        one = ada.add("One", tags=["a", "home", "b"])
        ada.add("Two", tags=["other"])
        gone = ada.add("Gone", tags=["home"])
        ada.delete(gone["url"])
        renamed = ada.client.patch(f"{TAGS}/home", json={"name": "house"})
        assert renamed.status_code == 200, renamed.text
        assert (renamed.json()["name"], renamed.json()["changed"]) == ("house", 2)
        found = ada.client.get(one["url"]).json()
        assert (found["tags"], found["version"]) == (["a", "house", "b"], 2)
        assert ada.trash()[0]["tags"] == ["house"]
        assert counts(ada) == [("a", 1), ("b", 1), ("house", 1), ("other", 1)]

    def test_tags_are_merged_with_an_existing_one_without_regard_to_case(self, ada: Account) -> None:
        both = ada.add("Both", tags=["work", "x", "Job"])
        one = ada.add("One", tags=["work"])
        renamed = ada.client.patch(f"{TAGS}/WORK", json={"name": "JOB"}).json()
        assert (renamed["name"], renamed["changed"]) == ("Job", 2)
        assert ada.client.get(both["url"]).json()["tags"] == ["Job", "x"]
        assert ada.client.get(one["url"]).json()["tags"] == ["Job"]

    def test_another_case_is_a_new_spelling(self, ada: Account) -> None:
        ada.add("One", tags=["home"])
        assert ada.client.patch(f"{TAGS}/home", json={"name": "Home"}).json()["name"] == "Home"
        assert (counts(ada), ada.add(tags=["HOME"])["tags"]) == ([("Home", 1)], ["Home"])

    def test_the_same_name_changes_nothing(self, ada: Account) -> None:
        todo = ada.add("One", tags=["home"])
        assert ada.client.patch(f"{TAGS}/home", json={"name": "home"}).json()["changed"] == 0
        assert ada.client.get(todo["url"]).json() == todo

    @pytest.mark.parametrize("tag", ["a/b", "a b", "50%", "#x", "\u00e4", "turns", "changes/1/undo", "?", "a?b#c"])
    def test_any_tag_can_be_named_in_the_path(self, ada: Account, tag: str) -> None:
        ada.add(tags=[tag])
        url = f"{TAGS}/{quote(tag, safe='')}"
        assert ada.client.patch(url, json={"name": "plain"}).status_code == 200
        assert counts(ada) == [("plain", 1)]

    def test_a_tag_without_todos_is_not_found(self, ada: Account, bob: Account) -> None:
        bob.add(tags=["secret"])
        problem(ada.client.patch(f"{TAGS}/secret", json={"name": "x"}), 404, "tag_not_found")
        problem(ada.client.delete(f"{TAGS}/secret"), 404, "tag_not_found")
        assert counts(bob) == [("secret", 1)]

    @pytest.mark.parametrize("method", ["PATCH", "DELETE"])
    def test_the_end_of_a_line_in_the_path_is_refused(self, ada: Account, method: str) -> None:
        body = {"name": "x"} if method == "PATCH" else None
        refused = problem(ada.client.request(method, f"{TAGS}/a%0Ab", json=body), 422, "validation_failed")
        assert [error["code"] for error in refused["errors"]] == ["control_characters"]
        problem(ada.client.request(method, f"{TAGS}/%0Aa", json=body), 404, "tag_not_found")

    @pytest.mark.parametrize("name", ["", " ", "x" * 51, "\u200b", None, 7])
    def test_an_invalid_name_is_refused(self, ada: Account, name: object) -> None:
        ada.add(tags=["home"])
        refused = problem(ada.client.patch(f"{TAGS}/home", json={"name": name}), 422, "validation_failed")
        assert [error["field"] for error in refused["errors"]] == ["name"]

    def test_the_log_has_each_todo_in_one_turn(self, ada: Account) -> None:
        for title in ("One", "Two"):
            ada.add(title, tags=["home"])
        turn_id = ada.client.patch(f"{TAGS}/home", json={"name": "house"}).json()["turn_id"]
        log = [change for change in ada.client.get(f"{TODOS}/changes?since=2").json() if change.get("todo_id")]
        assert [change["op"] for change in log] == ["update", "update"]
        assert {change["actor"]["turn_id"] for change in log} == {turn_id}
        assert [change["after"]["tags"] for change in log] == [["house"], ["house"]]

    def test_many_todos_are_renamed_in_chunks(self, ada: Account, monkeypatch: pytest.MonkeyPatch) -> None:
        for number in range(7):
            ada.add(str(number), tags=["home", "x"])
        monkeypatch.setattr("todo_core.todos.tags._MAX_TODOS_PER_STATEMENT", 3)
        assert ada.client.patch(f"{TAGS}/home", json={"name": "house"}).json()["changed"] == 7
        assert counts(ada) == [("house", 7), ("x", 7)]

    def test_beyond_the_bound_nothing_is_changed(self, eve: Account, monkeypatch: pytest.MonkeyPatch) -> None:
        for number in range(4):
            eve.add(str(number), tags=["home"])
        monkeypatch.setattr("todo_core.todos.tags._MAX_TODOS_PER_STATEMENT", 2)
        monkeypatch.setattr("todo_core.todos.tags.MAX_TODOS", 3)
        problem(eve.client.patch(f"{TAGS}/home", json={"name": "house"}), 409, "tag_too_large")
        assert counts(eve) == [("home", 4)]

    def test_a_repeat_with_the_same_key_gets_the_first_answer(self, ada: Account) -> None:
        ada.add(tags=["home"])
        headers = {"Idempotency-Key": "rename-1"}
        first, again = (ada.client.patch(f"{TAGS}/home", json={"name": "house"}, headers=headers) for _ in range(2))
        assert (first.status_code, again.status_code, again.json()) == (200, 200, first.json())
        assert again.headers["idempotent-replayed"] == "true"


class TestDelete:
    def test_the_tag_is_removed_from_all_todos(self, ada: Account) -> None:
        one = ada.add("One", tags=["a", "Home", "b"])
        project = ada.add_project()
        gone = ada.add("Gone", tags=["home"])
        ada.delete(gone["url"])
        deleted = ada.client.delete(f"{TAGS}/home")
        assert deleted.status_code == 200, deleted.text
        assert deleted.json()["changed"] == 2
        assert ada.client.get(one["url"]).json()["tags"] == ["a", "b"]
        assert ada.trash()[0]["tags"] == []
        assert ada.titles() == ["One"]
        assert [each["id"] for each in ada.client.get(PROJECTS).json()] == [project["id"]]


class TestUndo:
    def undo(self, account: Account, turn_id: str) -> dict[str, object]:
        undone = account.client.post(f"{TAGS}/changes/{turn_id}/undo")
        assert undone.status_code == 200, undone.text
        answer: dict[str, object] = undone.json()
        return answer

    def test_a_merge_is_put_back(self, ada: Account) -> None:
        urls = [ada.add("One", tags=["work", "x", "Job"])["url"], ada.add("Two", tags=["work"])["url"]]
        turn_id = ada.client.patch(f"{TAGS}/work", json={"name": "job"}).json()["turn_id"]
        undone = self.undo(ada, turn_id)
        assert (undone["undone"], undone["conflicts"]) == (2, 0)
        assert [ada.client.get(url).json()["tags"] for url in urls] == [["work", "x", "Job"], ["work"]]

    def test_the_undo_of_an_undo_renames_again(self, ada: Account) -> None:
        ada.add(tags=["home"])
        renamed = ada.client.patch(f"{TAGS}/home", json={"name": "house"}).json()
        undone = self.undo(ada, renamed["turn_id"])
        self.undo(ada, str(undone["turn_id"]))
        assert counts(ada) == [("house", 1)]

    def test_todos_that_were_changed_since_are_left_alone(self, ada: Account) -> None:
        first, second = (ada.add(title, tags=["home"]) for title in ("One", "Two"))
        turn_id = ada.client.delete(f"{TAGS}/home").json()["turn_id"]
        ada.client.patch(second["url"], json={"title": "Changed"}).raise_for_status()
        undone = self.undo(ada, turn_id)
        assert (undone["undone"], undone["conflicts"]) == (1, 1)
        assert ada.client.get(first["url"]).json()["tags"] == ["home"]
        assert ada.client.get(second["url"]).json()["tags"] == []

    def test_the_change_of_another_user_is_not_found(self, ada: Account, bob: Account) -> None:
        bob.add(tags=["home"])
        turn_id = bob.client.patch(f"{TAGS}/home", json={"name": "house"}).json()["turn_id"]
        problem(ada.client.post(f"{TAGS}/changes/{turn_id}/undo"), 404, "tag_change_not_found")
        assert counts(bob) == [("house", 1)]


class TestQuota:
    """The quota counts tags without regard to case."""

    def test_the_new_name_takes_the_place_of_the_old_one(self, ada: Account) -> None:
        ada.add(tags=["a", "b"])
        assert ada.client.patch(f"{TAGS}/a", json={"name": "c"}).status_code == 200
        usage = ada.client.get("/api/v1/auth/me/usage").json()
        assert usage["tags"]["used"] == 2

    def test_other_spellings_are_no_new_tags(self, ada: Account) -> None:
        for tag in ("home", "HOME", "Home"):
            ada.add(tags=[tag])
        assert ada.client.get("/api/v1/auth/me/usage").json()["tags"]["used"] == 1
