"""The service that `docker compose up` starts, as docs/deploy-container.md describes."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests import engine, postgres, serving
from tests.accounts import TODOS, Account, problem, sign_in, sign_up
from tests.container.compose_project import Project, project
from tests.relay import relayed

SERVICES = ("app", "migration", "purge", "backup")
KILLED = 137
"""Exit code of a container that did not end within the time of a stop."""
COUNT_USERS = "SELECT count(*) AS users FROM users"


@pytest.fixture(scope="module")
def running(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with project(tmp_path_factory.mktemp("compose"), image) as running:
        running.up()
        yield running


@pytest.fixture
def client(running: Project) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=running.url, timeout=60) as client:
        yield client


class TestRunning:
    def test_it_serves_on_a_migrated_database(self, running: Project, client: httpx2.Client) -> None:
        assert httpx2.get(f"{running.url}/health/ready", timeout=60).status_code == 200
        sign_up(client).add("Buy milk")

    def test_todos_survive_down_and_up(self, running: Project, client: httpx2.Client) -> None:
        ada = sign_up(client)
        ada.add("Buy milk")
        running.run("down")
        running.up()

        assert sign_in(client, ada.email).status_code == 200
        assert Account(client, ada.user).titles() == ["Buy milk"]
        assert client.get(TODOS).status_code == 200

    @pytest.mark.parametrize("service", SERVICES)
    def test_containers_are_read_only_without_capabilities(self, running: Project, service: str) -> None:
        found = running.run("ps", "--all", "--format={{.ID}}", service).split()
        template = "{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.SecurityOpt}}"
        inspected = subprocess.run(
            ("docker", "inspect", f"--format={template}", *found), capture_output=True, text=True, check=True
        )
        assert inspected.stdout == "true [ALL] [no-new-privileges:true]\n"

    def test_the_purge_has_run(self, running: Project) -> None:
        assert '"message":"Purged"' in running.run("logs", "purge")

    def test_every_service_ends_at_the_signal_of_a_stop(self, running: Project) -> None:
        running.run("stop")
        codes = running.run("ps", "--all", "--format={{.Service}} {{.ExitCode}}").splitlines()
        assert len(codes) == len((*SERVICES, "postgres"))
        assert [code for code in codes if code.endswith(f" {KILLED}")] == []
        running.up()

    def test_a_backup_restores_what_was_there(self, running: Project, client: httpx2.Client) -> None:
        ada = sign_up(client)
        ada.add("Buy milk")
        running.run("exec", "backup", "backup", "/backups", "14")
        ada.add("Buy bread")
        running.run("exec", "postgres", "psql", "--username=todo", "--command=DROP TABLE sessions CASCADE")
        problem(client.get(TODOS), 503, "schema_outdated")

        running.run("stop", "app")
        running.run("run", "--rm", "--no-deps", "backup", "restore", "/backups", "todo")
        running.up()
        assert ada.titles() == ["Buy milk"]

    def test_a_failed_backup_is_seen_and_repeated(self, running: Project) -> None:
        backups = list((running.folder / "backups").iterdir())
        running.run("stop", "postgres")
        running.run("restart", "backup")
        serving.wait_until(lambda: "unhealthy" in running.run("ps", "backup"), seconds=120)

        assert "backup failed. The next attempt is in 300 seconds." in running.run("logs", "backup")
        assert list((running.folder / "backups").iterdir()) == backups
        running.run("start", "postgres")
        running.run("restart", "backup")
        running.up()


class TestSettings:
    @pytest.fixture
    def stopped(self, image: str, tmp_path: Path) -> Iterator[Project]:
        with project(tmp_path, image) as stopped:
            yield stopped

    def environment(self, stopped: Project, service: str) -> dict[str, str]:
        config = json.loads(stopped.run("--profile", "*", "config", "--format=json"))
        environment: dict[str, str] = config["services"][service]["environment"]
        return environment

    def test_no_variable_but_the_key_is_missed(self, stopped: Project) -> None:
        read = stopped.compose("--profile", "*", "config")
        assert (read.returncode, read.stderr) == (0, "")

    def test_a_missing_key_is_explained_with_a_command(self, stopped: Project) -> None:
        stopped.set(SECRET_KEY="")
        refused = stopped.compose("config")

        assert refused.returncode != 0
        assert 'create one with: echo "SECRET_KEY=$(openssl rand -base64 48)" >> .env' in refused.stderr

    @pytest.mark.parametrize("service", SERVICES)
    def test_a_database_url_has_precedence_over_the_postgresql_in_compose(self, stopped: Project, service: str) -> None:
        names = ("DATABASE_URL", "DATABASE_URL_UNPOOLED")
        stopped.set(DATABASE_URL_UNPOOLED="postgresql://direct/todo")
        own = self.environment(stopped, service)
        assert [own[name] for name in names] == ["postgresql://todo:todo@postgres/todo", ""]

        stopped.set(DATABASE_URL="postgresql://pooled/todo")
        other = self.environment(stopped, service)
        assert [other[name] for name in names] == ["postgresql://pooled/todo", "postgresql://direct/todo"]

    def test_another_database_is_used_and_backed_up(self, stopped: Project, server_url: str) -> None:
        with (
            postgres.database(server_url, migrated=False) as empty,
            relayed(empty, host=engine.HOST) as url,
            httpx2.Client(base_url=stopped.url, timeout=60) as client,
        ):
            stopped.set(DATABASE_URL=url)
            stopped.up()
            sign_up(client)
            assert [row["users"] for row in postgres.query(empty, COUNT_USERS)] == [1]
            assert list((stopped.folder / "backups").glob("todo-*.dump"))
