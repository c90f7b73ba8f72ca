"""GET /oauth/authorize and the forms that follow: sign-in, second factor, consent. Used here without a browser."""

from collections.abc import Iterator
from html import unescape
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.accounts import PASSWORD, Account
from tests.authenticators import add_app
from tests.service_client import PUBLIC_URL
from tests.serving import Surface
from tests.surfaces.oauth import (
    API,
    CALLBACK,
    CONNECTIONS,
    SAME_ORIGIN,
    VERIFIER,
    OAuthClient,
    make_client,
    read_answer,
    read_hidden_fields,
    submit,
)
from tests.surfaces.test_auth import serve
from tests.surfaces.test_auth_pages import title_of


@pytest.fixture
def planner(client: httpx2.Client) -> OAuthClient:
    return make_client(client)


@pytest.fixture
def visitor(surface: Surface) -> Iterator[httpx2.Client]:
    """A browser without a session."""
    with surface.client() as browser:
        yield browser


class TestConsent:
    def test_it_shows_client_host_scopes_and_account(self, planner: OAuthClient, ada: Account) -> None:
        page = planner.ask(ada)

        assert (page.status_code, title_of(page)) == (200, "Connect Planner?")
        text = unescape(page.text)
        for shown in (ada.email, "planner.example.com", "Read your todos", "Add, change, complete and delete todos"):
            assert shown in text

    def test_markup_in_the_name_of_a_client_is_text(self, client: httpx2.Client, ada: Account) -> None:
        page = make_client(client, client_name="<script>alert(1)</script>").ask(ada)

        assert "<script" not in page.text
        assert "&lt;script&gt;" in page.text

    def test_a_program_on_the_computer_is_called_so(self, client: httpx2.Client, ada: Account) -> None:
        page = make_client(client, redirect_uris=["http://127.0.0.1/callback"]).ask(ada)

        assert "127.0.0.1 (a program on your computer)" in page.text

    def test_the_answer_has_code_state_and_issuer(self, planner: OAuthClient, ada: Account) -> None:
        response = submit(ada.client, planner.ask(ada), decision="allow")

        answer = read_answer(response)
        assert answer.keys() == {"code", "state", "iss"}
        assert (answer["state"], answer["iss"]) == ("the state", PUBLIC_URL)
        assert response.headers["location"].startswith(f"{CALLBACK}?")
        assert response.headers["cache-control"] == "no-store"

    def test_a_refusal_is_told_to_the_client(self, planner: OAuthClient, ada: Account) -> None:
        for decision in ("deny", "", "ALLOW"):
            answer = read_answer(submit(ada.client, planner.ask(ada), decision=decision))

            assert answer == {"error": "access_denied", "state": "the state", "iss": PUBLIC_URL}
        assert ada.client.get(CONNECTIONS).json() == []

    def test_nothing_is_granted_before_the_code_is_exchanged(self, planner: OAuthClient, ada: Account) -> None:
        planner.get_code(ada)

        assert ada.client.get(CONNECTIONS).json() == []

    def test_the_query_of_a_redirect_uri_stays(self, client: httpx2.Client, ada: Account) -> None:
        planner = make_client(client, redirect_uris=[f"{CALLBACK}?tenant=1"])

        response = submit(ada.client, planner.ask(ada), decision="allow")

        assert response.headers["location"].startswith(f"{CALLBACK}?tenant=1&code=")

    def test_the_only_redirect_uri_need_not_be_named(self, planner: OAuthClient, ada: Account) -> None:
        code = planner.get_code(ada, redirect_uri=None)

        assert planner.post_code(code, redirect_uri=None).status_code == 200

    def test_a_native_app_may_choose_its_port(self, client: httpx2.Client, ada: Account) -> None:
        planner = make_client(client, redirect_uris=["http://127.0.0.1/callback"])
        planner.redirect_uri = "http://127.0.0.1:51004/callback"

        assert planner.post_code(planner.get_code(ada)).status_code == 200

    def test_deletes_are_asked_about_for_mcp_only(self, planner: OAuthClient, ada: Account) -> None:
        assert "without asking" in planner.ask(ada).text
        assert "without asking" not in planner.ask(ada, scope="todos:read").text
        assert "without asking" not in planner.ask(ada, resource=API, scope="todos:write").text

    def test_without_a_resource_it_is_for_mcp(self, planner: OAuthClient, ada: Account) -> None:
        planner.post_code(planner.get_code(ada, resource=None))

        (connection,) = ada.client.get(CONNECTIONS).json()
        assert (connection["resource"], connection["scopes"]) == ("/mcp", ["todos:read", "todos:write"])


