"""Webhooks over real connections: signatures, and receivers that are hostile."""

import asyncio
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from time import monotonic
from typing import Any
from uuid import uuid4

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tests import postgres
from tests.certificates import Certificate
from tests.core.databases import open_database, run
from tests.core.webhooks.scenarios import BASE_URL, SECRETS, Owner
from tests.delivery.servers import OK, TcpServer, answering, tcp_server
from tests.receivers import receiver
from todo_core.database.executor import Database
from todo_core.webhooks.attempts import ReceiverAnswer, WebhookMessage
from todo_core.webhooks.deliverer import Sending, WebhookDeliverer
from todo_core.webhooks.figures import WebhookFigures
from todo_delivery.http import client
from todo_delivery.http.client import GuardedClient
from todo_delivery.http.network import Address, GuardedNetwork, resolve_by_system
from todo_delivery.webhooks import requests

SECRET, OTHER = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
MESSAGE = WebhookMessage("http://127.0.0.1:1/", "msg_1", '{"title":"Grüße 🥛"}'.encode(), [SECRET])


class TestSignature:
    def test_the_library_verifies_it(self) -> None:
        headers = requests.sign(MESSAGE, datetime.now(UTC))
        assert Webhook(SECRET).verify(MESSAGE.content, headers) == {"title": "Grüße 🥛"}

    def test_it_is_that_of_the_specification(self) -> None:
        message = WebhookMessage("", "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', [SECRET])
        headers = requests.sign(message, datetime.fromtimestamp(1_614_265_330, UTC))
        assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

    def test_both_secrets_of_a_rotation_verify_it(self) -> None:
        message = WebhookMessage("", "msg_1", b"{}", [SECRET, OTHER])
        headers = requests.sign(message, datetime.now(UTC))
        assert headers["webhook-signature"].count(" ") == 1
        for secret in (SECRET, OTHER):
            Webhook(secret).verify(b"{}", headers)
        with pytest.raises(WebhookVerificationError):
            Webhook("whsec_AAAA").verify(b"{}", headers)

    @pytest.mark.parametrize("change", ["content", "webhook-id", "webhook-timestamp"])
    def test_a_change_of_the_message_is_noticed(self, change: str) -> None:
        headers = requests.sign(MESSAGE, datetime.now(UTC) - timedelta(seconds=9))
        content = b"{}" if change == "content" else MESSAGE.content
        headers |= {} if change == "content" else {change: str(int(datetime.now(UTC).timestamp()))}
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(content, headers)

    def test_a_request_has_content_signature_and_type(self) -> None:
        with receiver() as subject:
            subject.headers["Retry-After"] = "7"
            message = WebhookMessage(subject.url, "msg_1", MESSAGE.content, [SECRET])
            answer = asyncio.run(requests.send(message, allow_private=True))

        assert answer == ReceiverAnswer(200, "7")
        [received] = subject.log
        assert (received.path, received.body) == ("/hook", MESSAGE.content)
        assert received.headers["content-type"] == "application/json"
        Webhook(SECRET).verify(received.body, dict(received.headers))


PRIVATE = [
    "https://127.0.0.1:{port}/",
    "https://127.1:{port}/",
    "https://127.0.1:{port}/",
    "https://2130706433:{port}/",
    "https://0x7f000001:{port}/",
    "https://0x7f.0x0.0x0.0x1:{port}/",
    "https://017700000001:{port}/",
    "https://0177.0.0.1:{port}/",
    "https://127.0.0.1.:{port}/",
    "https://１２７.０.０.１:{port}/",
    "https://127。0。0。1:{port}/",
    "https://0.0.0.0:{port}/",
    "https://0:{port}/",
    "https://[::1]:{port}/",
    "https://[::]:{port}/",
    "https://[::ffff:127.0.0.1]:{port}/",
    "https://[::ffff:7f00:1]:{port}/",
    "https://[64:ff9b::7f00:1]:{port}/",
    "https://[2002:7f00:1::]:{port}/",
    "https://[2001:0:7f00:1::]:{port}/",
    "https://[fe80::1%25lo]:{port}/",
    "https://localhost:{port}/",
    "https://LOCALHOST.:{port}/",
    "https://ｌｏｃａｌｈｏｓｔ:{port}/",
    "https://hooks.example.com@127.0.0.1:{port}/",
    "https://127.0.0.1:{port}\\@hooks.example.com/",
    "http://127.0.0.1:{port}/",
    "https://10.0.0.1:{port}/",
    "https://172.16.0.1:{port}/",
    "https://192.168.0.1:{port}/",
    "https://100.64.0.1:{port}/",
    "https://169.254.169.254/latest/meta-data/",
    "https://[fd00:ec2::254]/latest/meta-data/",
    "https://168.63.129.16/",
    "https://192.0.2.1:{port}/",
    "https://224.0.0.1:{port}/",
    "https://255.255.255.255:{port}/",
    "gopher://127.0.0.1:{port}/_x",
    "file:///etc/passwd",
    "https://hooks.example.com/\r\nX-Injected: 1",
]
"""URLs of this machine and of private networks. `port` is that of a server that no request may reach."""
REBINDING = {
    "loopback.example.com": ["127.0.0.1"],
    "mixed.example.com": ["8.8.8.8", "127.0.0.1"],
    "mapped.example.com": ["::ffff:127.0.0.1"],
    "nat64.example.com": ["64:ff9b::7f00:1"],
    "metadata.example.com": ["169.254.169.254"],
    "missing.example.com": [],
}
"""Public names with addresses that are not public."""
REDIRECT = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
type Behaviour = tuple[Callable[[], AbstractContextManager[TcpServer]], str, str]
BEHAVIOURS: Mapping[str, Behaviour] = {
    "a redirect": (lambda: tcp_server(answering(REDIRECT)), "http", "The receiver answered 302; redirects"),
    "no answer": (lambda: tcp_server(answering(hangs=True)), "http", "No complete answer"),
    "a slow answer": (lambda: tcp_server(answering(OK[:9], hangs=True)), "http", "No complete answer"),
    "endless interim answers": (
        lambda: tcp_server(answering(forever=b"HTTP/1.1 100 Continue\r\n\r\n")),
        "http",
        "No complete answer",
    ),
    "endless headers": (
        lambda: tcp_server(answering(b"HTTP/1.1 200 OK\r\n", forever=b"X-A: " + b"x" * 999 + b"\r\n")),
        "http",
        "The answer is not HTTP",
    ),
    "another protocol": (lambda: tcp_server(answering(b"SSH-2.0-x\r\n")), "http", "The answer is not HTTP"),
    "a closed connection": (lambda: tcp_server(answering(), reads=False), "http", "The "),
    "a server without TLS": (lambda: tcp_server(answering(OK), reads=False), "https", "The host does not speak TLS"),
    "a handshake that hangs": (lambda: tcp_server(answering(hangs=True), reads=False), "https", "No complete answer"),
    "410": (
        lambda: tcp_server(answering(b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n")),
        "http",
        "The receiver answered 410",
    ),
}


@pytest.fixture(scope="module")
def database(server_url: str) -> Iterator[str]:
    with postgres.database(server_url) as url:
        yield url


async def resolve(host: str) -> list[Address]:
    if host in REBINDING:
        return [ip_address(address) for address in REBINDING[host]]
    return list(await resolve_by_system(host))


async def send_beside(database_url: str, hostile: str, guarded: GuardedClient) -> tuple[dict[str, Any], float]:
    """Sends a change to the hostile URL, and to a good receiver beside it.

    Returns the log's entry of the hostile one, and the seconds after which the good one had the change.
    """
    good = f"https://{uuid4().hex}.example.com/"
    arrived: list[float] = []
    began = monotonic()

    async def send(message: WebhookMessage) -> ReceiverAnswer:
        if message.url == good:
            arrived.append(monotonic() - began)
            return ReceiverAnswer(200)
        answer = await guarded.post(message.url, content=message.content, headers={})
        return ReceiverAnswer(answer.status)

    async with open_database(database_url) as db:
        ada = await Owner.add(database_url)
        # The API refuses most of these URLs, so the row gets its URL here.
        webhook = await ada.add_webhook(db)
        set_url = "UPDATE webhooks SET url = $2::text, host = $2 WHERE id = $1"
        await asyncio.to_thread(postgres.query, database_url, set_url, webhook.id, hostile)
        await ada.add_webhook(db, good)
        await ada.add_todo(db)
        await deliver(db, send)
    select = "SELECT * FROM webhook_deliveries WHERE webhook_id = $1"
    [entry] = await asyncio.to_thread(postgres.query, database_url, select, webhook.id)
    [seconds] = arrived
    return dict(entry), seconds


async def deliver(db: Database, send: Callable[[WebhookMessage], Any]) -> None:
    sending = Sending(send, SECRETS, BASE_URL, can_mail=False)
    await WebhookDeliverer(db, sending, WebhookFigures()).deliver_due(seconds_left=lambda: 1000)


class TestHostileReceivers:
    @pytest.mark.parametrize("url", PRIVATE)
    def test_a_private_url_reaches_nothing(self, database: str, url: str) -> None:
        guarded = GuardedClient(allow_private=False)
        with tcp_server(answering(OK)) as server:
            entry, seconds = run(send_beside(database, url.format(port=server.port), guarded))
            assert server.received == []

        assert (entry["state"], entry["status_code"]) == ("retrying", None)
        assert len(entry["error"]) > 20
        assert seconds < 2

    @pytest.mark.parametrize("host", REBINDING)
    def test_a_name_that_leads_to_a_private_address_reaches_nothing(self, database: str, host: str) -> None:
        guarded = GuardedClient(allow_private=False, network=GuardedNetwork(allow_private=False, resolve=resolve))
        with tcp_server(answering(OK)) as server:
            entry, seconds = run(send_beside(database, f"https://{host}:{server.port}/", guarded))
            assert server.received == []

        assert (entry["state"], entry["error"]) == ("retrying", "The host has no public address")
        assert seconds < 2

    @pytest.mark.parametrize("behaviour", BEHAVIOURS)
    def test_a_receiver_that_misbehaves_holds_nothing_up(
        self, database: str, behaviour: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(client, "TOTAL_SECONDS", 1)
        start, scheme, error = BEHAVIOURS[behaviour]
        with start() as server:
            url = f"{scheme}://localhost:{server.port}/"
            entry, seconds = run(send_beside(database, url, GuardedClient(allow_private=True)))

        assert entry["error"].startswith(error)
        assert entry["state"] == ("failed" if behaviour == "410" else "retrying")
        assert seconds < 0.9

    def test_a_certificate_of_nobody_is_refused(self, database: str, certificate: Certificate) -> None:
        with tcp_server(answering(OK), certificate) as server:
            url = f"https://localhost:{server.port}/"
            entry, _ = run(send_beside(database, url, GuardedClient(allow_private=True)))
            assert server.received in ([], [bytearray()])

        assert entry["error"].startswith("The certificate is not valid")

    def test_an_endless_body_is_cut_and_the_status_counts(self, database: str) -> None:
        with tcp_server(answering(b"HTTP/1.1 200 OK\r\n\r\n", forever=b"x" * 65536)) as server:
            url = f"http://localhost:{server.port}/"
            entry, _ = run(send_beside(database, url, GuardedClient(allow_private=True)))

        assert (entry["state"], entry["status_code"]) == ("delivered", 200)

    def test_there_are_more_than_fifty_hostile_receivers(self) -> None:
        assert len(PRIVATE) + len(REBINDING) + len(BEHAVIOURS) + 2 > 50


def test_the_trusted_certificate_of_a_receiver_is_accepted(database: str, certificate: Certificate) -> None:
    trusting = GuardedClient(allow_private=True, tls=ssl.create_default_context(cafile=certificate.chain))
    with tcp_server(answering(OK), certificate) as server:
        entry, _ = run(send_beside(database, f"https://localhost:{server.port}/", trusting))

    assert entry["state"] == "delivered"
