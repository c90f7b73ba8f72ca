"""GET /api/v1/todos/changes: the change log."""

from datetime import datetime
from typing import Any
from uuid import UUID

import httpx2
import pytest

from tests import postgres
from tests.accounts import CHAT, PROJECTS, TODOS, Account, problem
from tests.model_replies import Call, Say
from tests.scripted_model import ScriptedModel
from tests.surfaces.api_tokens import TOKENS, bearer, create_token

CHANGES = f"{TODOS}/changes"
LARGEST_SEQ = 2**63 - 1

type Json = dict[str, Any]


def read_changes(account: Account, **parameters: int) -> list[Json]:
    answered = account.client.get(CHANGES, params=parameters)
    assert answered.status_code == 200, answered.text
    found: list[Json] = answered.json()
    return found


def read_todo(account: Account, url: str) -> Json:
    read = account.client.get(url)
    assert read.status_code == 200, read.text
    todo: Json = read.json()
    return todo


@pytest.fixture
def program(ada: Account, client: httpx2.Client) -> Account:
    """Returns Ada's account with a client that sends the bearer token and no cookie."""
    client.headers.update(ada.bearer)
    return Account(client, ada.user)


class TestExpiredChanges:
    def test_changes_that_were_cut_are_a_410_that_says_where_to_continue(self, ada: Account, database_url: str) -> None:
        for title in ("a", "b", "c"):
            ada.add(title)
        postgres.query(database_url, "DELETE FROM changes WHERE user_id = $1 AND seq <= 2", UUID(ada.user["id"]))
        answered = ada.client.get(CHANGES, params={"since": 1})
        assert problem(answered, 410, "changes_expired")["since"] == 2
        assert [change["seq"] for change in read_changes(ada, since=2)] == [3]


