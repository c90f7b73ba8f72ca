"""The migrations since the newest release work with its code, which serves until an update has replaced it."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import httpx2
import pytest

from functions.migrate.app import upgrade
from tests import postgres
from tests.accounts import PASSWORD, TODOS, Account, change_password, close_account, sign_in, sign_up
from tests.processes.previous_release import Release, unpack_newest
from tests.serving import OnPort, on_port
from tests.surfaces.chat import answer_approval, run_turn, undo_turn
from todo_core.settings import Settings

CHANGES = f"{TODOS}/changes"
SETTINGS = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": "kX9-vQ2_mR7wTz4LpB8sYc3NfH6jGd1A",
    # On a busy machine, hashes of low priority and turns are slow, which these tests do not measure.
    "BCRYPT_ROUNDS": "4",
    "ASSISTANT_SECONDS": "60",
}

SMOKE = ("test_auth_password.py", "test_chat_approvals.py", "test_todos_changes.py", "test_todos_trash.py")
"""Files of the release's own tests/surfaces that run on the schema of today."""


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return unpack_newest(tmp_path_factory.mktemp("release"))


@dataclass(frozen=True)
class Update:
    """A database that was migrated while the release served. Old and new code serve on it, for the same user."""

    url: str
    server: OnPort
    """The process of the old code."""
    old: httpx2.Client
    new: httpx2.Client
    ada: Account
    """The user at the old code, signed in before the migration."""

    @property
    def ada_at_new(self) -> Account:
        """The same session at the new code."""
        self.new.cookies.update(self.old.cookies)
        return Account(self.new, self.ada.user)


@pytest.fixture(scope="module")
def update(release: Release, server_url: str) -> Iterator[Update]:
    with postgres.database(server_url, migrated=False) as url:
        settings = {"DATABASE_URL": url, **SETTINGS}
        release.run("-m", "functions.migrate", **settings)
        served = (sys.executable, "-m", "functions")
        with (
            on_port(release.variables | settings, command=served, folder=str(release.folder)) as old,
            old.client() as client,
        ):
            ada = sign_up(client)
            # The old code keeps the prepared statements of these requests.
            client.patch(ada.add("Buy milk", description="two litres")["url"], json={"priority": "high"})
            client.get(CHANGES)
            run_turn(ada, "add buy bread")
            upgrade(Settings(database={"url": url}))
            with on_port(settings, command=served) as new, new.client() as new_client:
                yield Update(url, old, client, new_client, ada)


def test_the_release_serves_its_own_code(release: Release) -> None:
    found = release.run("-c", "from todo_core.schema import revision as r; print(r.HEAD_REVISION, r.__file__)")

    assert found.split() == [release.schema, str(release.folder / "layers/core/todo_core/schema/revision.py")]


