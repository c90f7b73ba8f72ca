"""Mails as people read them: text, HTML and head."""

import re
from importlib.resources import files
from typing import Final, get_args

import pytest
from jinja2 import UndefinedError

from tests.delivery.mails import MESSAGE_ID, TEXT, compose_to
from todo_core.outbox.messages import MailTemplate
from todo_delivery.mail.rendering import RenderedMail, render

URL: Final = "https://todos.example.com/reset-password?token=" + "x" * 43
TEMPLATES: Final = get_args(MailTemplate.__value__)
VARIABLES: Final = {
    "url": URL,
    "base": "https://todos.example.com",
    "new_email": "ada@example.org",
    "title": "Buy milk",
    "short_title": "Buy milk",
    "due": "Due on Wednesday, 25 September 2030 at 18:00",
    "meant": "Wednesday, 25 September 2030 at 17:00",
    "sent": "Wednesday, 25 September 2030 at 19:05",
    "timezone": "America/Argentina/ComodRivadavia",
    "webhook_url": "https://hooks.example.com/todos",
    "since": "2030-01-01 08:00 UTC",
    "error": "The receiver answered 503",
}


class TestTemplates:
    @pytest.mark.parametrize("template", TEMPLATES)
    def test_each_has_a_short_subject_and_both_bodies(self, template: str) -> None:
        mail = render(template, VARIABLES)

        assert re.fullmatch(r"[^\n]{5,60}", mail.subject)
        assert mail.text.startswith("\n") is False
        assert f"<title>{mail.subject}</title>" in mail.html

    @pytest.mark.parametrize("template", TEMPLATES)
    def test_the_text_is_readable_in_a_terminal(self, template: str) -> None:
        lines = render(template, VARIABLES).text.splitlines()

        assert all(len(line) <= 78 for line in lines if line != URL)
        assert all(line == line.rstrip() for line in lines)
        assert "\n\n\n" not in "\n".join(lines)

    def test_a_link_has_a_line_of_its_own(self) -> None:
        assert URL in render("reset_password", VARIABLES).text.splitlines()

    def test_html_is_escaped(self) -> None:
        html = render("reset_password", VARIABLES | {"url": 'https://x/"><script>'}).html
        assert "<script>" not in html

    def test_html_loads_nothing_from_elsewhere(self) -> None:
        for template in TEMPLATES:
            html = render(template, VARIABLES).html
            assert re.findall(r"src=|<script|<link|url\(", html) == []

    def test_a_variable_that_is_not_passed_is_an_error(self) -> None:
        with pytest.raises(UndefinedError):
            render("reset_password", {})

    def test_each_file_belongs_to_a_mail_or_to_the_layout(self) -> None:
        names = {file.name.partition(".")[0] for file in files("todo_delivery").joinpath("templates").iterdir()}
        assert names == {*TEMPLATES, "layout", "button"}


class TestHead:
    def test_repeats_have_the_same_id_and_date(self) -> None:
        first, second = compose_to("ada@example.com"), compose_to("ada@example.com")

        assert first["Message-ID"] == second["Message-ID"] == f"<{MESSAGE_ID}@example.com>"
        assert first["Date"] == second["Date"] == "Thu, 31 Jan 2030 17:00:00 +0000"

    def test_it_has_sender_receiver_and_no_reply_of_machines(self) -> None:
        message = compose_to("ada@example.com")

        assert (message["From"], message["To"]) == ("Todos <todos@example.com>", "ada@example.com")
        assert message["Auto-Submitted"] == "auto-generated"

    def test_a_plain_text_is_sent_as_it_is(self) -> None:
        long = RenderedMail(TEXT.subject, f"Open:\n{URL}{'x' * 100}\n", TEXT.html)

        assert f"{URL}{'x' * 100}".encode() in compose_to("ada@example.com", long).as_bytes()

    def test_a_subject_cannot_add_headers(self) -> None:
        with pytest.raises(ValueError, match="linefeed"):
            compose_to("ada@example.com", RenderedMail("Hello\r\nBcc: eve@example.com", "", ""))
