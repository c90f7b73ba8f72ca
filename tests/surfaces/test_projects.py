"""/api/v1/projects: the projects of a user."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.accounts import PROJECTS, TODOS, Account, problem

MALFORMED = f"{PROJECTS}/changes"
CHANGES = f"{TODOS}/changes"

type Json = dict[str, Any]


def names(account: Account, **parameters: str | int | bool) -> list[str]:
    found = account.client.get(PROJECTS, params=parameters)
    assert found.status_code == 200, found.text
    return [project["name"] for project in found.json()]


def changed(account: Account, project: Json, **changes: object) -> Json:
    response = account.client.patch(project["url"], json=changes)
    assert response.status_code == 200, response.text
    after: Json = response.json()
    return after


def todo_of(account: Account, url: str) -> Json:
    todo: Json = account.client.get(url).json()
    return todo


class TestCreate:
    def test_create_answers_201_with_the_project(self, ada: Account) -> None:
        project = ada.add_project("Home")
        now = datetime.now(UTC)
        assert abs(now - datetime.fromisoformat(project["created_at"])).total_seconds() < 60
        assert project == {
            "id": project["url"].rsplit("/", 1)[1],
            "name": "Home",
            "order": 1,
            "archived": False,
            "version": 1,
            "created_at": project["created_at"],
            "updated_at": project["created_at"],
            "url": project["url"],
        }

    def test_the_location_header_leads_to_the_new_project(self, ada: Account) -> None:
        created = ada.client.post(PROJECTS, json={"name": "Home"})
        read = ada.client.get(created.headers["location"])
        assert read.json() == created.json()
        assert read.headers["etag"] == created.headers["etag"]

    def test_the_path_with_a_trailing_slash_answers_too(self, ada: Account) -> None:
        assert ada.client.post(f"{PROJECTS}/", json={"name": "Home"}).status_code == 201

    def test_names_need_not_be_unique(self, ada: Account) -> None:
        ada.add_project("Home")
        ada.add_project("Home")
        assert names(ada) == ["Home", "Home"]

    def test_names_are_trimmed_and_normalised_to_nfc(self, ada: Account) -> None:
        assert ada.add_project("  Cafe\u0301 ")["name"] == "Caf\u00e9"

    @pytest.mark.parametrize("name", ["", "  ", "a" * 201, "a\u0000b", None, 7])
    def test_an_invalid_name_is_refused(self, ada: Account, name: object) -> None:
        [error] = problem(ada.client.post(PROJECTS, json={"name": name}), 422, "validation_failed")["errors"]
        assert error["field"] == "name"

    def test_an_unknown_field_is_refused(self, ada: Account) -> None:
        problem(ada.client.post(PROJECTS, json={"name": "Home", "version": 7}), 422, "validation_failed")


class TestList:
    def test_a_new_account_has_no_projects(self, ada: Account) -> None:
        assert names(ada) == []

    def test_projects_are_sorted_by_order(self, ada: Account) -> None:
        for name, order in (("c", 3), ("a", -1.5), ("b", 2)):
            ada.add_project(name, order=order)
        assert names(ada) == ["a", "b", "c"]

    def test_a_new_project_comes_last(self, ada: Account) -> None:
        ada.add_project("a", order=7)
        assert ada.add_project("b")["order"] == 8

    def test_projects_of_other_users_are_not_listed(self, ada: Account, bob: Account) -> None:
        bob.add_project()
        assert names(ada) == []

    def test_all_pages_together_contain_each_project_once(self, ada: Account) -> None:
        added = [ada.add_project(str(number), order=number // 2)["name"] for number in range(7)]
        pages, url = [], f"{PROJECTS}?limit=3"
        while url:
            response = ada.client.get(url)
            pages.append([project["name"] for project in response.json()])
            url = response.links.get("next", {}).get("url", "")
        assert [len(page) for page in pages] == [3, 3, 1]
        assert [name for page in pages for name in page] == added

    @pytest.mark.parametrize("cursor", ["", "x", "1.0~0198c5a1-7a10-7b3e-8c55-2f4d0c9e1a22.0000"])
    def test_a_forged_cursor_is_refused(self, ada: Account, cursor: str) -> None:
        response = ada.client.get(PROJECTS, params={"cursor": cursor or "~"})
        problem(response, 400, "invalid_cursor")

    def test_archived_selects_archived_projects(self, ada: Account) -> None:
        ada.add_project("Home")
        changed(ada, ada.add_project("Past"), archived=True)
        assert names(ada) == ["Home"]
        assert names(ada, archived=True) == ["Past"]

    def test_an_unknown_parameter_is_refused(self, ada: Account) -> None:
        problem(ada.client.get(PROJECTS, params={"name": "Home"}), 422, "validation_failed")

    def test_the_list_may_be_cached_but_must_be_revalidated(self, ada: Account) -> None:
        assert ada.client.get(PROJECTS).headers["cache-control"] == "private, no-cache"


class TestRead:
    def test_the_current_etag_is_a_304(self, ada: Account) -> None:
        url = ada.add_project()["url"]
        tag = ada.client.get(url).headers["etag"]
        assert ada.client.get(url, headers={"If-None-Match": tag}).status_code == 304
        ada.client.patch(url, json={"name": "House"})
        assert ada.client.get(url, headers={"If-None-Match": tag}).status_code == 200

    def test_a_malformed_id_is_refused(self, ada: Account) -> None:
        problem(ada.client.get(MALFORMED), 422, "validation_failed")


class TestUpdate:
    def test_a_project_can_be_renamed(self, ada: Account) -> None:
        project = ada.add_project()
        after = changed(ada, project, name="House")
        assert after == {**project, "name": "House", "version": 2, "updated_at": after["updated_at"]}
        assert after["updated_at"] > project["updated_at"]

    def test_a_project_can_be_reordered(self, ada: Account) -> None:
        _, _, last = (ada.add_project(name) for name in "abc")
        changed(ada, last, order=1.5)
        assert names(ada) == ["a", "c", "b"]

    def test_archiving_does_not_change_the_todos(self, ada: Account) -> None:
        project = ada.add_project()
        todo = ada.add(project_id=project["id"])
        changed(ada, project, archived=True)
        assert todo_of(ada, todo["url"]) == todo
        assert ada.titles() == ["Buy milk"]

    def test_an_archived_project_can_be_unarchived(self, ada: Account) -> None:
        project = changed(ada, ada.add_project(), archived=True)
        changed(ada, project, archived=False)
        assert names(ada) == ["Home"]

    @pytest.mark.parametrize("field", ["name", "order", "archived"])
    def test_null_is_refused(self, ada: Account, field: str) -> None:
        response = ada.client.patch(ada.add_project()["url"], json={field: None})
        [error] = problem(response, 422, "validation_failed")["errors"]
        assert error["field"] == field

    def test_an_empty_patch_changes_nothing(self, ada: Account) -> None:
        project = ada.add_project()
        assert changed(ada, project) == project

    @pytest.mark.parametrize("change", [{}, {"name": "House"}])
    def test_a_stale_etag_is_a_412(self, ada: Account, change: Json) -> None:
        project = ada.add_project()
        changed(ada, project, name="Newer")
        stale = ada.client.patch(project["url"], json=change, headers={"If-Match": '"1"'})
        problem(stale, 412, "stale_version")
        current = ada.client.patch(project["url"], json=change, headers={"If-Match": '"2"'})
        assert current.status_code == 200


class TestDelete:
    def test_a_deleted_project_is_not_found(self, ada: Account) -> None:
        url = ada.add_project()["url"]
        deleted = ada.client.delete(url)
        assert (deleted.status_code, deleted.content) == (204, b"")
        problem(ada.client.get(url), 404, "project_not_found")
        assert names(ada) == []

    def test_its_todos_go_to_the_trash(self, ada: Account) -> None:
        project, other = ada.add_project(), ada.add_project("Other")
        parent = ada.add("Milk", project_id=project["id"])
        ada.add("Oat", parent_id=parent["id"])
        ada.add("Other", project_id=other["id"])
        ada.add("None")
        ada.client.delete(project["url"])
        assert ada.titles() == ["Other", "None"]
        assert ada.titles(trashed=True) == ["Milk", "Oat"]
        log = ada.client.get(CHANGES, params={"since": 6}).json()
        todos = [("todo", "delete")] * 2, [("todo", "update")] * 2
        assert [(change["kind"], change["op"]) for change in log] == [*todos[0], ("project", "delete"), *todos[1]]
        assert {change["actor"]["kind"] for change in log} == {"user"}

    def test_its_restored_todos_have_no_project(self, ada: Account) -> None:
        project = ada.add_project()
        parent = ada.add("Milk", project_id=project["id"])
        child = ada.add("Oat", parent_id=parent["id"])
        ada.client.delete(project["url"])
        assert ada.client.post(f"{parent['url']}/restore").json()["project_id"] is None
        back = todo_of(ada, child["url"])
        assert (back["parent_id"], back["project_id"], back["deleted_at"]) == (parent["id"], None, None)

    def test_a_stale_etag_deletes_nothing(self, ada: Account) -> None:
        project = ada.add_project()
        todo = ada.add(project_id=project["id"])
        changed(ada, project, name="House")
        problem(ada.client.delete(project["url"], headers={"If-Match": '"1"'}), 412, "stale_version")
        assert todo_of(ada, todo["url"]) == todo
        assert ada.client.delete(project["url"], headers={"If-Match": '"2"'}).status_code == 204
