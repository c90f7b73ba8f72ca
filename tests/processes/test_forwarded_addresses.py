"""Addresses that a trusted proxy forwards in any of their forms, as the process finds and logs them."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests import postgres
from tests.accounts import new_email, problem, sign_in
from tests.room import ROOM_SECONDS
from tests.service import Service


@pytest.fixture(scope="module")
def service(
    server_url: str, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    # A database of its own, because failed logins of an address count in all processes of a database.
    with postgres.database(server_url) as url:
        service = Service(environment | {"DATABASE_URL": url}, Path(tmp_path_factory.mktemp("service") / "log"))
        service.start()
        yield service
        service.kill()


def find_address(service: Service, *forwarded: str) -> str:
    """Returns the address that the log has for a failed login with these headers X-Forwarded-For."""
    headers = [("X-Forwarded-For", value) for value in forwarded]
    with httpx2.Client(base_url=service.url, headers=headers, timeout=ROOM_SECONDS) as client:
        request_id = problem(sign_in(client, new_email()), 401, "invalid_credentials")["request_id"]
    lines = [json.loads(line) for line in service.log.read_text().splitlines() if line.startswith("{")]
    (address,) = [line["address"] for line in lines if line.get("request_id") == request_id and "address" in line]
    return str(address)


@pytest.mark.parametrize("text", ["2001:db8:1::7", "[2001:db8:1::7]", "[2001:db8:1::7]:4711", "2001:DB8:1:0::7"])
def test_an_ipv6_address_is_found_with_and_without_brackets_and_port(service: Service, text: str) -> None:
    assert find_address(service, text) == "2001:db8:1::7"


@pytest.mark.parametrize("text", ["203.0.113.7", "203.0.113.7:4711", "::ffff:203.0.113.7", "[::ffff:203.0.113.7]:4711"])
def test_an_ipv4_address_is_found_with_and_without_port(service: Service, text: str) -> None:
    assert find_address(service, text) == "203.0.113.7"


def test_the_address_that_the_trusted_proxy_added_counts(service: Service) -> None:
    assert find_address(service, "192.0.2.1, [2001:db8:2::7]:4711") == "2001:db8:2::7"
    assert find_address(service, "192.0.2.1", "[2001:db8:2::7]:4712") == "2001:db8:2::7"
    assert find_address(service, "[2001:db8:2::7]:4713, 127.0.0.1:80") == "2001:db8:2::7"


@pytest.mark.parametrize("text", ["unknown", "[2001:db8::7", "[2001:db8::7]x", "203.0.113.7:port", "_hidden"])
def test_for_text_that_is_no_address_the_proxy_counts(service: Service, text: str) -> None:
    assert find_address(service, text) == "127.0.0.1"