class TestUpdate:
    def test_a_session_from_before_is_valid(self, update: Update) -> None:
        assert update.old.get("/api/v1/auth/me").json()["email"] == update.ada.email

    def test_todos_are_created_changed_deleted_restored_and_listed(self, update: Update) -> None:
        todo = update.ada.add("Paint the door", tags=["home"], due_date="2030-01-31")
        update.old.patch(todo["url"], json={"title": "Paint the blue door", "completed": True})
        update.ada.delete(todo["url"])
        assert update.old.post(f"{todo['url']}/restore").status_code == 200

        assert update.ada.titles(q="blue", tag="home") == ["Paint the blue door"]
        assert update.ada_at_new.titles(q="blue", tag="home") == ["Paint the blue door"]

    def test_a_batch_runs(self, update: Update) -> None:
        operations = [
            {"op": "create", "ref": "tea", "todo": {"title": "Make tea"}},
            {"op": "update", "id": "tea", "changes": {"priority": "low"}},
            {"op": "delete", "id": "tea"},
        ]
        response = update.old.post(f"{TODOS}/batch", json={"operations": operations})

        assert response.status_code == 200, response.text

    @pytest.mark.parametrize("writer", ["old", "new"])
    def test_changes_have_the_description_also_if_it_stayed(self, update: Update, writer: str) -> None:
        account = update.ada if writer == "old" else update.ada_at_new
        todo = account.add("Read a book", description="in the garden")
        account.client.patch(todo["url"], json={"priority": "high"})
        changes = update.old.get(CHANGES, params={"since": 0, "limit": 200}).json()

        created, updated = [change for change in changes if change["todo_id"] == todo["id"]]
        assert created["after"] == updated["before"]
        assert [created["op"], updated["op"]] == ["create", "update"]
        assert [updated[name]["description"] for name in ("before", "after")] == ["in the garden"] * 2

    def test_a_recurring_todo_that_new_code_postponed_or_skipped_is_moved_on(self, update: Update) -> None:
        todo = update.ada_at_new.add("Put out the bins", due_date="2030-01-01", recurrence="FREQ=WEEKLY")
        path = f"{TODOS}/{todo['id']}"
        update.new.post(f"{path}/skip").raise_for_status()
        update.new.patch(path, json={"due_date": "2030-01-10"}).raise_for_status()

        # The old code knows no postponement: the series goes on from the due date.
        by_old, by_new = (client.patch(path, json={"completed": True}).json() for client in (update.old, update.new))
        assert (by_old["due_date"], by_new["due_date"]) == ("2030-01-17", "2030-01-24")
        changes = update.old.get(CHANGES, params={"since": 0, "limit": 200}).json()
        assert [change["op"] for change in changes if change["todo_id"] == todo["id"]] == [
            *("create", "skip", "update", "complete", "complete"),
        ]

    def test_projects_are_in_the_log_of_new_code_alone(self, update: Update) -> None:
        project = update.ada.add_project("Attic")
        assert update.old.patch(f"/api/v1/projects/{project['id']}", json={"name": "Loft"}).status_code == 200
        changes = update.ada_at_new.client.get(CHANGES, params={"since": 0, "limit": 200}).json()

        assert [change["op"] for change in changes if change["project_id"] == project["id"]] == ["create", "update"]
        in_old = update.old.get(CHANGES, params={"since": 0, "limit": 200}).json()
        assert all(change["todo_id"] for change in in_old)

    def test_an_undo_keeps_a_description(self, update: Update) -> None:
        todo = update.ada.add("Water the plants", description="not the cactus")
        turn = run_turn(update.ada, "complete water the plants")
        assert update.old.get(todo["url"]).json()["completed"]

        assert undo_turn(update.ada, turn["turn_id"]).status_code == 200
        restored = update.old.get(todo["url"]).json()
        assert (restored["completed"], restored["description"]) == (False, "not the cactus")

    def test_a_turn_that_waits_for_approval_is_approved(self, update: Update) -> None:
        update.ada.add("Old newspapers")
        turn = run_turn(update.ada, "delete old newspapers")

        assert answer_approval(update.ada, turn["turn_id"], approve=True).status_code == 200
        assert update.ada.titles(q="newspapers") == []

    def test_a_project_and_its_todos_are_deleted(self, update: Update) -> None:
        project = update.ada.add_project("Garden")
        update.ada.add("Plant a tree", project_id=project["id"])

        assert update.old.delete(f"/api/v1/projects/{project['id']}").status_code == 204

    def test_an_idempotency_key_is_replayed(self, update: Update) -> None:
        first, second = (
            update.old.post(TODOS, json={"title": "Once"}, headers={"Idempotency-Key": "once"}) for _ in range(2)
        )
        assert first.json() == second.json()
        assert second.headers["idempotent-replayed"] == "true"

    def test_an_account_is_exported(self, update: Update) -> None:
        document = update.old.get("/api/v1/auth/me/export").json()

        assert "two litres" in {todo["description"] for todo in document["todos"]}
        assert all("description" in (change["after"] or change["before"]) for change in document["changes"])

    def test_an_account_is_opened_changed_and_closed(self, update: Update) -> None:
        with update.server.client() as client:
            bob = sign_up(client)
            bob.add("Buy milk")
            run_turn(bob, "add buy bread")
            assert change_password(bob.client, PASSWORD, "another password").status_code == 204
            assert sign_in(client, bob.email, "another password").status_code == 200
            assert close_account(bob.client, "another password").status_code == 204

    def test_the_purge_runs(self, release: Release, update: Update) -> None:
        update.ada.delete(update.ada.add("Gone")["url"])
        postgres.run(update.url, "UPDATE todos SET deleted_at = now() - interval '31 days' WHERE title = 'Gone'")
        release.run("-m", "functions.purge", DATABASE_URL=update.url, **SETTINGS)

        assert postgres.query(update.url, "SELECT FROM todos WHERE title = 'Gone'") == []

    def test_new_code_counts_what_old_code_wrote(self, update: Update) -> None:
        update.ada.add("Counted")
        (row,) = postgres.query(update.url, "SELECT count(*) AS todos FROM todos WHERE deleted_at IS NULL")

        usage = update.ada_at_new.client.get("/api/v1/auth/me/usage").json()
        assert usage["todos"]["used"] == row["todos"]


class TestSmoke:
    def test_the_releases_own_tests_pass(self, release: Release) -> None:
        """New databases are copies of `template1`, so they have the schema of today."""
        with postgres.own_server() as url:
            template = postgres.beside(url, "template1")
            upgrade(Settings(database={"url": template, "url_unpooled": template}))
            release.run(
                *("-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--surface", "app", "--tb", "short"),
                *(f"tests/surfaces/{name}" for name in SMOKE),
                TEST_DATABASE_URL=url,
            )
