"""The pages to which links in mails lead: plain forms, used here without a browser."""

import re
from collections.abc import Mapping
from html import unescape
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.accounts import Account, new_email, problem, sign_in, sign_up
from tests.mailbox import Mailbox
from tests.serving import OnLambda, Surface
from tests.surfaces.links import NEW_PASSWORD, NO_TOKEN, change_email, forget, mark_verified, verify
from tests.surfaces.test_auth import serve
from tests.surfaces.tokens import ME

PAGES = ("verify-email", "reset-password", "take-back-email", "forgot-password")
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


def open_link(client: httpx2.Client, url: str) -> httpx2.Response:
    """Opens the page of a link, whose host is that of the mails."""
    parts = urlsplit(url)
    page = client.get(f"{parts.path}?{parts.query}")
    assert page.status_code == 200, page.text
    return page


def submit(client: httpx2.Client, page: httpx2.Response, fields: Mapping[str, str] | None = None) -> httpx2.Response:
    """Sends the only form of the page, with its hidden fields and these."""
    (form,) = re.findall(r'<form method="post" action="([^"]*)">(.*?)</form>', page.text, re.DOTALL)
    hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', form[1])
    url = page.request.url.join(form[0])
    return client.post(
        url, data={unescape(name): unescape(value) for name, value in hidden} | dict(fields or {}), headers=SAME_ORIGIN
    )


def title_of(page: httpx2.Response) -> str:
    (title,) = re.findall("<h1>(.*?)</h1>", page.text)
    return str(title)


class TestForms:
    def test_an_email_is_confirmed(self, client: httpx2.Client, mailbox: Mailbox) -> None:
        ada = sign_up(client)
        page = open_link(client, mailbox.wait_for(ada.email).link)

        done = submit(client, page)

        assert (done.status_code, title_of(done)) == (200, "Your email is confirmed")
        assert client.get(ME).json()["email_verified"] is True

    def test_opening_a_link_does_not_use_it_up(self, client: httpx2.Client, mailbox: Mailbox) -> None:
        ada = sign_up(client)
        mail = mailbox.wait_for(ada.email)
        for _ in range(2):
            open_link(client, mail.link)

        assert client.get(ME).json()["email_verified"] is False
        assert verify(client, mail.token).status_code == 204

    def test_a_forgotten_password_is_replaced(self, ada: Account, surface: Surface, mailbox: Mailbox) -> None:
        with surface.client() as client:
            asked = submit(client, client.get("/account/forgot-password"), {"email": ada.email})
            assert title_of(asked) == "Look into your mail"
            page = open_link(client, mailbox.wait_for(ada.email).link)
            assert title_of(page) == "Choose a new password"

            done = submit(client, page, {"password": NEW_PASSWORD})

            assert (done.status_code, title_of(done)) == (200, "Your password is changed")
            assert sign_in(client, ada.email, NEW_PASSWORD).status_code == 200

    def test_an_email_is_taken_back(self, ada: Account, surface: Surface, mailbox: Mailbox, database_url: str) -> None:
        mark_verified(database_url, ada)
        change_email(ada.client, new_email())
        with surface.client() as client:
            page = open_link(client, mailbox.wait_for(ada.email).link)
            assert "signed out" in page.text

            assert title_of(submit(client, page)) == "You have your email back"

        problem(ada.client.get(ME), 401, "not_authenticated")

    def test_an_unknown_email_gets_the_same_page(self, ada: Account, client: httpx2.Client) -> None:
        form = client.get("/account/forgot-password")

        known, unknown = (submit(client, form, {"email": email}) for email in (ada.email, new_email()))

        assert known.text == unknown.text

    def test_a_password_that_is_refused_can_be_corrected(self, ada: Account, mailbox: Mailbox) -> None:
        forget(ada.client, ada.email)
        page = open_link(ada.client, mailbox.wait_for(ada.email).link)

        for password, sentence in (("short", "at least 8 characters"), ("password1", "Many people use this password")):
            page = submit(ada.client, page, {"password": password})
            assert page.status_code == 422
            assert sentence in page.text

        assert submit(ada.client, page, {"password": NEW_PASSWORD}).status_code == 200

    @pytest.mark.parametrize("name", ["verify-email", "reset-password", "take-back-email"])
    def test_an_invalid_link_is_explained(self, client: httpx2.Client, name: str) -> None:
        page = client.get(f"/account/{name}", params={"token": NO_TOKEN})

        answer = submit(client, page, {"password": NEW_PASSWORD} if name == "reset-password" else None)

        assert answer.status_code == 403
        assert "was used already or has expired" in answer.text
        assert 'href="forgot-password"' in answer.text

    def test_an_email_that_is_none_can_be_corrected(self, client: httpx2.Client) -> None:
        answer = submit(client, client.get("/account/forgot-password"), {"email": "ada"})

        assert answer.status_code == 422
        assert 'role="alert"' in answer.text
        assert 'type="email"' in answer.text


