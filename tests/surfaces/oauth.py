"""A client of OAuth for tests: it registers, sends a user to the consent page, and exchanges codes and tokens."""

import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from html import unescape
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2

from tests.accounts import AUTH, Account
from tests.service_client import PUBLIC_URL

CALLBACK: Final = "https://planner.example.com/callback"
CONNECTIONS: Final = f"{AUTH}/connections"
VERIFIER: Final = "v" * 43
MCP: Final = f"{PUBLIC_URL}/mcp"
API: Final = f"{PUBLIC_URL}/api/v1"
SAME_ORIGIN: Final = {"Sec-Fetch-Site": "same-origin"}
FORM: Final = re.compile(r'<form method="post" action="([^"]*)">(.*?)</form>', re.DOTALL)

type Json = dict[str, Any]


def challenge_of(verifier: str) -> str:
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")


def register_client(client: httpx2.Client, **metadata: object) -> Json:
    """Registers a public client, or one with other metadata. Returns the response's JSON."""
    response = post_registration(client, **metadata)
    assert response.status_code == 201, response.text
    registered: Json = response.json()
    return registered


def post_registration(client: httpx2.Client, **metadata: object) -> httpx2.Response:
    body = {"client_name": "Planner", "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none", **metadata}
    return client.post("/oauth/register", json=body)


def read_hidden_fields(page: httpx2.Response) -> dict[str, str]:
    """Returns the hidden fields of the first form of a page."""
    _, content = FORM.findall(page.text)[0]
    hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', content)
    return {unescape(name): unescape(value) for name, value in hidden}


def submit(client: httpx2.Client, page: httpx2.Response, **fields: str) -> httpx2.Response:
    """Sends the first form of a page with its hidden fields and these, as a browser does."""
    action, _ = FORM.findall(page.text)[0]
    url = page.request.url.join(unescape(action))
    return client.post(url, data=read_hidden_fields(page) | fields, headers=SAME_ORIGIN)


def read_answer(response: httpx2.Response) -> dict[str, str]:
    """Returns the parameters that a redirect brings to the client."""
    assert response.status_code == 303, response.text
    return dict(parse_qsl(urlsplit(response.headers["location"]).query))


@dataclass
class OAuthClient:
    """A client, and the HTTP client by which it calls the service. `parameters` are those of its requests."""

    http: httpx2.Client
    id: str
    redirect_uri: str = CALLBACK
    secret: str | None = None
    parameters: dict[str, str] = field(default_factory=dict)

    @property
    def proof(self) -> dict[str, str]:
        return {"client_id": self.id} | ({"client_secret": self.secret} if self.secret else {})

    def request(self, **changes: str | None) -> str:
        """Returns the query of an authorization request. None leaves out a parameter."""
        wanted: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.id,
            "redirect_uri": self.redirect_uri,
            "state": "the state",
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
            "resource": MCP,
            **self.parameters,
            **changes,
        }
        return urlencode({name: value for name, value in wanted.items() if value is not None})

    def ask(self, user: Account | httpx2.Client, **changes: str | None) -> httpx2.Response:
        """Opens the consent page in the browser of a user."""
        browser = user.client if isinstance(user, Account) else user
        return browser.get(f"/oauth/authorize?{self.request(**changes)}")

    def get_code(self, user: Account, *, fields: dict[str, str] | None = None, **changes: str | None) -> str:
        """Returns the code for a consent of the user."""
        page = self.ask(user, **changes)
        assert page.status_code == 200, page.text
        return read_answer(submit(user.client, page, decision="allow", **(fields or {})))["code"]

    def post_token(self, **fields: str | None) -> httpx2.Response:
        return self.post("/oauth/token", **fields)

    def post(self, path: str, **fields: str | None) -> httpx2.Response:
        sent = {**self.proof, **fields}
        return self.http.post(path, data={name: value for name, value in sent.items() if value is not None})

    def post_code(self, code: str, /, **changes: str | None) -> httpx2.Response:
        fields = {"code": code, "code_verifier": VERIFIER, "redirect_uri": self.redirect_uri, **changes}
        return self.post_token(**{"grant_type": "authorization_code", **fields})

    def post_refresh(self, token: str, /, **changes: str | None) -> httpx2.Response:
        return self.post_token(**{"grant_type": "refresh_token", "refresh_token": token, **changes})

    def connect(self, user: Account, *, fields: dict[str, str] | None = None, **changes: str | None) -> Json:
        """Connects the client to the account of a user. Returns the response with the tokens."""
        response = self.post_code(self.get_code(user, fields=fields, **changes))
        assert response.status_code == 200, response.text
        tokens: Json = response.json()
        return tokens


def make_client(http: httpx2.Client, **metadata: object) -> OAuthClient:
    registered = register_client(http, **metadata)
    return OAuthClient(http, registered["client_id"], registered["redirect_uris"][0], registered.get("client_secret"))


def make_api_client(http: httpx2.Client, scope: str = "todos:read todos:write account:read") -> OAuthClient:
    """Returns a client that asks for tokens of the REST API."""
    client = make_client(http)
    client.parameters |= {"resource": API, "scope": scope}
    return client


def bearer(tokens: Json) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


def refused(response: httpx2.Response, error: str, status: int = 400) -> Json:
    """Checks an error of RFC 6749, section 5.2. Returns its JSON."""
    assert response.status_code == status, response.text
    assert response.headers["cache-control"] == "no-store"
    content: Json = response.json()
    assert content["error"] == error, content
    assert content["error_description"]
    return content
