"""Mails to a real SMTP server: encryption, passwords, refusals, and servers that fail."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.certificates import Certificate
from tests.delivery.mails import TEXT, send
from tests.mail_server import QUOTED_CREDENTIALS, Command, MailServer, mail_server
from todo_core.outbox.errors import DeliveryFailed
from todo_delivery.mail import smtp
from todo_delivery.mail.rendering import RenderedMail


def fail(url: str, *, to: str = "ada@example.com") -> DeliveryFailed:
    """Sends a mail, which must fail, and returns the failure."""
    with pytest.raises(DeliveryFailed) as failure:
        send(url, to=to)
    return failure.value


@contextmanager
def listener(greeting: bytes) -> Iterator[str]:
    """Yields the URL of a server that only greets, and keeps connections open."""
    connections = []

    def serve(listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            connections.append(connection)
            connection.sendall(greeting)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,), daemon=True)
        thread.start()
        yield f"smtp://127.0.0.1:{listening.getsockname()[1]}?tls=off"
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()
    for connection in connections:
        connection.close()


class TestEncryption:
    def test_a_mail_goes_without_encryption_only_by_the_option(self, plain: MailServer) -> None:
        send(plain.url)

        [mail] = plain.mails
        assert (mail.sender, mail.recipient) == ("todos@example.com", "ada@example.com")
        assert (mail.text, mail.html) == ("Hello!\n", "<p>Hello!</p>\n")
        assert not mail.is_encrypted

    def test_starttls_comes_before_the_mail(self, trusted: Certificate) -> None:
        with mail_server(trusted, encryption="starttls") as server:
            send(server.url)
            assert [mail.is_encrypted for mail in server.mails] == [True]

    def test_tls_comes_before_everything(self, trusted: Certificate) -> None:
        with mail_server(trusted, encryption="tls") as server:
            send(server.url)
            assert len(server.mails) == 1

    def test_a_server_without_starttls_gets_nothing(self, plain: MailServer) -> None:
        failure = fail(plain.url.removesuffix("?tls=off"))

        assert "STARTTLS" in failure.reason
        assert not failure.is_final
        assert plain.mails == []

    @pytest.mark.parametrize("encryption", ["starttls", "tls"])
    def test_a_server_with_an_unknown_certificate_gets_nothing(self, certificate: Certificate, encryption: str) -> None:
        smtp._load_certificates.cache_clear()  # noqa: SLF001
        with mail_server(certificate, encryption=encryption) as server:  # type: ignore[arg-type]
            failure = fail(server.url)
            assert "certificate" in failure.reason.lower()
            assert not failure.is_final
            assert server.mails == []

    @pytest.mark.parametrize("encryption", ["starttls", "tls"])
    def test_a_certificate_of_another_host_is_refused(self, trusted: Certificate, encryption: str) -> None:
        with mail_server(trusted, encryption=encryption) as server:  # type: ignore[arg-type]
            failure = fail(server.url.replace("localhost", "127.0.0.1"))
            assert "127.0.0.1" in failure.reason
            assert server.mails == []

    def test_the_settings_of_tls_check_certificates_and_hosts(self) -> None:
        context = smtp._load_certificates()  # noqa: SLF001
        assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
        assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


class TestPassword:
    @pytest.mark.parametrize("encryption", ["starttls", "tls"])
    def test_user_and_password_are_sent_encrypted(self, trusted: Certificate, encryption: str) -> None:
        with mail_server(trusted, encryption=encryption, needs_password=True) as server:  # type: ignore[arg-type]
            send(server.url)
            assert [mail.user for mail in server.mails] == ["todos@example.com"]

    def test_a_wrong_password_is_no_fault_of_the_mail(self, trusted: Certificate) -> None:
        with mail_server(trusted, encryption="starttls", needs_password=True) as server:
            failure = fail(server.url.replace(QUOTED_CREDENTIALS, "todos:hunter2"))
            assert failure.reason.startswith("535")
            assert "hunter2" not in failure.reason
            assert not failure.is_final


class TestRefusal:
    @pytest.mark.parametrize("command", ["RCPT", "DATA"])
    def test_greylisting_is_for_now(self, plain: MailServer, command: Command) -> None:
        plain.replies[command].append("451 4.7.1 Greylisted, try again later")
        failure = fail(plain.url)
        send(plain.url)

        assert failure.reason == "451 4.7.1 Greylisted, try again later"
        assert not failure.is_final
        assert len(plain.mails) == 1

    @pytest.mark.parametrize(("command", "reply"), [("RCPT", "550 5.1.1 No such user"), ("DATA", "554 5.7.1 Spam")])
    def test_a_mailbox_or_a_text_is_refused_for_good(self, plain: MailServer, command: Command, reply: str) -> None:
        plain.replies[command].append(reply)
        failure = fail(plain.url)

        assert failure.reason == reply
        assert failure.is_final

    def test_a_refused_sender_is_no_fault_of_the_mail(self, plain: MailServer) -> None:
        plain.replies["MAIL"].append("553 5.7.1 Not your address")

        assert not fail(plain.url).is_final

    def test_the_reason_has_no_addresses(self, plain: MailServer) -> None:
        plain.replies["RCPT"].append("550 5.1.1 <Ada@Example.com>: unknown; ask postmaster@example.com")

        assert fail(plain.url).reason == "550 5.1.1 <(address)>: unknown; ask (address)"


class TestFailingServer:
    def test_a_server_that_is_down(self) -> None:
        failure = fail("smtp://127.0.0.1:1?tls=off")
        assert not failure.is_final

    @pytest.mark.parametrize("greeting", [b"", b"220 ready\r\n"])
    def test_a_connection_that_hangs_ends(self, monkeypatch: pytest.MonkeyPatch, greeting: bytes) -> None:
        monkeypatch.setattr(smtp, "_REPLY_SECONDS", 1)
        with listener(greeting) as url:
            failure = fail(url)
        assert "imed out" in failure.reason
        assert not failure.is_final

    @pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
    def test_a_server_that_hangs_in_the_middle(
        self, monkeypatch: pytest.MonkeyPatch, plain: MailServer, command: Command
    ) -> None:
        monkeypatch.setattr(smtp, "_REPLY_SECONDS", 1)
        plain.hangs_at = command

        assert not fail(plain.url).is_final
        assert plain.mails == []

    def test_a_server_that_greets_with_an_error(self) -> None:
        with listener(b"554 No service here\r\n") as url:
            failure = fail(url)
        assert "554" in failure.reason
        assert not failure.is_final

    def test_a_server_that_says_goodbye_without_a_reply_has_taken_the_mail(
        self, plain: MailServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def disconnect(*_: object, **__: object) -> None:
            raise ConnectionResetError

        monkeypatch.setattr("aiosmtplib.SMTP.quit", disconnect)
        send(plain.url)
        assert len(plain.mails) == 1


class TestAddresses:
    def test_a_domain_of_other_scripts_is_sent_in_ascii(self, plain: MailServer) -> None:
        send(plain.url, to="ada@bücher.example")

        [mail] = plain.mails
        assert mail.recipient == mail.message["To"] == "ada@xn--bcher-kva.example"

    def test_a_name_of_other_scripts_needs_a_server_that_knows_them(self, plain: MailServer) -> None:
        send(plain.url, to="jürgen@example.com")

        assert [mail.recipient for mail in plain.mails] == ["jürgen@example.com"]

    def test_text_of_other_scripts_arrives(self, plain: MailServer) -> None:
        send(plain.url, mail=RenderedMail("Grüße an 太郎 ☕", "Zeile 1 ☕\n.\nZeile 3\n" + "x" * 2000, TEXT.html))

        [mail] = plain.mails
        assert mail.message["Subject"] == "Grüße an 太郎 ☕"
        assert mail.text == "Zeile 1 ☕\n.\nZeile 3\n" + "x" * 2000 + "\n"