class TestSafety:
    @pytest.mark.parametrize("name", PAGES)
    def test_a_page_loads_nothing_and_cannot_be_framed(self, client: httpx2.Client, name: str) -> None:
        headers = client.get(f"/account/{name}").headers

        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "form-action 'self'; base-uri 'none'; frame-ancestors 'none'" in policy
        assert headers["x-frame-options"] == "DENY"
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["content-type"] == "text/html; charset=utf-8"

    @pytest.mark.parametrize("name", PAGES)
    def test_a_page_needs_no_script(self, client: httpx2.Client, name: str) -> None:
        text = client.get(f"/account/{name}").text

        assert "<script" not in text
        assert not re.search(r"\son\w+=|style=", text)

    @pytest.mark.parametrize("name", PAGES)
    def test_every_field_has_a_label(self, client: httpx2.Client, name: str) -> None:
        text = client.get(f"/account/{name}").text

        fields = re.findall(r'<input id="(\w+)"', text)
        assert fields == re.findall(r'<label for="(\w+)"', text)

    @pytest.mark.parametrize("name", PAGES[:3])
    def test_a_token_cannot_become_html(self, client: httpx2.Client, name: str) -> None:
        page = client.get(f"/account/{name}", params={"token": "\"><script>alert(1)</script>'"})

        assert "<script>" not in page.text
        assert "&quot;&gt;&lt;script&gt;" in page.text

    @pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
    @pytest.mark.parametrize("name", PAGES)
    def test_a_form_of_a_foreign_page_is_refused(
        self, client: httpx2.Client, name: str, headers: dict[str, str]
    ) -> None:
        response = client.post(f"/account/{name}", data={"token": NO_TOKEN}, headers=headers)

        problem(response, 403, "cross_origin")

    def test_the_limit_of_forgotten_passwords_holds(self, database_url: str) -> None:
        with serve(database_url, forgotten_passwords_per_address=1) as surface, surface.client() as client:
            form = client.get("/account/forgot-password")
            answers = [submit(client, form, {"email": new_email()}) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [200, 429]
        assert int(answers[1].headers["retry-after"]) > 0

    def test_the_document_does_not_list_the_pages(self, client: httpx2.Client) -> None:
        assert not [path for path in client.get("/openapi.json").json()["paths"] if path.startswith("/account")]


class TestFrontEnd:
    @pytest.mark.parametrize("name", PAGES)
    def test_a_front_end_has_the_pages_instead(self, database_url: str, name: str) -> None:
        with serve(database_url, frontend_url="https://app.example.com/") as surface, surface.client() as client:
            for response in (client.get(f"/account/{name}"), client.post(f"/account/{name}")):
                problem(response, 404, "route_not_found")

    def test_the_page_for_password_managers_is_that_of_the_front_end(self, database_url: str) -> None:
        with serve(database_url, frontend_url="https://app.example.com/") as surface, surface.client() as client:
            response = client.get("/.well-known/change-password")

        assert response.status_code == 303
        assert response.headers["location"] == "https://app.example.com/account/forgot-password"


class TestPasswordManagers:
    def test_they_are_led_to_the_page(self, client: httpx2.Client) -> None:
        response = client.get("/.well-known/change-password")

        assert response.status_code == 303
        page = client.get(response.headers["location"])
        assert title_of(page) == "Choose a new password"

    def test_a_page_that_does_not_exist_is_a_404(self, client: httpx2.Client) -> None:
        url = "/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200"

        assert client.get(url).status_code == 404


class TestStage:
    def test_a_page_below_a_stage_leads_below_it(self, environment: dict[str, str]) -> None:
        assert environment
        with OnLambda(stage="prod").client() as client:
            location = client.get("/.well-known/change-password").headers["location"]
            assert location == "/prod/account/forgot-password"
            page = client.get("/account/forgot-password")
            assert submit(client, page, {"email": new_email()}).status_code == 200
