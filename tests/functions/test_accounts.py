"""The operator's commands on accounts, run as a Lambda function and in a terminal."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Final
from uuid import UUID

import pytest

from functions.accounts.app import handler
from tests import postgres, serving
from tests.accounts import AUTH, Account, change_password, new_email, problem, sign_in, sign_up
from tests.authenticators import Authenticator, add_app, add_passkey, confirm, log_in_by_passkey
from tests.python_processes import environment_without_settings, run_python
from tests.serving import LambdaContext, Surface
from tests.surfaces.api_tokens import bearer, create_token

NEW_PASSWORD: Final = "wrong donkey charger nail"
ME: Final = f"{AUTH}/me"

type Ended = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def service(environment: dict[str, str]) -> Iterator[Surface]:
    assert environment
    with serving.in_process(import_module("functions.main").app) as service:
        yield service


@pytest.fixture
def ada(service: Surface) -> Iterator[Account]:
    with service.client() as client:
        yield sign_up(client)


def invoke(command: str, **arguments: object) -> dict[str, str]:
    return handler({"command": command, **arguments}, LambdaContext("operator"))


def count_users(database_url: str, account: Account) -> int:
    return len(postgres.query(database_url, "SELECT FROM users WHERE id = $1", UUID(account.user["id"])))


def parse_time(message: str) -> datetime:
    """Returns the time, in UTC and minutes, that a message names."""
    (found,) = re.findall(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", message)
    return datetime.strptime(found, "%Y-%m-%d %H:%M UTC").replace(tzinfo=UTC)


@pytest.mark.usefixtures("environment")
class TestInvite:
    def test_it_returns_a_code_that_the_database_has_only_as_a_hash(self, database_url: str) -> None:
        made = invoke("invite", email=new_email())

        assert made.keys() == {"message", "invite"}
        assert len(made["invite"]) == 32
        rows = postgres.query(database_url, "SELECT * FROM invites")
        assert not any(made["invite"] in str(dict(row)) for row in rows)

    @pytest.mark.parametrize(("arguments", "days"), [({}, 7), ({"days": 30}, 30)])
    def test_it_is_valid_for_the_days(self, arguments: dict[str, int], days: int) -> None:
        end = parse_time(invoke("invite", **arguments)["message"])

        assert abs(end - datetime.now(UTC) - timedelta(days=days)) < timedelta(minutes=2)

    def test_it_says_that_invites_do_not_count_while_registration_is_open(self) -> None:
        assert "REGISTRATION is open" in invoke("invite")["message"]

    @pytest.mark.parametrize("days", [0, 366, "many"])
    def test_wrong_days_are_named(self, days: object) -> None:
        assert invoke("invite", days=days)["error"].startswith("days: ")


@pytest.mark.usefixtures("environment")
class TestResetPassword:
    def test_the_temporary_password_replaces_the_old_one(self, service: Surface, ada: Account) -> None:
        reset = invoke("reset-password", email=ada.email)

        with service.client() as client:
            problem(sign_in(client, ada.email), 401, "invalid_credentials")
            assert sign_in(client, ada.email, reset["password"]).json() == ada.user

    def test_all_sessions_end(self, ada: Account) -> None:
        invoke("reset-password", email=ada.email)

        problem(ada.client.get(ME), 401, "not_authenticated")

    def test_the_temporary_password_is_refused_after_24_hours(
        self, service: Surface, ada: Account, database_url: str
    ) -> None:
        reset = invoke("reset-password", email=ada.email)
        end = parse_time(reset["message"])
        assert abs(end - datetime.now(UTC) - timedelta(hours=24)) < timedelta(minutes=2)

        expire = "UPDATE users SET password_expires_at = now() WHERE id = $1"
        postgres.query(database_url, expire, UUID(ada.user["id"]))
        with service.client() as client:
            problem(sign_in(client, ada.email, reset["password"]), 401, "invalid_credentials")

    def test_a_password_that_the_user_chooses_does_not_expire(
        self, service: Surface, ada: Account, database_url: str
    ) -> None:
        reset = invoke("reset-password", email=ada.email)
        with service.client() as client:
            sign_in(client, ada.email, reset["password"])
            assert change_password(client, reset["password"], NEW_PASSWORD).status_code == 204

        (row,) = postgres.query(
            database_url, "SELECT password_expires_at FROM users WHERE id = $1", UUID(ada.user["id"])
        )
        assert row["password_expires_at"] is None

    def test_each_reset_makes_another_password(self, ada: Account) -> None:
        passwords = {invoke("reset-password", email=ada.email)["password"] for _ in range(3)}

        assert len(passwords) == 3
        assert min(map(len, passwords)) == 20


@pytest.mark.usefixtures("environment")
class TestResetSecondFactor:
    def test_the_password_alone_signs_in_again(self, service: Surface, ada: Account) -> None:
        app, codes = add_app(ada)
        device = Authenticator()
        add_passkey(ada, device, code=codes[0])

        assert ada.email in invoke("reset-second-factor", email=ada.email)["message"]

        with service.client() as client:
            problem(log_in_by_passkey(client, device), 401, "invalid_passkey")
            assert sign_in(client, ada.email).json() == ada.user
            problem(confirm(client, code=app.next_code()), 403, "wrong_code")
            assert client.get(f"{AUTH}/second-factor").json() == {"totp": False, "passkeys": 0, "recovery_codes": 0}

    def test_all_sessions_end(self, ada: Account) -> None:
        invoke("reset-second-factor", email=ada.email)

        problem(ada.client.get(ME), 401, "not_authenticated")


@pytest.mark.usefixtures("environment")
class TestEndSessions:
    def test_all_sessions_end_and_the_password_stays(self, service: Surface, ada: Account) -> None:
        with service.client() as phone:
            sign_in(phone, ada.email)
            assert "that ended: 2." in invoke("end-sessions", email=ada.email)["message"]

            problem(phone.get(ME), 401, "not_authenticated")
        problem(ada.client.get(ME), 401, "not_authenticated")
        assert sign_in(ada.client, ada.email).status_code == 200

    def test_the_case_of_the_email_is_ignored(self, ada: Account) -> None:
        assert "that ended: 1." in invoke("end-sessions", email=ada.email.upper())["message"]

    def test_api_tokens_are_deleted(self, service: Surface, ada: Account) -> None:
        tokens = [create_token(ada) for _ in range(2)]

        assert invoke("end-sessions", email=ada.email)["message"].endswith("Deleted API tokens: 2.")

        with service.client() as program:
            for token in tokens:
                problem(program.get(ME, headers=bearer(token)), 401, "not_authenticated")


@pytest.mark.usefixtures("environment")
class TestClose:
    def test_the_account_is_deleted_with_its_data(self, ada: Account, database_url: str) -> None:
        ada.add()
        invoke("close", email=ada.email, yes=True)

        assert not count_users(database_url, ada)
        problem(ada.client.get(ME), 401, "not_authenticated")

    def test_it_needs_a_confirmation(self, ada: Account, database_url: str) -> None:
        assert '"yes": true' in invoke("close", email=ada.email)["error"]
        assert count_users(database_url, ada)


@pytest.mark.usefixtures("environment")
class TestEvent:
    @pytest.mark.parametrize("command", ["reset-password", "reset-second-factor", "end-sessions", "close"])
    def test_an_unknown_email_is_an_error(self, command: str) -> None:
        assert invoke(command, email=new_email(), yes=True) == {
            "error": "No account has this email; check it and try again."
        }

    @pytest.mark.parametrize("command", ["reset-password", "reset-second-factor", "end-sessions", "close"])
    def test_a_missing_email_is_an_error(self, command: str) -> None:
        assert "needs the email" in invoke(command)["error"]

    @pytest.mark.parametrize(
        "event", [{}, [], None, {"command": "drop"}, {"command": "invite", "emails": "x"}], ids=str
    )
    def test_an_invalid_event_is_an_error(self, event: object) -> None:
        assert handler(event, LambdaContext("operator")).keys() == {"error"}

    def test_each_command_is_logged_without_email_and_secret(
        self, ada: Account, capsys: pytest.CaptureFixture[str]
    ) -> None:
        results = [
            invoke("invite", email=ada.email),
            invoke("reset-password", email=ada.email),
            invoke("reset-second-factor", email=ada.email),
            invoke("end-sessions", email=ada.email),
            invoke("close", email=ada.email, yes=True),
        ]
        output = capsys.readouterr().out
        lines = [json.loads(line) for line in output.splitlines() if '"event"' in line]

        events = ["invite", "password_reset", "second_factor_reset", "session_end", "close_account"]
        assert [line["event"] for line in lines] == events
        assert {line["address"] for line in lines} == {"operator"}
        assert {line.get("account_id") for line in lines[1:]} == {ada.user["id"]}
        secrets = [result.get("invite") or result.get("password", ada.email) for result in results]
        assert not any(text in output for text in [*secrets, ada.email])


class TestTerminal:
    """The commands in a process of their own. The database is that of the other tests."""

    def run(self, folder: Path, database_url: str, *arguments: str, typed: str = "", **settings: str) -> Ended:
        return subprocess.run(
            [sys.executable, "-m", "functions.accounts", *arguments],
            cwd=folder,
            env={**environment_without_settings(), "DATABASE_URL": database_url, "BCRYPT_ROUNDS": "4", **settings},
            input=typed,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def test_an_invite_is_the_only_output(self, tmp_path: Path, database_url: str) -> None:
        ended = self.run(tmp_path, database_url, "invite", new_email(), "--days", "2", REGISTRATION="invite")

        assert ended.returncode == 0, ended.stderr
        assert re.fullmatch(r"[\w-]{32}\n", ended.stdout)
        assert "valid until" in ended.stderr
        assert "REGISTRATION" not in ended.stderr

    def test_a_temporary_password_is_the_only_output(
        self, tmp_path: Path, database_url: str, service: Surface, ada: Account
    ) -> None:
        ended = self.run(tmp_path, database_url, "reset-password", ada.email)

        with service.client() as client:
            assert sign_in(client, ada.email, ended.stdout.strip()).status_code == 200

    def test_a_second_factor_is_removed(
        self, tmp_path: Path, database_url: str, service: Surface, ada: Account
    ) -> None:
        add_app(ada)

        ended = self.run(tmp_path, database_url, "reset-second-factor", ada.email)

        assert (ended.returncode, ended.stderr.count("\n")) == (0, 1)
        with service.client() as client:
            assert sign_in(client, ada.email).status_code == 200

    def test_sessions_end(self, tmp_path: Path, database_url: str, ada: Account) -> None:
        ended = self.run(tmp_path, database_url, "end-sessions", ada.email)

        message = f"Sessions of {ada.email} that ended: 1. Deleted API tokens: 0.\n"
        assert (ended.returncode, ended.stdout) == (0, message)

    @pytest.mark.parametrize(("typed", "closes"), [("y\n", True), ("n\n", False), ("", False)])
    def test_closing_asks_first(
        self, tmp_path: Path, database_url: str, ada: Account, typed: str, *, closes: bool
    ) -> None:
        ended = self.run(tmp_path, database_url, "close", ada.email, typed=typed)

        assert "with all its data? [y/N]" in ended.stderr
        assert ended.returncode == (0 if closes else 1)
        assert count_users(database_url, ada) == (0 if closes else 1)

    def test_closing_with_yes_does_not_ask(self, tmp_path: Path, database_url: str, ada: Account) -> None:
        ended = self.run(tmp_path, database_url, "close", "--yes", ada.email)

        assert ended.returncode == 0
        assert "[y/N]" not in ended.stderr
        assert not count_users(database_url, ada)

    def test_an_unknown_email_fails_with_a_sentence(self, tmp_path: Path, database_url: str) -> None:
        ended = self.run(tmp_path, database_url, "end-sessions", new_email())

        assert (ended.returncode, ended.stdout) == (1, "")
        assert ended.stderr == "No account has this email; check it and try again.\n"

    @pytest.mark.parametrize(
        "arguments", [(), ("drop",), ("close",), ("invite", "--days", "x"), ("invite", "--days", "0"), ("invite", "me")]
    )
    def test_wrong_arguments_are_explained(self, tmp_path: Path, database_url: str, arguments: tuple[str, ...]) -> None:
        ended = self.run(tmp_path, database_url, *arguments)

        assert (ended.returncode, ended.stdout) == (2, "")
        assert ended.stderr
        assert "Traceback" not in ended.stderr

    def test_help_names_all_commands(self, tmp_path: Path) -> None:
        ended = run_python("-m", "functions.accounts", "--help", folder=tmp_path)

        assert ended.returncode == 0
        assert all(
            name in ended.stdout
            for name in ("invite", "reset-password", "reset-second-factor", "end-sessions", "close")
        )

    def test_missing_settings_are_reported_in_one_sentence(self, tmp_path: Path) -> None:
        ended = run_python("-m", "functions.accounts", "invite", folder=tmp_path, ENVIRONMENT="production")

        assert ended.returncode == 2
        assert ended.stdout + ended.stderr == "DATABASE_URL must be set in production.\n"

    def test_an_unreachable_database_is_reported_in_one_sentence(self, tmp_path: Path) -> None:
        url = "postgresql://ada:c0ffee@127.0.0.1:1/todos"
        ended = self.run(tmp_path, url, "invite")

        assert ended.returncode == 1
        assert ended.stderr == (
            "The database todos at 127.0.0.1 does not answer; check that it runs and that DATABASE_URL is right,"
            " then repeat the command.\n"
        )
