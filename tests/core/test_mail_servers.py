"""URLs of mail servers and texts of senders, as the settings have them."""

import re

import pytest

from todo_core.mail_servers import MailSender, MailServer, parse_sender, parse_server


class TestServer:
    @pytest.mark.parametrize(
        ("url", "expected"),
        [
            ("smtp://mail.example.com", MailServer("mail.example.com", 587, "starttls")),
            ("smtps://mail.example.com", MailServer("mail.example.com", 465, "tls")),
            ("smtp://mail.example.com:2525/", MailServer("mail.example.com", 2525, "starttls")),
            ("smtp://[::1]:25?tls=off", MailServer("::1", 25, "none")),
            (
                "smtps://AKIA:a%2Fb%2Bc%40d@email-smtp.eu-central-1.amazonaws.com",
                MailServer("email-smtp.eu-central-1.amazonaws.com", 465, "tls", "AKIA", "a/b+c@d"),
            ),
        ],
    )
    def test_a_url_names_host_port_encryption_and_credentials(self, url: str, expected: MailServer) -> None:
        assert parse_server(url) == expected

    @pytest.mark.parametrize(
        ("url", "reason"),
        [
            ("http://mail.example.com", "smtp://user:password@"),
            ("mail.example.com:587", "smtp://user:password@"),
            ("smtp://", "smtp://user:password@"),
            ("smtps://AKIA:a/b@mail.example.com", "%2F"),
            ("smtp://mail.example.com/inbox", "smtp://user:password@"),
            ("smtp://user@mail.example.com", "user and password belong together"),
            ("smtp://mail.example.com?tls=maybe", "the only option is ?tls=off"),
            ("smtps://mail.example.com?tls=off", "the only option is ?tls=off"),
            ("smtp://mail.example.com?tls=off&x=1", "the only option is ?tls=off"),
            ("smtp://user:password@mail.example.com?tls=off", "never sent without encryption"),
            ("smtp://mail.example.com:port", "smtp://user:password@"),
            ("smtp://mail.example.com:99999", "smtp://user:password@"),
            ("smtp://user:hunter2", "smtp://user:password@"),
        ],
    )
    def test_another_url_is_refused_with_a_reason(self, url: str, reason: str) -> None:
        with pytest.raises(ValueError, match=re.escape(reason)) as error:
            parse_server(url)
        assert "hunter2" not in str(error.value)

    def test_the_password_is_not_shown(self) -> None:
        assert "hunter2" not in repr(parse_server("smtps://user:hunter2@mail.example.com"))


class TestSender:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("todos@example.com", MailSender("", "todos@example.com")),
            ("Todos <todos@example.com>", MailSender("Todos", "todos@example.com")),
            (
                "Ada's Büro, 2. Stock <a.b+c@mail.example.com>",
                MailSender("Ada's Büro, 2. Stock", "a.b+c@mail.example.com"),
            ),
        ],
    )
    def test_a_sender_has_an_address_and_perhaps_a_name(self, text: str, expected: MailSender) -> None:
        assert parse_sender(text) == expected
        assert expected.domain.endswith("example.com")

    @pytest.mark.parametrize(
        "text", ["", "todos", "@example.com", "a@b@c", "Todos <todos>", "Todos todos@example.com", "a@b\nTo: c@d"]
    )
    def test_other_text_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match="it must be an address"):
            parse_sender(text)