class TestChanges:
    def test_a_new_account_has_no_changes(self, ada: Account) -> None:
        assert read_changes(ada) == []

    def test_a_creation_is_logged(self, ada: Account) -> None:
        todo = ada.add("Buy milk", description="The blue one", tags=["home"], due_at="2030-01-31T17:00:00+01:00")
        [change] = read_changes(ada)
        assert datetime.fromisoformat(change.pop("created_at")) == datetime.fromisoformat(todo["created_at"])
        assert change == {
            "seq": 1,
            "kind": "todo",
            "todo_id": todo["id"],
            "project_id": None,
            "tag": None,
            "op": "create",
            "actor": {"kind": "user", "turn_id": None},
            "before": None,
            "after": todo,
        }

    def test_before_and_after_equal_the_responses_of_a_read(self, ada: Account) -> None:
        url = ada.add("Buy milk", due_date="2030-01-31", order=-1.5)["url"]
        states = [read_todo(ada, url)]
        for patch in (
            {"title": "Buy oat milk", "due_at": "2030-01-31T16:00:00.123456Z", "tags": ["b", "a"]},
            {"completed": True},
            {"completed": False, "description": "“€” \u2028 \U0001f600", "due_at": None},
        ):
            assert ada.client.patch(url, json=patch).status_code == 200
            states.append(read_todo(ada, url))
        found = read_changes(ada)
        assert [change["after"] for change in found] == states
        assert [change["before"] for change in found] == [None, *states[:-1]]

    def test_each_kind_of_operation_is_named(self, ada: Account) -> None:
        url = ada.add()["url"]
        for patch in ({"title": "Buy oat milk"}, {"completed": True}, {"completed": False}):
            ada.client.patch(url, json=patch)
        ada.delete(url)
        ada.client.post(f"{url}/restore")
        ops = ["create", "update", "complete", "reopen", "delete", "restore"]
        assert [(change["seq"], change["op"]) for change in read_changes(ada)] == list(enumerate(ops, start=1))

    def test_a_deletion_holds_the_todo_as_the_trash_lists_it(self, ada: Account) -> None:
        ada.delete(ada.add()["url"])
        assert [read_changes(ada)[-1]["after"]] == ada.trash()

    def test_a_change_that_also_completes_is_logged_as_complete(self, ada: Account) -> None:
        url = ada.add()["url"]
        ada.client.patch(url, json={"title": "Bought milk", "completed": True})
        assert read_changes(ada, since=1)[0]["op"] == "complete"

    def test_a_patch_that_changes_nothing_is_not_logged(self, ada: Account) -> None:
        url = ada.add()["url"]
        ada.client.patch(url, json={})
        ada.client.post(f"{url}/restore")
        ada.client.patch(url, json={"title": "Never"}, headers={"If-Match": '"7"'})
        assert len(read_changes(ada)) == 1

    def test_the_actor_kind_tells_cookie_from_bearer_token(self, ada: Account, program: Account) -> None:
        url = ada.add()["url"]
        program.client.patch(url, json={"completed": True})
        ada.client.patch(url, json={"completed": False})
        program.delete(url)
        program.client.post(f"{url}/restore")
        kinds = [change["actor"] for change in read_changes(ada)]
        assert kinds == [{"kind": kind, "turn_id": None} for kind in ("user", "token", "user", "token", "token")]

    def test_a_change_by_an_api_token_has_its_name(self, ada: Account, client: httpx2.Client) -> None:
        token = create_token(ada, "todos:write", name="CI: nightly: €")
        url = client.post(TODOS, json={"title": "Milk"}, headers=bearer(token)).json()["url"]
        client.patch(url, json={"title": "Oat milk"}, headers=bearer(token))
        ada.delete(url)
        client.post(f"{url}/restore", headers=bearer(token))
        user, program = ({"kind": kind, "turn_id": None} for kind in ("user", "token"))
        by_token = program | {"token": "CI: nightly: €"}
        assert [change["actor"] for change in read_changes(ada)] == [by_token, by_token, user, by_token]

    def test_a_change_by_a_turn_has_the_name_of_the_api_token(
        self, ada: Account, client: httpx2.Client, model: ScriptedModel
    ) -> None:
        model.play(Call("add_todos", {"todos": [{"title": "Milk"}]}), Say("Added."))
        token = create_token(ada, "chat", name="Voice")
        turn = client.post(CHAT, json={"message": "Add milk."}, headers=bearer(token)).json()
        client.post(f"{CHAT}/turns/{turn['turn_id']}/undo", headers=bearer(token))
        added, undone = (change["actor"] for change in read_changes(ada))
        assert added == {"kind": "assistant", "turn_id": turn["turn_id"], "token": "Voice"}
        assert undone == {"kind": "token", "turn_id": None, "token": "Voice"}

    def test_a_change_keeps_the_name_of_a_deleted_token(self, ada: Account, client: httpx2.Client) -> None:
        token = create_token(ada, "todos:write", name="Backup")
        client.post(TODOS, json={"title": "Milk"}, headers=bearer(token))
        ada.client.delete(f"{TOKENS}/{token['id']}")
        assert [change["actor"]["token"] for change in read_changes(ada)] == ["Backup"]

    def test_a_bearer_token_reads_the_same_log(self, ada: Account, program: Account) -> None:
        ada.add()
        assert read_changes(program) == read_changes(ada)

    def test_changes_of_other_users_are_not_listed(self, ada: Account, bob: Account) -> None:
        adas, bobs = ada.add("Ada's"), bob.add("Bob's")
        assert bob.client.patch(adas["url"], json={"title": "Mine"}).status_code == 404
        assert [(change["seq"], change["after"]) for change in read_changes(ada)] == [(1, adas)]
        assert [(change["seq"], change["after"]) for change in read_changes(bob)] == [(1, bobs)]

    def test_the_log_may_be_cached_but_must_be_revalidated(self, ada: Account) -> None:
        assert ada.client.get(CHANGES).headers["cache-control"] == "private, no-cache"

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
    def test_the_log_cannot_be_written(self, ada: Account, method: str) -> None:
        ada.add()
        assert ada.client.request(method, CHANGES).status_code in {405, 422}
        assert len(read_changes(ada)) == 1


def read_states(account: Account, **parameters: int) -> list[tuple[str, Json | None, Json | None]]:
    """Returns the operation of each change, with the object before and after it."""
    return [(change["op"], change["before"], change["after"]) for change in read_changes(account, **parameters)]


