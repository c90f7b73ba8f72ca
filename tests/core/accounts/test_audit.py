from uuid import UUID

import pytest

from todo_core.accounts.audit import Caller, failures_recorded, record
from todo_core.accounts.errors import CommonPassword, InvalidCredentials, TooManyAttempts
from todo_core.errors import ServiceError, TooBusy

CALLER = Caller("203.0.113.7", "a-request")
ACCOUNT = UUID("0198c5a1-6e57-7d2c-9d2b-0b1e6a7c9f10")


class TestRecord:
    def test_it_logs_one_line_with_the_event_and_the_client(self, service_log: pytest.LogCaptureFixture) -> None:
        record("login", "failure", CALLER, account_id=ACCOUNT, reason="wrong_password")

        (line,) = service_log.records
        assert line.getMessage() == "login failure"
        expected = {
            "event": "login",
            "outcome": "failure",
            "reason": "wrong_password",
            "account_id": str(ACCOUNT),
            "address": "203.0.113.7",
            "request_id": "a-request",
        }
        assert expected.items() <= vars(line).items()

    def test_a_line_without_an_account_has_no_field_for_it(self, service_log: pytest.LogCaptureFixture) -> None:
        record("login", "failure", CALLER)

        (line,) = service_log.records
        assert not {"account_id", "reason"} & vars(line).keys()


class Unavailable(ServiceError):
    status = 503
    code = "unavailable"
    detail = "Not available."


class TestFailuresRecorded:
    @pytest.mark.parametrize(
        ("error", "outcome"),
        [
            (InvalidCredentials(), "failure"),
            (Unavailable(), "failure"),
            (TooManyAttempts(), "refused"),
            (TooBusy(), "refused"),
            (CommonPassword(), "refused"),
        ],
        ids=lambda value: value.code if isinstance(value, ServiceError) else value,
    )
    def test_an_error_is_logged_with_its_code_and_raised_again(
        self, service_log: pytest.LogCaptureFixture, error: ServiceError, outcome: str
    ) -> None:
        with pytest.raises(type(error)), failures_recorded("login", CALLER, ACCOUNT):
            raise error

        (line,) = service_log.records
        expected = {"outcome": outcome, "reason": error.code, "account_id": str(ACCOUNT)}
        assert expected.items() <= vars(line).items()

    def test_another_exception_is_no_event(self, service_log: pytest.LogCaptureFixture) -> None:
        with pytest.raises(ZeroDivisionError), failures_recorded("login", CALLER):
            raise ZeroDivisionError

        assert not service_log.records
