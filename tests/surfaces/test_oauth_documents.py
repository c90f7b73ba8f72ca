"""Client id metadata documents: clients whose id is the URL of their metadata, fetched without trust."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest

from tests.accounts import Account, sign_up
from tests.listening import QuietHandler, listening
from tests.surfaces.oauth import CALLBACK, CONNECTIONS, OAuthClient
from tests.surfaces.test_auth import serve
from tests.surfaces.test_oauth_hostile import is_shown_only

PRIVATE = [
    "https://127.0.0.1/client.json",
    "https://localhost/client.json",
    "https://[::1]/client.json",
    "https://169.254.169.254/latest/meta-data",
    "https://10.0.0.1/client.json",
    "https://metadata.google.internal/client.json",
    "https://[::ffff:127.0.0.1]/client.json",
    "https://0x7f.1/client.json",
    "http://planner.example.com/client.json",
]
MISSPELLED = [
    "https://planner.example.com",
    "https://planner.example.com/",
    "https://planner.example.com/a/../client.json",
    "https://planner.example.com/%2e%2e/client.json",
    "https://PLANNER.example.com/client.json",
    "https://planner.example.com:443/client.json",
    "https://user@planner.example.com/client.json",
    "https://planner.example.com/client.json#x",
    "https://planner.example.com:22/client.json",
    "file:///etc/passwd",
    "https://planner.example.com/" + "x" * 600,
]


@dataclass
class Publisher:
    """A site that publishes metadata at `url`. `changes` are those of its next answers."""

    url: str = ""
    changes: dict[str, Any] = field(default_factory=dict)
    body: bytes | None = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    asked: int = 0

    def answer(self) -> bytes:
        self.asked += 1
        document = {"client_id": self.url, "client_name": "Planner", "redirect_uris": [CALLBACK], **self.changes}
        return json.dumps(document).encode() if self.body is None else self.body


@contextmanager
def publishing() -> Iterator[Publisher]:
    subject = Publisher()

    class Handler(QuietHandler):
        def do_GET(self) -> None:  # noqa: N802 - the base class calls it so
            body = subject.answer()
            self.send_response(subject.status)
            for name, value in {**subject.headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    with listening(Handler) as url:
        subject.url = f"{url}/client.json"
        yield subject


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with publishing() as subject:
        yield subject


@pytest.fixture
def browser(database_url: str) -> Iterator[httpx2.Client]:
    """A browser at a service for development, which may fetch documents of this machine."""
    with serve(database_url, webhooks_allow_private=True) as surface, surface.client() as client:
        yield client


@pytest.fixture
def user(browser: httpx2.Client) -> Account:
    return sign_up(browser)


class TestDocument:
    def test_its_client_connects_without_registration(self, user: Account, publisher: Publisher) -> None:
        planner = OAuthClient(user.client, publisher.url)
        page = planner.ask(user, resource=None)
        assert publisher.url in page.text

        tokens = planner.connect(user, resource=None)

        assert planner.post_refresh(tokens["refresh_token"]).status_code == 200
        (connection,) = user.client.get(CONNECTIONS).json()
        assert (connection["client_id"], connection["client_host"]) == (publisher.url, "planner.example.com")

    def test_it_is_kept_for_a_while(self, user: Account, publisher: Publisher) -> None:
        planner = OAuthClient(user.client, publisher.url)
        for _ in range(3):
            assert planner.ask(user, resource=None).status_code == 200

        assert publisher.asked == 1

    def test_a_visitor_causes_no_request(self, browser: httpx2.Client, publisher: Publisher) -> None:
        OAuthClient(browser, publisher.url).ask(browser)

        assert publisher.asked == 0

    def test_redirect_uris_are_those_of_the_document(self, user: Account, publisher: Publisher) -> None:
        planner = OAuthClient(user.client, publisher.url)

        assert is_shown_only(planner.ask(user, redirect_uri="https://evil.example.com/callback"))

    @pytest.mark.parametrize(
        "changes",
        [
            {"client_id": "https://other.example.com/client.json"},
            {"client_id": None},
            {"redirect_uris": []},
            {"redirect_uris": ["javascript:alert(1)"]},
            {"token_endpoint_auth_method": "client_secret_post"},
            {"token_endpoint_auth_method": "private_key_jwt"},
            {"client_secret": "x"},
            {"client_name": "x" * 101},
        ],
        ids=str,
    )
    def test_one_that_cannot_be_trusted_is_refused(
        self, user: Account, publisher: Publisher, changes: dict[str, Any]
    ) -> None:
        publisher.changes = changes

        assert is_shown_only(OAuthClient(user.client, publisher.url).ask(user, resource=None))

    @pytest.mark.parametrize(
        ("status", "headers", "body"),
        [
            (404, {"Content-Type": "application/json"}, None),
            (302, {"Content-Type": "application/json", "Location": "http://169.254.169.254/"}, None),
            (200, {"Content-Type": "text/html"}, None),
            (200, {"Content-Type": "application/json"}, b"{"),
            (200, {"Content-Type": "application/json"}, b"[]"),
            (200, {"Content-Type": "application/json"}, b"\xff"),
            (200, {"Content-Type": "application/json"}, b"[" * 16_000),
            (200, {"Content-Type": "application/json"}, b" " * 17_000 + b"{}"),
            (200, {"Content-Type": "application/json", "Content-Encoding": "gzip"}, b"\x1f\x8b"),
        ],
        ids=str,
    )
    def test_an_answer_that_is_none_is_refused(
        self, user: Account, publisher: Publisher, status: int, headers: dict[str, str], body: bytes | None
    ) -> None:
        publisher.status, publisher.headers, publisher.body = status, headers, body

        assert is_shown_only(OAuthClient(user.client, publisher.url).ask(user, resource=None))
        assert publisher.asked == 1

    def test_its_client_has_no_secret(self, user: Account, publisher: Publisher) -> None:
        planner = OAuthClient(user.client, publisher.url)
        code = planner.get_code(user, resource=None)

        assert planner.post_code(code, client_secret="x").status_code == 401


class TestUrl:
    @pytest.mark.parametrize("url", PRIVATE)
    def test_a_private_address_is_never_asked(self, client: httpx2.Client, ada: Account, url: str) -> None:
        assert is_shown_only(OAuthClient(client, url).ask(ada))

    @pytest.mark.parametrize("url", MISSPELLED, ids=lambda url: url[:60])
    def test_another_spelling_is_refused(self, client: httpx2.Client, ada: Account, url: str) -> None:
        assert is_shown_only(OAuthClient(client, url).ask(ada))
