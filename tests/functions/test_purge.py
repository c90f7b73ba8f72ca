"""The purge of expired rows, run as a Lambda function and as a job."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest

from functions.purge.app import handler
from tests import postgres
from tests.core.databases import add_user
from tests.python_processes import run_python
from tests.serving import LambdaContext

ADD = """
    INSERT INTO todos (id, user_id, title, "order", deleted_at)
    VALUES (gen_random_uuid(), $1, 'Old', 1, now() - interval '31 days')
"""
TODOS = "SELECT FROM todos WHERE user_id = $1"
KINDS = {
    *("changes", "todos", "idempotency_keys", "sessions", "attempts", "invites"),
    *("links", "registrations", "api_tokens", "used_challenges", "outbox", "webhook_deliveries"),
    *("oauth_clients", "oauth_codes", "oauth_connections", "oauth_access_tokens"),
}


@dataclass(frozen=True)
class EndingContext(LambdaContext):
    """Context of an invocation with 5 seconds left, which is too short for a chunk of the purge."""

    def get_remaining_time_in_millis(self) -> int:
        return 5_000


@pytest.fixture
def ada(database_url: str) -> UUID:
    """User with one todo that has been in the trash for 31 days, so that the purge deletes the todo."""
    user_id = add_user(database_url)
    postgres.query(database_url, ADD, user_id)
    return user_id


def run_job(folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    return run_python("-m", "functions.purge", folder=folder, **settings)


@pytest.mark.usefixtures("environment")
class TestFunction:
    def test_it_returns_the_number_of_deleted_rows(self, database_url: str, ada: UUID) -> None:
        purged = handler({"detail-type": "Scheduled Event"}, LambdaContext("purge"))

        assert purged.keys() == KINDS | {"complete"}
        assert purged["todos"] >= 1
        assert purged["complete"] is True
        assert postgres.query(database_url, TODOS, ada) == []

    def test_it_runs_again_in_the_same_process(self, database_url: str, ada: UUID) -> None:
        for _ in range(2):
            postgres.query(database_url, ADD, ada)
            assert handler({}, LambdaContext("purge"))["complete"] is True
            assert postgres.query(database_url, TODOS, ada) == []

    def test_it_begins_no_chunk_when_the_time_is_too_short(self, database_url: str, ada: UUID) -> None:
        assert handler({}, EndingContext("purge"))["complete"] is False
        assert len(postgres.query(database_url, TODOS, ada)) == 1

    @pytest.mark.usefixtures("ada")
    def test_it_logs_the_number_of_deleted_rows(self, capsys: pytest.CaptureFixture[str]) -> None:
        handler({}, LambdaContext("purge"))
        [line] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

        assert (line["message"], line["function_request_id"]) == ("Purged", "purge")
        assert line["todos"] >= 1
        assert line["complete"] is True


class TestJob:
    def test_it_purges_and_logs_the_result(self, database_url: str, ada: UUID, tmp_path: Path) -> None:
        ended = run_job(tmp_path, DATABASE_URL=database_url)

        assert ended.returncode == 0, ended.stderr
        assert json.loads(ended.stdout)["complete"] is True
        assert postgres.query(database_url, TODOS, ada) == []

    def test_missing_settings_are_reported_in_one_sentence(self, tmp_path: Path) -> None:
        ended = run_job(tmp_path, ENVIRONMENT="production")

        assert ended.returncode != 0
        assert ended.stdout + ended.stderr == "DATABASE_URL must be set in production.\n"

    def test_an_unreachable_database_is_reported_in_one_sentence(self, tmp_path: Path) -> None:
        ended = run_job(tmp_path, DATABASE_URL="postgresql://ada:c0ffee@127.0.0.1:1/todos")

        assert ended.returncode != 0
        assert ended.stderr == (
            "The database todos at 127.0.0.1 does not answer; check that it runs and that DATABASE_URL is right,"
            " then repeat the command.\n"
        )
        assert "c0ffee" not in ended.stdout
