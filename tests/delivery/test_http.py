"""Requests to URLs of clients: the address that is connected to, bounds of answers, TLS, and headers."""

import asyncio
import socket
import ssl
from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from pathlib import Path
from time import monotonic

import pytest
from httpcore2 import SOCKET_OPTION, AnyIOBackend, AsyncNetworkBackend, AsyncNetworkStream, ConnectError

from tests.certificates import Certificate, self_signed
from tests.core.test_outgoing_urls import HOSTILE
from tests.delivery.servers import OK, TcpServer, answering, tcp_server
from todo_core.outbox.errors import DeliveryFailed
from todo_delivery.http import client
from todo_delivery.http.client import MAX_ANSWER_BYTES, Answer, GuardedClient, load_certificates
from todo_delivery.http.network import Address, GuardedNetwork, resolve_by_system


class RecordingNetwork(AsyncNetworkBackend):
    """A network that notes the addresses to which connections are opened, and refuses them."""

    def __init__(self) -> None:
        self.opened: list[tuple[str, int]] = []

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109 - the signature of the library
        local_address: str | None = None,  # noqa: ARG002
        socket_options: Iterable[SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> AsyncNetworkStream:
        self.opened.append((host, port))
        raise ConnectError("refused")


class NameServer:
    """Answers look-ups with the next of its lists of addresses, and repeats the last."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked = 0

    async def __call__(self, _host: str) -> list[Address]:
        self.asked += 1
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return [ip_address(address) for address in answer]


def post(client: GuardedClient, url: str) -> Answer:
    return asyncio.run(client.post(url, content=b"{}", headers={}))


def fail(client: GuardedClient, url: str) -> DeliveryFailed:
    """Sends a request, which must fail, and returns the failure."""
    with pytest.raises(DeliveryFailed) as failure:
        post(client, url)
    return failure.value


def local(server: TcpServer, path: str = "/hook") -> str:
    return f"http://127.0.0.1:{server.port}{path}"


DEVELOPMENT = GuardedClient(allow_private=True)


class TestAddress:
    @pytest.mark.parametrize("url", HOSTILE, ids=range(len(HOSTILE)))
    def test_a_hostile_url_opens_no_connection(self, url: str) -> None:
        network, names = RecordingNetwork(), NameServer(["127.0.0.1"])
        guarded = GuardedNetwork(allow_private=False, resolve=names, network=network)

        failure = fail(GuardedClient(allow_private=False, network=guarded), url)

        assert failure.is_final
        assert (network.opened, names.asked) == ([], 0)

    @pytest.mark.parametrize(
        "addresses",
        [
            ["127.0.0.1"],
            ["10.1.2.3"],
            ["169.254.169.254"],
            ["::1"],
            ["::ffff:10.0.0.1"],
            ["64:ff9b::a00:1"],
            ["fe80::1%eth0"],
            ["8.8.8.8", "10.0.0.1"],
            ["2606:4700::1111", "::1"],
            [],
        ],
        ids=str,
    )
    def test_a_name_with_an_address_that_is_not_public_opens_no_connection(self, addresses: list[str]) -> None:
        network = RecordingNetwork()
        guarded = GuardedNetwork(allow_private=False, resolve=NameServer(addresses), network=network)

        failure = fail(GuardedClient(allow_private=False, network=guarded), "https://hooks.example.com/")

        assert failure.reason == "The host has no public address"
        assert not failure.is_final
        assert network.opened == []

    def test_a_name_is_resolved_once_and_the_checked_address_is_connected_to(self) -> None:
        network, names = RecordingNetwork(), NameServer(["8.8.8.8"], ["127.0.0.1"])
        guarded = GuardedNetwork(allow_private=False, resolve=names, network=network)

        fail(GuardedClient(allow_private=False, network=guarded), "https://rebinding.example.com:8443/")

        assert names.asked == 1
        assert network.opened == [("8.8.8.8", 8443)]

    def test_each_request_checks_anew(self) -> None:
        network, names = RecordingNetwork(), NameServer(["8.8.8.8"], ["127.0.0.1"])
        guarded = GuardedClient(
            allow_private=False, network=GuardedNetwork(allow_private=False, resolve=names, network=network)
        )

        fail(guarded, "https://rebinding.example.com/")
        failure = fail(guarded, "https://rebinding.example.com/")

        assert failure.reason == "The host has no public address"
        assert network.opened == [("8.8.8.8", 443)]

    def test_the_other_addresses_of_a_name_are_tried(self) -> None:
        network = RecordingNetwork()
        names = NameServer(["2606:4700::1", "8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1"])
        guarded = GuardedNetwork(allow_private=False, resolve=names, network=network)

        failure = fail(GuardedClient(allow_private=False, network=guarded), "https://hooks.example.com/")

        assert [host for host, _ in network.opened] == ["2606:4700::1", "8.8.8.8", "8.8.4.4", "1.1.1.1"]
        assert failure.reason == "The host does not accept connections"

    def test_the_name_of_this_machine_is_refused_by_its_address(self) -> None:
        with tcp_server(answering(OK)) as server:
            guarded = GuardedNetwork(allow_private=False, network=AnyIOBackend())
            with pytest.raises(ConnectError):
                asyncio.run(guarded.connect_tcp("localhost", server.port))
            assert server.received == []

    def test_a_name_without_address_is_told_like_a_private_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def look_up(*_: object, **__: object) -> None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", look_up)

        assert fail(GuardedClient(allow_private=False), "https://x.example.com/").reason == (
            "The host has no public address"
        )

    def test_addresses_of_the_system_are_parsed(self) -> None:
        assert asyncio.run(resolve_by_system("::1")) == [ip_address("::1")]
        assert asyncio.run(resolve_by_system("127.0.0.1")) == [ip_address("127.0.0.1")]

    def test_a_name_server_that_hangs_ends_with_the_request(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(client, "TOTAL_SECONDS", 0.2)

        async def never(_host: str) -> list[Address]:
            await asyncio.Event().wait()
            return []

        guarded = GuardedNetwork(allow_private=False, resolve=never)
        assert "No complete answer" in fail(GuardedClient(allow_private=False, network=guarded), "https://a.de/").reason


class TestAnswer:
    def test_the_answer_has_status_headers_and_body(self) -> None:
        with tcp_server(
            answering(b"HTTP/1.1 202 Accepted\r\nRetry-After: 7\r\nContent-Length: 3\r\n\r\nyes")
        ) as server:
            answer = post(DEVELOPMENT, local(server))

        assert (answer.status, answer.headers["retry-after"], answer.body) == (202, "7", b"yes")

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_a_redirect_is_not_followed(self, status: int) -> None:
        with tcp_server(answering(OK)) as target:
            redirect = f"HTTP/1.1 {status} Moved\r\nLocation: {local(target)}\r\nContent-Length: 0\r\n\r\n".encode()
            with tcp_server(answering(redirect)) as server:
                answer = post(DEVELOPMENT, local(server))

        assert answer.status == status
        assert target.received == []

    def test_an_endless_body_is_cut(self) -> None:
        endless = answering(b"HTTP/1.1 200 OK\r\n\r\n", forever=b"x" * 65536)
        with tcp_server(endless) as server:
            answer = post(DEVELOPMENT, local(server))

        assert (answer.status, len(answer.body)) == (200, MAX_ANSWER_BYTES)

    def test_a_compressed_body_is_not_unpacked(self) -> None:
        bomb = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00"
        with tcp_server(answering(bomb)) as server:
            assert post(DEVELOPMENT, local(server)).body == b"\x1f\x8b\x08\x00"

    def test_endless_headers_end_the_request(self) -> None:
        with tcp_server(answering(b"HTTP/1.1 200 OK\r\n", forever=b"X-A: " + b"x" * 1000 + b"\r\n")) as server:
            failure = fail(DEVELOPMENT, local(server))

        assert failure.reason == "The answer is not HTTP"

    @pytest.mark.parametrize(
        "talk",
        [
            answering(hangs=True),
            answering(b"HTTP/1.1 200 OK\r\n", hangs=True),
            answering(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", hangs=True),
            answering(forever=b"HTTP/1.1 100 Continue\r\n\r\n"),
        ],
        ids=["no answer", "half a head", "half a body", "endless interim answers"],
    )
    def test_a_slow_answer_is_cut(self, monkeypatch: pytest.MonkeyPatch, talk: object) -> None:
        monkeypatch.setattr(client, "TOTAL_SECONDS", 0.5)
        began = monotonic()
        with tcp_server(talk) as server:  # type: ignore[arg-type]
            failure = fail(DEVELOPMENT, local(server))

        assert "No complete answer" in failure.reason
        assert not failure.is_final
        assert monotonic() - began < 5

    def test_all_of_a_request_has_ten_seconds(self) -> None:
        assert client.TOTAL_SECONDS == 10

    @pytest.mark.parametrize(
        ("sent", "reason"),
        [
            (b"", "The answer is not HTTP"),
            (b"SSH-2.0-OpenSSH_9.6\r\n", "The answer is not HTTP"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", "The answer is not HTTP"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na", "The answer is not HTTP"),
        ],
        ids=["nothing", "another protocol", "a short body", "two lengths"],
    )
    def test_what_is_not_http_fails(self, sent: bytes, reason: str) -> None:
        with tcp_server(answering(sent)) as server:
            failure = fail(DEVELOPMENT, local(server))

        assert (failure.reason, failure.is_final) == (reason, False)

    def test_a_closed_port_fails(self) -> None:
        assert fail(DEVELOPMENT, "http://127.0.0.1:1/").reason == "The host does not accept connections"


class TestRequest:
    def test_it_has_only_the_headers_that_are_needed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")
        with tcp_server(answering(OK)) as server:
            headers = {"Content-Type": "application/json"}
            asyncio.run(DEVELOPMENT.post(local(server, "/a?b=c"), content=b'{"a":1}', headers=headers))

        [request] = server.received
        assert bytes(request).decode().split("\r\n") == [
            "POST /a?b=c HTTP/1.1",
            f"Host: 127.0.0.1:{server.port}",
            "Connection: close",
            "Accept-Encoding: identity",
            "Content-Type: application/json",
            "Content-Length: 7",
            "",
            '{"a":1}',
        ]

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("X-A", "1\r\nX-B: 2"),
            ("X-A", "1\nX-B: 2"),
            ("X-A", "1\x00"),
            ("X-A", "ä"),
            ("X-A\r\nX-B", "1"),
            ("X A", "1"),
            ("", "1"),
            ("Host", "evil.example.com"),
            ("content-length", "0"),
            ("Transfer-Encoding", "chunked"),
        ],
    )
    def test_a_header_cannot_add_another_one(self, name: str, value: str) -> None:
        with pytest.raises(ValueError, match="cannot be sent"):
            asyncio.run(DEVELOPMENT.post("http://127.0.0.1:1/", content=b"", headers={name: value}))


class TestTls:
    def test_a_trusted_certificate_of_the_host_is_accepted(self, tmp_path: Path) -> None:
        certificate = self_signed(tmp_path)
        trusting = GuardedClient(allow_private=True, tls=ssl.create_default_context(cafile=certificate.chain))
        with tcp_server(answering(OK), certificate) as server:
            assert post(trusting, f"https://localhost:{server.port}/").status == 200

    def test_an_unknown_certificate_is_refused(self, certificate: Certificate) -> None:
        with tcp_server(answering(OK), certificate) as server:
            failure = fail(DEVELOPMENT, f"https://localhost:{server.port}/")

            assert failure.reason.startswith("The certificate is not valid: self-signed certificate")
            assert not failure.is_final
            assert server.received in ([], [bytearray()])

    def test_a_certificate_of_another_host_is_refused(self, certificate: Certificate) -> None:
        trusting = GuardedClient(allow_private=True, tls=ssl.create_default_context(cafile=certificate.chain))
        with tcp_server(answering(OK), certificate) as server:
            failure = fail(trusting, f"https://127.0.0.1:{server.port}/")

            assert failure.reason.startswith("The certificate is not valid: IP address mismatch")
            assert server.received in ([], [bytearray()])

    def test_a_server_without_tls_is_refused(self) -> None:
        with tcp_server(answering(b"HTTP/1.1 400 Bad Request\r\n\r\n"), reads=False) as server:
            failure = fail(DEVELOPMENT, f"https://localhost:{server.port}/")

        assert failure.reason.startswith("The host does not speak TLS")

    def test_a_handshake_that_hangs_is_cut(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(client, "TOTAL_SECONDS", 0.5)
        with tcp_server(answering(hangs=True), reads=False) as server:
            assert "No complete answer" in fail(DEVELOPMENT, f"https://localhost:{server.port}/").reason

    def test_certificates_and_hosts_are_checked(self) -> None:
        context = load_certificates()
        assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
        assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