class TestProtection:
    def test_the_pages_cannot_be_framed_and_have_no_script(self, planner: OAuthClient, ada: Account) -> None:
        for page in (planner.ask(ada), planner.ask(planner.http), planner.ask(ada, redirect_uri="https://evil.com/")):
            policy = page.headers["content-security-policy"]
            assert "frame-ancestors 'none'" in policy
            assert policy.startswith("default-src 'none'")
            assert "script" not in policy
            assert page.headers["x-frame-options"] == "DENY"
            assert page.headers["cache-control"] == "no-store"
            assert "<script" not in page.text

    def test_the_form_may_lead_to_the_client_and_to_nothing_else(self, client: httpx2.Client, ada: Account) -> None:
        for uri, source in [
            (CALLBACK, "https:"),
            ("http://127.0.0.1/callback", "http:"),
            ("cursor://planner/callback", "cursor:"),
        ]:
            page = make_client(client, redirect_uris=[uri]).ask(ada)
            assert f"form-action 'self' {source};" in page.headers["content-security-policy"]

    def test_a_form_without_the_token_of_the_page_allows_nothing(self, planner: OAuthClient, ada: Account) -> None:
        page = planner.ask(ada)
        fields = read_hidden_fields(page)
        now, _, signature = fields["csrf"].partition(".")

        for csrf in ("", "x", f"{now}.", f"{now}.{'0' * 64}", f"{int(now) + 1}.{signature}", f"0.{signature}", "é.é"):
            response = submit(ada.client, page, csrf=csrf, decision="allow")
            assert response.status_code == 403
            assert "location" not in response.headers

    def test_the_token_belongs_to_the_session(self, planner: OAuthClient, ada: Account, bob: Account) -> None:
        of_bob = read_hidden_fields(planner.ask(bob))["csrf"]

        assert submit(ada.client, planner.ask(ada), csrf=of_bob, decision="allow").status_code == 403

    def test_the_token_belongs_to_the_request(self, planner: OAuthClient, ada: Account) -> None:
        narrow, wide = planner.ask(ada, scope="todos:read"), planner.ask(ada)
        query = read_hidden_fields(wide)["query"]

        assert submit(ada.client, narrow, query=query, decision="allow").status_code == 403

    def test_a_page_of_another_site_cannot_send_the_form(self, planner: OAuthClient, ada: Account) -> None:
        fields = read_hidden_fields(planner.ask(ada)) | {"decision": "allow"}
        foreign = {"Origin": "https://evil.example.com", "Sec-Fetch-Site": "cross-site"}

        assert ada.client.post("/oauth/consent", data=fields, headers=foreign).status_code == 403

    def test_a_bearer_token_is_no_session(self, planner: OAuthClient, ada: Account, visitor: httpx2.Client) -> None:
        page = visitor.get(f"/oauth/authorize?{planner.request()}", headers=ada.bearer)

        assert title_of(page) == "Sign in to connect an app"

    def test_a_consent_without_a_session_asks_to_sign_in(
        self, planner: OAuthClient, ada: Account, visitor: httpx2.Client
    ) -> None:
        fields = read_hidden_fields(planner.ask(ada)) | {"decision": "allow"}

        page = visitor.post("/oauth/consent", data=fields, headers=SAME_ORIGIN)

        assert title_of(page) == "Sign in to connect an app"


