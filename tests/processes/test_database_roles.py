"""Two roles: the owner of the tables migrates, and the service connects as a role that cannot change tables."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest

from functions.migrate.app import Upgrade, upgrade
from functions.migrate.errors import MigrationFailed
from tests import postgres
from tests.accounts import TODOS, Account, close_account, sign_up
from tests.python_processes import environment_without_settings, run_python
from tests.serving import on_port
from tests.surfaces.chat import answer_approval, run_turn, undo_turn
from todo_core.schema.revision import HEAD_REVISION
from todo_core.settings import Settings

NEON_PAGE = Path(__file__).parents[2] / "docs/neon.md"
KEY = "kX9-vQ2_mR7wTz4LpB8sYc3NfH6jGd1A"


@dataclass(frozen=True)
class Roles:
    """URLs of one empty database: of its owner, and of a role without rights."""

    owner: str
    service: str

    def migrate(self) -> Upgrade:
        return upgrade(Settings(database={"url": self.service, "url_unpooled": self.owner}))


@pytest.fixture
def roles(server_url: str) -> Iterator[Roles]:
    role = f"service {uuid4().hex}"  # a name that needs quotes
    postgres.run(server_url, f"CREATE ROLE \"{role}\" LOGIN PASSWORD 'c0ffee'")
    with postgres.database(server_url, migrated=False) as url:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        yield Roles(url, parts._replace(netloc=f"{role.replace(' ', '%20')}:c0ffee@{host}").geturl())
    postgres.run(server_url, f'DROP ROLE "{role}"')


@pytest.fixture
def ada(roles: Roles, tmp_path: Path) -> Iterator[Account]:
    """A user of a service that connects as the role without rights."""
    roles.migrate()
    # An empty key selects the built-in commands, also beside tests that set the key of a scripted model.
    settings = {
        "DATABASE_URL": roles.service,
        "ENVIRONMENT": "production",
        "SECRET_KEY": KEY,
        "OPENAI_API_KEY": "",
    }
    command = (sys.executable, "-m", "functions")
    with (
        on_port(environment_without_settings() | settings, command=command, folder=str(tmp_path)) as server,
        server.client() as client,
    ):
        assert client.get("/health/ready").status_code == 200
        yield sign_up(client)


def test_the_service_reads_and_writes(ada: Account) -> None:
    parent = ada.add("Move house", tags=["home"])
    ada.add("Pack boxes", parent_id=parent["id"])
    project = ada.add_project("Garden")
    ada.client.patch(parent["url"], json={"project_id": project["id"], "completed": True})
    ada.delete(parent["url"])
    assert ada.client.post(f"{parent['url']}/restore").status_code == 200
    operations = [{"op": "create", "todo": {"title": "Make tea"}}]
    keyed = {"Idempotency-Key": "tea"}
    assert ada.client.post(f"{TODOS}/batch", json={"operations": operations}, headers=keyed).status_code == 200
    turn = run_turn(ada, "delete make tea")
    assert answer_approval(ada, turn["turn_id"], approve=True).status_code == 200
    assert undo_turn(ada, turn["turn_id"]).status_code == 200

    assert ada.titles(tag="home") == ["Move house"]
    assert ada.client.get("/api/v1/auth/me/export").status_code == 200
    assert close_account(ada.client).status_code == 204


def test_the_purge_runs_without_a_key(roles: Roles, ada: Account, tmp_path: Path) -> None:
    ada.delete(ada.add("Gone")["url"])
    postgres.run(roles.owner, "UPDATE todos SET deleted_at = now() - interval '31 days'")

    ended = run_python("-m", "functions.purge", folder=tmp_path, DATABASE_URL=roles.service, ENVIRONMENT="production")

    assert ended.returncode == 0, ended.stderr
    assert postgres.query(roles.owner, "SELECT FROM todos") == []


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine ()",
        "DROP TABLE todos",
        "ALTER TABLE todos ADD COLUMN mine text",
        "TRUNCATE users CASCADE",
        "CREATE OR REPLACE FUNCTION todo_bytes(text, text, text[]) RETURNS bigint LANGUAGE sql RETURN 0",
        "DROP TRIGGER todos_log_created ON todos",
        "UPDATE alembic_version SET version_num = '9999'",
    ],
)
def test_the_service_cannot_change_the_schema(roles: Roles, statement: str) -> None:
    roles.migrate()

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        postgres.run(roles.service, statement)


def test_a_table_of_a_later_migration_has_the_rights(roles: Roles) -> None:
    roles.migrate()
    postgres.run(roles.owner, "CREATE TABLE later (id serial)")

    postgres.run(roles.service, "INSERT INTO later DEFAULT VALUES", "DELETE FROM later")


def test_rights_are_granted_on_a_schema_that_exists(roles: Roles) -> None:
    upgrade(Settings(database={"url": roles.owner}))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        postgres.query(roles.service, "SELECT FROM todos")

    assert roles.migrate().before == HEAD_REVISION
    assert postgres.query(roles.service, "SELECT FROM todos") == []


def test_a_missing_role_is_named(roles: Roles) -> None:
    service = roles.service.replace("service%20", "nobody%20")

    with pytest.raises(MigrationFailed, match=r"The role nobody \w+ of DATABASE_URL does not exist\. Create it"):
        upgrade(Settings(database={"url": service, "url_unpooled": roles.owner}))


def test_an_owner_who_is_no_superuser_creates_and_drops_the_role(server_url: str) -> None:
    """Runs the SQL of docs/neon.md. Owners of hosted databases are no superusers."""
    create, drop = re.findall(r"```sql\n(.+?)```", NEON_PAGE.read_text(), re.DOTALL)
    number = uuid4().hex
    owner, service = f"owner_{number}", f"service_{number}"
    postgres.run(server_url, f"CREATE ROLE {owner} LOGIN CREATEROLE PASSWORD 'c0ffee'")
    with postgres.database(server_url, migrated=False) as url:
        postgres.run(url, f"ALTER DATABASE {postgres.name_of(url)} OWNER TO {owner}")
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        urls = Roles(*(parts._replace(netloc=f"{role}:c0ffee@{host}").geturl() for role in (owner, service)))

        postgres.run(urls.owner, create.replace("todo_app", service))
        urls.migrate()
        postgres.run(urls.owner, *drop.replace("todo_app", service).split(";\n")[:-1])

        assert postgres.query(url, "SELECT FROM pg_roles WHERE rolname = $1", service) == []
    postgres.run(server_url, f"DROP ROLE {owner}")


def test_a_role_that_may_create_tables_is_logged(roles: Roles, caplog: pytest.LogCaptureFixture) -> None:
    roles.migrate()
    assert not caplog.messages
    postgres.run(roles.owner, "GRANT CREATE ON SCHEMA public TO PUBLIC")

    roles.migrate()

    (message,) = caplog.messages
    assert "may create tables" in message
