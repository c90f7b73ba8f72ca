"""Attacks on the authorization endpoint (RFC 9700): redirects, PKCE, mix-up, scopes, giant inputs."""

import httpx2
import pytest

from tests.accounts import Account
from tests.service_client import PUBLIC_URL
from tests.surfaces.oauth import (
    CALLBACK,
    CONNECTIONS,
    OAuthClient,
    challenge_of,
    make_client,
    read_answer,
    refused,
    submit,
)
from tests.surfaces.test_auth_pages import title_of

TRICKS = [
    "https://evil.example.com/callback",
    "https://planner.example.com.evil.example.com/callback",
    "https://evil.planner.example.com/callback",
    "https://planner.example.com@evil.example.com/callback",
    "https://evil.example.com#@planner.example.com/callback",
    "https://planner.example.com:443/callback",
    "https://planner.example.com:8443/callback",
    "http://planner.example.com/callback",
    "HTTPS://planner.example.com/callback",
    "https://PLANNER.example.com/callback",
    "https://planner.example.com/callback/",
    "https://planner.example.com/callback/../callback",
    "https://planner.example.com/callback/../../evil",
    "https://planner.example.com/%63allback",
    "https://planner.example.com/callback?next=https://evil.example.com",
    "https://planner.example.com/callback#fragment",
    "https://planner.example.com\\@evil.example.com/callback",
    "https://planner.example.com%2eevil.example.com/callback",
    "https://planner。example.com/callback",
    "https://plаnner.example.com/callback",
    " https://planner.example.com/callback",
    "https://planner.example.com/callback ",
    "https://planner.example.com/callback\n",
    "javascript:alert(1)//planner.example.com/callback",
    "data:text/html,https://planner.example.com/callback",
    "//planner.example.com/callback",
    "/callback",
    "callback",
    "https://planner.example.com/" + "x" * 3000,
]
LOOPBACK_TRICKS = [
    "http://127.0.0.1:80@evil.example.com/callback",
    "http://127.0.0.1.evil.example.com:8000/callback",
    "http://localhost:8000/callback",
    "http://[::1]:8000/callback",
    "http://127.0.0.2:8000/callback",
    "http://2130706433:8000/callback",
    "http://127.1:8000/callback",
    "https://127.0.0.1:8000/callback",
    "http://127.0.0.1:8000/other",
    "http://127.0.0.1:8000/callback/../other",
    "http://127.0.0.1:99999/callback",
    "http://127.0.0.1:/callback",
    "http://127.0.0.1:8000/callback#x",
]


@pytest.fixture
def planner(client: httpx2.Client) -> OAuthClient:
    return make_client(client)


def is_shown_only(page: httpx2.Response) -> bool:
    """Returns True for an error that is shown to the user, and that leads nowhere."""
    return (
        page.status_code == 400 and "location" not in page.headers and title_of(page) == "The app cannot be connected"
    )


class TestRedirectUri:
    @pytest.mark.parametrize("uri", TRICKS, ids=lambda uri: ascii(uri[:60]))
    def test_one_that_is_not_registered_is_never_a_target(self, planner: OAuthClient, ada: Account, uri: str) -> None:
        assert is_shown_only(planner.ask(ada, redirect_uri=uri))
        assert is_shown_only(planner.ask(ada, redirect_uri=uri, response_type="token"))

    @pytest.mark.parametrize("uri", LOOPBACK_TRICKS)
    def test_only_the_port_of_a_native_app_may_differ(self, client: httpx2.Client, ada: Account, uri: str) -> None:
        planner = make_client(client, redirect_uris=["http://127.0.0.1/callback"])

        assert is_shown_only(planner.ask(ada, redirect_uri=uri))

    def test_the_port_of_a_site_may_not_differ(self, client: httpx2.Client, ada: Account) -> None:
        planner = make_client(client, redirect_uris=["https://planner.example.com:8443/callback"])

        assert is_shown_only(planner.ask(ada, redirect_uri="https://planner.example.com:8444/callback"))

    def test_the_uri_of_another_client_is_refused(self, planner: OAuthClient, ada: Account) -> None:
        other = make_client(planner.http, redirect_uris=["https://evil.example.com/callback"])

        assert is_shown_only(planner.ask(ada, redirect_uri=other.redirect_uri))

    def test_several_registered_ones_need_a_choice(self, client: httpx2.Client, ada: Account) -> None:
        planner = make_client(client, redirect_uris=[CALLBACK, f"{CALLBACK}/2"])

        assert is_shown_only(planner.ask(ada, redirect_uri=None))

    @pytest.mark.parametrize(
        "client_id",
        ["", "x", "0198c5a1-7a10-7b3e-8c55-2f4d0c9e1a22", "{id}", "\x00", "a" * 4097],
        ids=lambda text: repr(text[:40]),
    )
    def test_an_unknown_client_gets_no_redirect(self, planner: OAuthClient, ada: Account, client_id: str) -> None:
        asked = client_id.replace("{id}", planner.id.upper())

        assert is_shown_only(planner.ask(ada, client_id=asked))

    def test_a_repeated_parameter_is_shown_only(self, planner: OAuthClient, ada: Account) -> None:
        query = f"{planner.request()}&redirect_uri=https%3A%2F%2Fevil.example.com%2F"

        assert is_shown_only(ada.client.get(f"/oauth/authorize?{query}"))

    def test_a_visitor_is_never_redirected(self, planner: OAuthClient) -> None:
        for prompt in (None, "none", "login", "consent"):
            page = planner.ask(planner.http, prompt=prompt)
            assert (page.status_code, title_of(page)) == (200, "Sign in to connect an app")