class TestSignIn:
    def test_a_visitor_signs_in_and_goes_on(self, planner: OAuthClient, ada: Account, visitor: httpx2.Client) -> None:
        page = planner.ask(visitor)
        signed_in = submit(visitor, page, email=ada.email, password=PASSWORD)

        assert signed_in.status_code == 303
        consent = visitor.get(page.request.url.join(signed_in.headers["location"]))
        code = read_answer(submit(visitor, consent, decision="allow"))["code"]
        assert planner.post_code(code).status_code == 200
        assert "session_token" in visitor.cookies

    def test_a_wrong_password_is_told(self, planner: OAuthClient, ada: Account, visitor: httpx2.Client) -> None:
        page = submit(visitor, planner.ask(visitor), email=ada.email, password="wrong password")

        assert page.status_code == 401
        assert "do not belong together" in page.text
        again = submit(visitor, page, email=ada.email, password=PASSWORD)
        assert again.status_code == 303

    def test_guesses_are_limited(self, planner: OAuthClient, ada: Account, visitor: httpx2.Client) -> None:
        page = planner.ask(visitor)
        answers = [submit(visitor, page, email=ada.email, password="wrong password") for _ in range(6)]

        assert answers[-1].status_code == 429
        assert int(answers[-1].headers["retry-after"]) > 0

    def test_the_second_factor_is_asked(self, planner: OAuthClient, ada: Account, visitor: httpx2.Client) -> None:
        app, _ = add_app(ada)
        page = submit(visitor, planner.ask(visitor), email=ada.email, password=PASSWORD)
        assert "session_token" not in visitor.cookies

        wrong = submit(visitor, page, code="000000")
        right = submit(visitor, wrong, code=app.next_code())

        assert (wrong.status_code, right.status_code) == (401, 303)
        assert right.headers["location"].startswith("authorize?")
        assert "session_token" in visitor.cookies

    def test_another_account_can_be_used(self, planner: OAuthClient, ada: Account, bob: Account) -> None:
        page = planner.ask(ada, prompt="login")
        signed_in = submit(ada.client, page, email=bob.email, password=PASSWORD)

        consent = ada.client.get(page.request.url.join(signed_in.headers["location"]))
        assert bob.email in consent.text

    @pytest.mark.parametrize(
        "query", ["//evil.example.com/", "https://evil.example.com/", "\r\nX: y", "../../evil", "a" * 9000]
    )
    def test_it_never_leads_elsewhere(self, planner: OAuthClient, visitor: httpx2.Client, query: str) -> None:
        email = planner.http.post(
            "/api/v1/auth/register", json={"email": "a" + str(hash(query))[1:] + "@example.com", "password": PASSWORD}
        )
        page = planner.ask(visitor)

        response = submit(visitor, page, query=query, email=str(email.json().get("email", "")), password=PASSWORD)

        location = response.headers.get("location", "authorize?")
        assert location.startswith("authorize?")
        assert urlsplit(location).netloc == ""
        assert "\n" not in location

    def test_a_form_without_fields_is_told(self, visitor: httpx2.Client) -> None:
        for path in ("/oauth/sign-in", "/oauth/second-factor"):
            for body in (b"", b"\xff", b"email=" + b"a" * 20_000):
                assert visitor.post(path, content=body, headers=SAME_ORIGIN).status_code in {401, 422}

    def test_it_works_without_the_page(self, database_url: str, ada: Account) -> None:
        with serve(database_url, web_page=False) as surface, surface.client() as browser:
            page = make_client(browser).ask(browser, resource=None)
            assert "passkey" not in page.text
            assert submit(browser, page, email=ada.email, password=PASSWORD).status_code == 303


def test_the_verifier_of_these_tests_is_long_enough() -> None:
    assert len(VERIFIER) == 43
