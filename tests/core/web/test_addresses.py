"""The client's IP address, from the address that the server found."""

from typing import Any

import pytest

from todo_core.web.addresses import UNKNOWN_ADDRESS, find_client_address


def scope(client: str | None, peer: str | None = None) -> dict[str, Any]:
    return {
        "type": "http",
        "client": None if client is None else (client, 40000),
        "state": {} if peer is None else {"peer": peer},
    }


class TestFindClientAddress:
    @pytest.mark.parametrize("address", ["203.0.113.7", "2001:db8::1", "::1"])
    def test_an_address_is_found(self, address: str) -> None:
        assert find_client_address(scope(address, peer="10.0.0.1")) == address

    @pytest.mark.parametrize(
        ("text", "address"),
        [
            ("2001:DB8:0::0:1", "2001:db8::1"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("fe80::1%eth0", "fe80::1"),
            ("fe80::1%25any text", "fe80::1"),
        ],
    )
    def test_all_spellings_are_one_address(self, text: str, address: str) -> None:
        assert find_client_address(scope(text)) == address

    @pytest.mark.parametrize(
        "text", ["", "unknown", "x" * 8000, "203.0.113", "203.0.113.7, 10.0.0.1", "[::1", "\x00", "%", "1" * 64]
    )
    def test_for_other_text_the_proxy_counts(self, text: str) -> None:
        assert find_client_address(scope(text, peer="10.0.0.1")) == "10.0.0.1"

    @pytest.mark.parametrize("client", [None, "", "somewhere"])
    @pytest.mark.parametrize("peer", [None, "", "a socket"])
    def test_clients_without_an_address_share_one_name(self, client: str | None, peer: str | None) -> None:
        assert find_client_address(scope(client, peer)) == UNKNOWN_ADDRESS
