"""Responses of the migration function to CloudFormation, which runs it as a custom resource."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from functions.migrate import app
from functions.migrate.custom_resource import CustomResourceEvent, run_and_respond, settings_hash
from tests import postgres
from tests.listening import QuietHandler, listening
from tests.serving import LambdaContext
from todo_core.schema.revision import HEAD_REVISION

type Kind = Literal["Create", "Update", "Delete"]


@dataclass
class Stack:
    """Fake CloudFormation stack that stores responses. It refuses the first `refusals` responses with status 503."""

    url: str = ""
    refusals: int = 0
    content_types: list[str] = field(default_factory=list)
    responses: list[dict[str, Any]] = field(default_factory=list)

    def request(self, kind: Kind = "Create", *, physical_id: str | None = None) -> CustomResourceEvent:
        event: CustomResourceEvent = {
            "RequestType": kind,
            "ResponseURL": self.url,
            "StackId": "stack",
            "RequestId": "request",
            "LogicalResourceId": "Schema",
            "ResourceProperties": {"Settings": ["INFO", "1"]},
        }
        if physical_id is not None:
            event["PhysicalResourceId"] = physical_id
        return event


@pytest.fixture
def stack() -> Iterator[Stack]:
    stack = Stack()

    class Handler(QuietHandler):
        def do_PUT(self) -> None:  # noqa: N802 - the base class calls it by this name
            body = self.rfile.read(int(self.headers["content-length"]))
            if stack.refusals:
                stack.refusals -= 1
                self.send_error(503)
                return
            stack.content_types.append(self.headers["content-type"])
            stack.responses.append(json.loads(body))
            self.send_response(200)
            self.end_headers()

    with listening(Handler) as url:
        stack.url = f"{url}/answer?signature=1"
        yield stack


@dataclass(frozen=True)
class Remaining:
    milliseconds: int = 60_000

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


def fail() -> None:
    raise ValueError("It is broken.\nDETAIL: a row of a user")


class TestResponse:
    def test_completed_work_is_reported_as_success(self, stack: Stack) -> None:
        done: list[str] = []

        run_and_respond(stack.request(), Remaining(), lambda: done.append("work"))

        assert done == ["work"]
        assert stack.responses == [
            {
                "Status": "SUCCESS",
                "Reason": "",
                "PhysicalResourceId": "Schema",
                "StackId": "stack",
                "RequestId": "request",
                "LogicalResourceId": "Schema",
                "Data": {"SettingsHash": settings_hash({"Settings": ["INFO", "1"]})},
            }
        ]

    def test_the_upload_has_an_empty_content_type(self, stack: Stack) -> None:
        run_and_respond(stack.request(), Remaining(), lambda: None)

        assert stack.content_types == [""]

    def test_failed_work_is_reported_with_the_first_line_of_its_error(self, stack: Stack) -> None:
        run_and_respond(stack.request("Update"), Remaining(), fail)

        (response,) = stack.responses
        assert response["Status"] == "FAILED"
        assert response["Reason"] == "ValueError: It is broken."

    def test_a_long_reason_is_cut(self, stack: Stack) -> None:
        def fail_at_length() -> None:
            raise ValueError("x" * 10_000)

        run_and_respond(stack.request(), Remaining(), fail_at_length)

        assert len(stack.responses[0]["Reason"]) == 1_000

    def test_work_that_takes_too_long_is_reported_once_before_the_invocation_ends(self, stack: Stack) -> None:
        def wait() -> None:
            while not stack.responses:
                threading.Event().wait(0.01)

        run_and_respond(stack.request(), Remaining(10_200), wait)

        (response,) = stack.responses
        assert response["Status"] == "FAILED"
        assert response["Reason"].startswith("It did not end within")

    def test_a_deletion_runs_nothing_and_succeeds(self, stack: Stack) -> None:
        run_and_respond(stack.request("Delete", physical_id="kept"), Remaining(), fail)

        (response,) = stack.responses
        assert (response["Status"], response["PhysicalResourceId"]) == ("SUCCESS", "kept")

    def test_an_update_keeps_the_physical_id(self, stack: Stack) -> None:
        run_and_respond(stack.request("Update", physical_id="kept"), Remaining(), lambda: None)

        assert stack.responses[0]["PhysicalResourceId"] == "kept"

    def test_a_refused_response_is_sent_again(self, stack: Stack) -> None:
        stack.refusals = 2

        run_and_respond(stack.request(), Remaining(), lambda: None)

        assert len(stack.responses) == 1


class TestMigration:
    def test_a_deployment_migrates_the_schema_to_the_head_revision(
        self, stack: Stack, server_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with postgres.database(server_url, migrated=False) as url:
            monkeypatch.setenv("DATABASE_URL", url)

            app.handler(stack.request(), LambdaContext("id"))

            (row,) = postgres.query(url, "SELECT version_num FROM alembic_version")
        assert stack.responses[0]["Status"] == "SUCCESS"
        assert row["version_num"] == HEAD_REVISION

    def test_an_unreachable_database_is_reported_without_its_password(
        self, stack: Stack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", "postgresql://user:the-password@127.0.0.1:1/todos")

        app.handler(stack.request(), LambdaContext("id"))

        (response,) = stack.responses
        assert response["Status"] == "FAILED"
        assert response["Reason"].startswith("DatabaseUnavailable: No connection to the database todos at 127.0.0.1: ")
        assert "the-password" not in response["Reason"]

    def test_missing_settings_are_reported(self, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("DATABASE_URL", raising=False)
        monkeypatch.setenv("ENVIRONMENT", "production")

        app.handler(stack.request(), LambdaContext("id"))

        (response,) = stack.responses
        assert response["Status"] == "FAILED"
        assert "DATABASE_URL must be set in production" in response["Reason"]


class TestSettingsHash:
    def test_it_changes_with_each_setting_and_with_their_order(self) -> None:
        hashes = {
            settings_hash({"Settings": settings}) for settings in (["a", ""], ["", "a"], ["a", "b"], ["a", ["b"]])
        }

        assert len(hashes) == 4

    def test_other_properties_do_not_change_it(self) -> None:
        """The layer's ARN is one. Functions without that layer would get a version without a change."""
        assert settings_hash({"Settings": ["a"], "CoreLayer": "1"}) == settings_hash({"Settings": ["a"]})
