"""The service while its database accepts connections and never answers, like a pooler that is stopped."""

import time
from collections.abc import Iterator

import httpx2
import pytest

from tests import serving
from tests.accounts import TODOS, Account
from tests.hung_database import REQUESTS, assert_unavailable_in_time, send_all_while_hung, send_timed
from tests.relay import Gate, relayed
from tests.serving import OnPort

SAME_USERS_REQUESTS = {f"list {number}": REQUESTS["list"] for number in range(20)}


@pytest.fixture(scope="module")
def gate() -> Gate:
    return Gate()


@pytest.fixture(scope="module")
def service(
    environment: dict[str, str], database_url: str, gate: Gate, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OnPort]:
    with relayed(database_url, host="127.0.0.1", gate=gate) as url:
        behind_the_gate = environment | {"DATABASE_URL": url, "READINESS_SECONDS": "0"}
        with serving.on_port(behind_the_gate, folder=str(tmp_path_factory.mktemp("service"))) as service:
            yield service


class TestHungDatabase:
    def test_every_request_is_answered_503_within_five_seconds(self, gate: Gate, ada: Account) -> None:
        assert_unavailable_in_time(send_all_while_hung(gate, ada))

    def test_requests_of_one_user_at_the_same_time_all_are(self, gate: Gate, ada: Account) -> None:
        assert_unavailable_in_time(send_all_while_hung(gate, ada, SAME_USERS_REQUESTS))

    def test_the_process_still_reports_that_it_lives(self, gate: Gate, ada: Account) -> None:
        answers = send_all_while_hung(gate, ada, {**REQUESTS, "health": lambda client: client.get("/health")})

        assert answers["health"].response.status_code == 200
        assert answers["health"].seconds < 1

    def test_it_serves_at_once_when_the_database_answers_again(self, gate: Gate, ada: Account) -> None:
        send_all_while_hung(gate, ada)

        answers = [send_timed(ada.client, REQUESTS[name]) for name in ("list", "create", "readiness")]

        assert [answer.response.status_code for answer in answers] == [200, 201, 200]
        assert sum(answer.seconds for answer in answers) < 1

    def test_a_change_that_was_answered_503_is_not_stored_later(self, gate: Gate, ada: Account) -> None:
        answers = send_all_while_hung(gate, ada, {"create": REQUESTS["create"]})

        assert_unavailable_in_time(answers)
        assert ada.titles() == ["Buy milk"]


def test_a_slow_client_has_time_to_send_its_body(service: OnPort, ada: Account) -> None:
    def body() -> Iterator[bytes]:
        yield b'{"title": '
        time.sleep(6)
        yield b'"Buy bread"}'

    response = httpx2.post(
        f"{service.url}{TODOS}",
        content=body(),
        headers={**ada.bearer, "Content-Type": "application/json"},
        timeout=30,
    )

    assert response.status_code == 201
