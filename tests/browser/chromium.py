"""Controls Chromium, and calls the API from a page that Chromium shows."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Self

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.virtual_authenticator import VirtualAuthenticatorOptions

from tests.accounts import AUTH, CHAT, PASSWORD, TODOS, new_email

_OPTIONS: Final = (
    "--headless=new",
    "--no-sandbox",  # Chromium does not start as root with its sandbox
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # Chromium resolves all names under the reserved domain `test` to this machine, because no DNS server knows them.
    "--host-resolver-rules=MAP *.test 127.0.0.1",
)


@dataclass(frozen=True)
class PageResponse:
    """Response that the page's script receives. The status is 0 if the browser blocks the request or its response."""

    status: int
    body: str
    request_id: str | None

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class PasskeyResponse:
    """The response of a passkey that the page's script receives, or the name of the browser's error."""

    credential: Any
    error: str | None


class Chromium:
    """Headless Chromium with a new profile, controlled through chromedriver."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self._driver = driver

    @classmethod
    @contextmanager
    def start(cls, browser: str, driver: str, *, third_party_cookies: bool) -> Iterator[Self]:
        options = Options()
        # Always set, because distributions of Chromium differ in their default for third-party cookies.
        options.add_experimental_option("prefs", {"profile.cookie_controls_mode": 0 if third_party_cookies else 1})
        options.binary_location = browser
        options.accept_insecure_certs = True
        for option in _OPTIONS:
            options.add_argument(option)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        running = webdriver.Chrome(options=options, service=Service(executable_path=driver))
        running.set_script_timeout(60)
        try:
            yield cls(running)
        finally:
            running.quit()

    def open(self, url: str) -> None:
        self._driver.get(url)

    def evaluate(self, expression: str) -> Any:
        return self._driver.execute_script(f"return {expression}")

    def call(self, url: str, method: str, body: object = None) -> PageResponse:
        """Sends a request from the page's script, with the session cookie if the browser has and allows it."""
        script = "const [url, method, body, done] = arguments; call(url, method, body).then(done)"
        response = self._driver.execute_async_script(script, url, method, body)
        return PageResponse(response["status"], response["body"], response["id"])

    def plug_in_authenticator(self) -> None:
        """Adds an authenticator that keeps passkeys, and whose user always agrees and shows a fingerprint."""
        options = VirtualAuthenticatorOptions()
        options.protocol = VirtualAuthenticatorOptions.Protocol.CTAP2
        options.transport = VirtualAuthenticatorOptions.Transport.INTERNAL
        options.has_resident_key = True
        options.has_user_verification = True
        options.is_user_verified = True
        self._driver.add_virtual_authenticator(options)

    def count_passkeys(self) -> int:
        """Returns the number of passkeys that the authenticator keeps."""
        return len(self._driver.get_credentials())

    def create_passkey(self, options: Any) -> PasskeyResponse:
        """Makes a passkey from the page's script, by the options of the API."""
        return self._ask("createPasskey", options)

    def get_passkey(self, options: Any) -> PasskeyResponse:
        """Signs in by a passkey from the page's script, by the options of the API."""
        return self._ask("getPasskey", options)

    def _ask(self, function: str, options: Any) -> PasskeyResponse:
        script = f"const [options, done] = arguments; {function}(options).then(done)"
        response = self._driver.execute_async_script(script, options)
        return PasskeyResponse(response["credential"], response["error"])

    def cookies(self) -> list[dict[str, Any]]:
        """Returns the browser's cookies of all sites, including HttpOnly cookies."""
        found: list[dict[str, Any]] = self._driver.execute_cdp_cmd("Storage.getCookies", {})["cookies"]
        return found

    def console_messages(self) -> list[str]:
        """Returns the messages in the browser's console, such as errors about requests that CORS blocks."""
        return [entry["message"] for entry in self._driver.get_log("browser")]


@dataclass(frozen=True)
class FrontEnd:
    """Page in the browser that calls the API, which may be on the same site or on another."""

    chromium: Chromium
    api: str

    def sign_up(self) -> str:
        """Registers a new account from the page and signs in. Returns the account's email address."""
        account = {"email": new_email(), "password": PASSWORD}
        responses = [self._call("POST", f"{AUTH}/{action}", account) for action in ("register", "login")]
        assert [response.status for response in responses] == [201, 200], responses
        return account["email"]

    def me(self) -> PageResponse:
        return self._call("GET", f"{AUTH}/me")

    def add(self, title: str) -> PageResponse:
        return self._call("POST", TODOS, {"title": title})

    def todos(self) -> PageResponse:
        return self._call("GET", TODOS)

    def say(self, message: str) -> PageResponse:
        return self._call("POST", CHAT, {"message": message})

    def confirm(self, proof: object) -> PageResponse:
        return self._call("POST", f"{AUTH}/confirm", proof)

    def passkey_options(self) -> Any:
        return self._call("POST", f"{AUTH}/passkeys/options").json()

    def login_options(self, start: object = None) -> Any:
        return self._call("POST", f"{AUTH}/login/passkey/options", start).json()

    def add_passkey(self, credential: object) -> PageResponse:
        return self._call("POST", f"{AUTH}/passkeys", {"name": "Laptop", "credential": credential})

    def passkeys(self) -> list[Any]:
        found: list[Any] = self._call("GET", f"{AUTH}/passkeys").json()
        return found

    def remove_passkey(self, passkey_id: str) -> PageResponse:
        return self._call("DELETE", f"{AUTH}/passkeys/{passkey_id}")

    def sign_in_by_passkey(self, credential: object) -> PageResponse:
        return self._call("POST", f"{AUTH}/login/passkey", {"credential": credential})

    def sign_in(self, body: object) -> PageResponse:
        return self._call("POST", f"{AUTH}/login", body)

    def sessions(self) -> list[Any]:
        found: list[Any] = self._call("GET", f"{AUTH}/sessions").json()
        return found

    def logout(self) -> PageResponse:
        return self._call("POST", f"{AUTH}/logout")

    def _call(self, method: str, path: str, body: object = None) -> PageResponse:
        return self.chromium.call(f"{self.api}{path}", method, body)
