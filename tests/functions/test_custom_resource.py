"""What the stack is told of the work that a deployment waits for."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from functions.migrate import app
from functions.migrate.custom_resource import CustomResourceEvent, carry_out
from tests import postgres
from tests.listening import QuietHandler, listening
from tests.serving import LambdaContext
from todo_core.schema.revision import HEAD_REVISION

type Kind = Literal["Create", "Update", "Delete"]


@dataclass
class Stack:
    """CloudFormation's end: keeps what it is told, after refusing as often as `refusals` says."""

    url: str = ""
    refusals: int = 0
    content_types: list[str] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)

    def asks(self, kind: Kind = "Create", *, kept: str | None = None) -> CustomResourceEvent:
        event: CustomResourceEvent = {
            "RequestType": kind,
            "ResponseURL": self.url,
            "StackId": "stack",
            "RequestId": "request",
            "LogicalResourceId": "Schema",
        }
        if kept is not None:
            event["PhysicalResourceId"] = kept
        return event


@pytest.fixture
def stack() -> Iterator[Stack]:
    stack = Stack()

    class Handler(QuietHandler):
        def do_PUT(self) -> None:  # noqa: N802 - the name that the base class looks for
            body = self.rfile.read(int(self.headers["content-length"]))
            if stack.refusals:
                stack.refusals -= 1
                self.send_error(503)
                return
            stack.content_types.append(self.headers["content-type"])
            stack.answers.append(json.loads(body))
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


class TestAnswer:
    def test_work_that_is_done_is_a_success(self, stack: Stack) -> None:
        done: list[str] = []

        carry_out(stack.asks(), Remaining(), lambda: done.append("work"))

        assert done == ["work"]
        assert stack.answers == [
            {
                "Status": "SUCCESS",
                "Reason": "",
                "PhysicalResourceId": "Schema",
                "StackId": "stack",
                "RequestId": "request",
                "LogicalResourceId": "Schema",
            }
        ]

    def test_it_is_signed_without_a_content_type(self, stack: Stack) -> None:
        carry_out(stack.asks(), Remaining(), lambda: None)

        assert stack.content_types == [""]

    def test_work_that_failed_is_told_with_its_reason_but_no_details(self, stack: Stack) -> None:
        carry_out(stack.asks("Update"), Remaining(), fail)

        (answer,) = stack.answers
        assert answer["Status"] == "FAILED"
        assert answer["Reason"] == "ValueError: It is broken."

    def test_a_long_reason_is_cut(self, stack: Stack) -> None:
        def fail_at_length() -> None:
            raise ValueError("x" * 10_000)

        carry_out(stack.asks(), Remaining(), fail_at_length)

        assert len(stack.answers[0]["Reason"]) == 1_000

    def test_work_that_takes_too_long_is_told_before_the_time_is_up_and_once(self, stack: Stack) -> None:
        def wait() -> None:
            while not stack.answers:
                threading.Event().wait(0.01)

        carry_out(stack.asks(), Remaining(10_200), wait)

        (answer,) = stack.answers
        assert answer["Status"] == "FAILED"
        assert answer["Reason"].startswith("It did not end within")

    def test_a_deletion_has_no_work(self, stack: Stack) -> None:
        carry_out(stack.asks("Delete", kept="kept"), Remaining(), fail)

        (answer,) = stack.answers
        assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", "kept")

    def test_an_update_keeps_the_resource(self, stack: Stack) -> None:
        carry_out(stack.asks("Update", kept="kept"), Remaining(), lambda: None)

        assert stack.answers[0]["PhysicalResourceId"] == "kept"

    def test_a_stack_that_does_not_take_it_is_told_again(self, stack: Stack) -> None:
        stack.refusals = 2

        carry_out(stack.asks(), Remaining(), lambda: None)

        assert len(stack.answers) == 1


class TestMigration:
    def test_a_deployment_brings_the_schema_to_its_head(
        self, stack: Stack, server_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with postgres.database(server_url, migrated=False) as url:
            monkeypatch.setenv("DATABASE_URL", url)

            app.handler(stack.asks(), LambdaContext("id"))

            (row,) = postgres.query(url, "SELECT version_num FROM alembic_version")
        assert stack.answers[0]["Status"] == "SUCCESS"
        assert row["version_num"] == HEAD_REVISION

    def test_without_a_database_it_fails_with_the_reason(self, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DATABASE_URL", "postgresql://user:the-password@127.0.0.1:1/todos")

        app.handler(stack.asks(), LambdaContext("id"))

        (answer,) = stack.answers
        assert answer["Status"] == "FAILED"
        assert answer["Reason"].startswith("DatabaseUnavailable: No connection to the database todos at 127.0.0.1: ")
        assert "the-password" not in answer["Reason"]

    def test_without_settings_it_fails_with_the_reason(self, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("DATABASE_URL", raising=False)
        monkeypatch.setenv("ENVIRONMENT", "production")

        app.handler(stack.asks(), LambdaContext("id"))

        (answer,) = stack.answers
        assert answer["Status"] == "FAILED"
        assert "DATABASE_URL must be set in production" in answer["Reason"]