class TestProjects:
    def test_a_project_is_logged_like_its_responses(self, ada: Account) -> None:
        created = ada.add_project("Home")
        renamed = ada.client.patch(created["url"], json={"name": "House"}).json()
        archived = ada.client.patch(created["url"], json={"archived": True}).json()
        ada.client.delete(created["url"])
        assert read_states(ada) == [
            ("create", None, created),
            ("update", created, renamed),
            ("update", renamed, archived),
            ("delete", archived, None),
        ]
        found = read_changes(ada)
        assert {(change["kind"], change["project_id"]) for change in found} == {("project", created["id"])}
        assert {(change["todo_id"], change["tag"]) for change in found} == {(None, None)}

    def test_a_deletion_is_logged_between_those_of_its_todos_and_the_loss_of_their_project(self, ada: Account) -> None:
        project = ada.add_project("Home")
        todo = ada.add("Dust", project_id=project["id"])
        ada.client.delete(project["url"])
        found = [(change["kind"], change["op"]) for change in read_changes(ada, since=2)]
        assert found == [("todo", "delete"), ("project", "delete"), ("todo", "update")]
        *_, update = read_changes(ada)
        assert (update["todo_id"], update["after"]["project_id"]) == (todo["id"], None)

    def test_a_refused_change_is_not_logged(self, ada: Account) -> None:
        project = ada.add_project()
        ada.client.patch(project["url"], json={"name": "Never"}, headers={"If-Match": '"7"'})
        ada.client.delete(project["url"], headers={"If-Match": '"7"'})
        assert len(read_changes(ada)) == 1

    def test_the_actor_is_named(self, ada: Account, client: httpx2.Client, model: ScriptedModel) -> None:
        token = create_token(ada, "todos:write", name="Import")
        client.post(PROJECTS, json={"name": "Home"}, headers=bearer(token))
        model.play(Call("add_projects", {"names": ["Garden"]}), Say("Added."))
        turn = ada.client.post(CHAT, json={"message": "Add a project."}).json()
        assert [change["actor"] for change in read_changes(ada)] == [
            {"kind": "token", "turn_id": None, "token": "Import"},
            {"kind": "assistant", "turn_id": turn["turn_id"]},
        ]

    def test_an_undo_of_the_turn_deletes_its_project(self, ada: Account, model: ScriptedModel) -> None:
        model.play(
            Call("add_projects", {"names": ["Garden"]}), Call("add_todos", {"todos": [{"title": "Dig"}]}), Say("Added.")
        )
        turn = ada.client.post(CHAT, json={"message": "Add a project and a todo."}).json()
        undone = ada.client.post(f"{CHAT}/turns/{turn['turn_id']}/undo")
        assert undone.status_code == 200, undone.text
        assert ada.client.get(PROJECTS).json() == ada.titles() == []

    def test_each_quota_of_bytes_counts_the_log_of_projects(self, ada: Account, database_url: str) -> None:
        project = ada.add_project("a" * 200)
        ada.client.patch(project["url"], json={"name": "b" * 200})
        counted = "SELECT stored_bytes FROM account_usage WHERE user_id = $1"
        [row] = postgres.query(database_url, counted, UUID(ada.user["id"]))
        assert row["stored_bytes"] == 3 * 800


class TestSince:
    def test_since_is_0_by_default(self, ada: Account) -> None:
        ada.add()
        assert read_changes(ada) == read_changes(ada, since=0)

    def test_since_leaves_out_earlier_changes(self, ada: Account) -> None:
        for title in "abcd":
            ada.add(title)
        assert [change["after"]["title"] for change in read_changes(ada, since=2)] == ["c", "d"]

    @pytest.mark.parametrize("since", [3, 4, 10**6, LARGEST_SEQ])
    def test_since_beyond_the_end_is_an_empty_list(self, ada: Account, since: int) -> None:
        for title in "abc":
            ada.add(title)
        answered = ada.client.get(CHANGES, params={"since": since})
        assert (answered.status_code, answered.json()) == (200, [])
        assert "link" not in answered.headers

    @pytest.mark.parametrize("since", ["-1", "x", "", "1.5", "1e3", "null", str(LARGEST_SEQ + 1), "9" * 50])
    def test_since_must_be_a_sequence_number(self, ada: Account, since: str) -> None:
        refused = problem(ada.client.get(CHANGES, params={"since": since}), 422, "validation_failed")
        assert [error["field"] for error in refused["errors"]] == ["since"]

    @pytest.mark.parametrize("limit", ["0", "201", "-1", "x"])
    def test_a_limit_out_of_bounds_is_refused(self, ada: Account, limit: str) -> None:
        refused = problem(ada.client.get(CHANGES, params={"limit": limit}), 422, "validation_failed")
        assert [error["field"] for error in refused["errors"]] == ["limit"]

    @pytest.mark.parametrize("name", ["nope", "Since", "cursor", "user_id"])
    def test_an_unknown_parameter_is_refused(self, ada: Account, name: str) -> None:
        refused = problem(ada.client.get(CHANGES, params={name: "1"}), 422, "validation_failed")
        assert [error["field"] for error in refused["errors"]] == [name]


class TestPages:
    def test_links_lead_through_the_whole_log(self, ada: Account) -> None:
        for number in range(7):
            ada.add(str(number))
        page = ada.client.get(CHANGES, params={"limit": 3})
        pages = [page.json()]
        while "next" in page.links:
            page = ada.client.get(page.links["next"]["url"])
            pages.append(page.json())
        assert [[change["seq"] for change in page] for page in pages] == [[1, 2, 3], [4, 5, 6], [7]]

    def test_the_last_page_has_no_link(self, ada: Account) -> None:
        for number in range(3):
            ada.add(str(number))
        assert "link" not in ada.client.get(CHANGES, params={"limit": 3}).headers

    def test_changes_made_while_paging_appear_on_later_pages(self, ada: Account) -> None:
        for number in range(3):
            ada.add(str(number))
        page = ada.client.get(CHANGES, params={"limit": 2})
        ada.add("meanwhile")
        later = ada.client.get(page.links["next"]["url"])
        assert [change["after"]["title"] for change in later.json()] == ["2", "meanwhile"]