class TestPkce:
    @pytest.mark.parametrize(
        "changes",
        [
            {"code_challenge": None},
            {"code_challenge": ""},
            {"code_challenge": None, "code_challenge_method": None},
            {"code_challenge_method": None},
            {"code_challenge_method": "plain"},
            {"code_challenge_method": "s256"},
            {"code_challenge": "short"},
            {"code_challenge": "x" * 44},
            {"code_challenge": challenge_of("x" * 43) + "="},
            {"code_challenge": "é" * 43},
        ],
        ids=str,
    )
    def test_there_is_no_way_around_s256(
        self, planner: OAuthClient, ada: Account, changes: dict[str, str | None]
    ) -> None:
        answer = read_answer(planner.ask(ada, **changes))

        assert answer["error"] == "invalid_request"
        assert "code" not in answer

    def test_a_code_needs_its_verifier_also_with_a_secret(self, client: httpx2.Client, ada: Account) -> None:
        planner = make_client(client, token_endpoint_auth_method="client_secret_post")

        refused(planner.post_code(planner.get_code(ada), code_verifier=None), "invalid_request")

    def test_the_challenge_is_no_verifier(self, planner: OAuthClient, ada: Account) -> None:
        code = planner.get_code(ada)

        refused(planner.post_code(code, code_verifier=challenge_of("v" * 43)), "invalid_grant")


class TestRequest:
    @pytest.mark.parametrize(
        ("changes", "error"),
        [
            ({"response_type": None}, "invalid_request"),
            ({"response_type": "token"}, "unsupported_response_type"),
            ({"response_type": "code token"}, "unsupported_response_type"),
            ({"response_type": "id_token"}, "unsupported_response_type"),
            ({"response_mode": "fragment"}, "invalid_request"),
            ({"response_mode": "form_post"}, "invalid_request"),
            ({"request": "eyJ..."}, "invalid_request"),
            ({"request_uri": "https://evil.example.com/r"}, "invalid_request"),
            ({"scope": "admin"}, "invalid_scope"),
            ({"scope": "todos:read chat"}, "invalid_scope"),
            ({"scope": "account:read"}, "invalid_scope"),
            ({"resource": "https://evil.example.com/mcp"}, "invalid_target"),
            ({"resource": f"{PUBLIC_URL}/mcp/../api/v1"}, "invalid_target"),
            ({"resource": f"{PUBLIC_URL}/api"}, "invalid_target"),
            ({"resource": f"{PUBLIC_URL}/api/v1", "scope": None}, "invalid_scope"),
        ],
        ids=str,
    )
    def test_an_error_goes_to_the_verified_client_with_the_issuer(
        self, planner: OAuthClient, ada: Account, changes: dict[str, str | None], error: str
    ) -> None:
        answer = read_answer(planner.ask(ada, **changes))

        assert (answer["error"], answer["state"], answer["iss"]) == (error, "the state", PUBLIC_URL)

    @pytest.mark.parametrize("state", ["a b&c=d", "é", "<script>", "x" * 2000], ids=lambda text: text[:10])
    def test_the_state_comes_back_as_it_was(self, planner: OAuthClient, ada: Account, state: str) -> None:
        answer = read_answer(submit(ada.client, planner.ask(ada, state=state), decision="allow"))

        assert answer["state"] == state

    @pytest.mark.parametrize("state", ["a\r\nX-Evil: 1", "a\x00"], ids=repr)
    def test_control_characters_are_refused(self, planner: OAuthClient, ada: Account, state: str) -> None:
        assert is_shown_only(planner.ask(ada, state=state))

    def test_without_a_state_none_comes_back(self, planner: OAuthClient, ada: Account) -> None:
        answer = read_answer(submit(ada.client, planner.ask(ada, state=None), decision="allow"))

        assert "state" not in answer

    @pytest.mark.parametrize("length", [5_000, 9_000, 15_000])
    def test_giant_parameters_are_refused(self, planner: OAuthClient, ada: Account, length: int) -> None:
        page = planner.ask(ada, state="x" * length)

        assert page.status_code in {400, 414, 422}
        assert "location" not in page.headers

    def test_many_parameters_are_refused(self, planner: OAuthClient, ada: Account) -> None:
        extra = "&".join(f"p{number}=1" for number in range(200))

        assert ada.client.get(f"/oauth/authorize?{planner.request()}&{extra}").status_code == 400

    def test_unknown_parameters_are_ignored(self, planner: OAuthClient, ada: Account) -> None:
        assert planner.post_code(planner.get_code(ada, nonce="x", login_hint="a@b.c")).status_code == 200

    def test_offline_access_is_always_given(self, planner: OAuthClient, ada: Account) -> None:
        assert planner.connect(ada, scope="todos:read offline_access")["scope"] == "todos:read"


class TestCodesOfOthers:
    def test_a_code_that_was_injected_into_another_flow_is_useless(
        self, planner: OAuthClient, ada: Account, bob: Account
    ) -> None:
        """The attacker has a code of the victim, but the session of the attacker has another verifier."""
        stolen = planner.get_code(ada)

        refused(planner.post_code(stolen, code_verifier="a" * 43), "invalid_grant")
        assert bob.client.get(CONNECTIONS).json() == []
        assert ada.client.get(CONNECTIONS).json() == []

    def test_the_secret_of_another_client_does_not_help(self, client: httpx2.Client, ada: Account) -> None:
        victim = make_client(client, token_endpoint_auth_method="client_secret_post")
        attacker = make_client(client, token_endpoint_auth_method="client_secret_post")
        code = victim.get_code(ada)

        refused(victim.post_code(code, client_secret=attacker.secret), "invalid_client", 401)
        refused(attacker.post_code(code), "invalid_grant")
