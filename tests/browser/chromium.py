"""A real Chromium with a front end in it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Self

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from tests.accounts import AUTH, CHAT, PASSWORD, TODOS, new_email

_OPTIONS: Final = (
    "--headless=new",
    "--no-sandbox",  # which nobody gets who runs tests as root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # Every name of the reserved domain is this machine.
    "--host-resolver-rules=MAP *.test 127.0.0.1",
)


@dataclass(frozen=True)
class Answer:
    """What a script of the page is told; the status is 0 where the browser lets it see nothing."""

    status: int
    body: str
    request_id: str | None

    def json(self) -> Any:
        return json.loads(self.body)


class Chromium:
    """A browser with a profile of its own."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self._driver = driver

    @classmethod
    @contextmanager
    def start(cls, browser: str, driver: str, *, third_party_cookies: bool) -> Iterator[Self]:
        chosen = Options()
        # Said in any case, because distributions have defaults of their own.
        chosen.add_experimental_option("prefs", {"profile.cookie_controls_mode": 0 if third_party_cookies else 1})
        chosen.binary_location = browser
        chosen.accept_insecure_certs = True
        for option in _OPTIONS:
            chosen.add_argument(option)
        chosen.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        running = webdriver.Chrome(options=chosen, service=Service(executable_path=driver))
        running.set_script_timeout(60)
        try:
            yield cls(running)
        finally:
            running.quit()

    def open(self, url: str) -> None:
        self._driver.get(url)

    def evaluate(self, expression: str) -> Any:
        return self._driver.execute_script(f"return {expression}")

    def call(self, url: str, method: str, body: object = None) -> Answer:
        """What the page's script gets for a request with the user's cookie."""
        script = "const [url, method, body, done] = arguments; call(url, method, body).then(done)"
        answered = self._driver.execute_async_script(script, url, method, body)
        return Answer(answered["status"], answered["body"], answered["id"])

    def cookies(self) -> list[dict[str, Any]]:
        """Everything in the browser's own store."""
        found: list[dict[str, Any]] = self._driver.execute_cdp_cmd("Storage.getCookies", {})["cookies"]
        return found

    def complaints(self) -> list[str]:
        """What a developer would see in the console."""
        return [entry["message"] for entry in self._driver.get_log("browser")]


@dataclass(frozen=True)
class FrontEnd:
    """The page of a site, which works with the API of its own or of another one."""

    chromium: Chromium
    api: str

    def sign_up(self) -> str:
        """Registers and signs in. Gives the email."""
        account = {"email": new_email(), "password": PASSWORD}
        answers = [self._call("POST", f"{AUTH}/{what}", account) for what in ("register", "login")]
        assert [answer.status for answer in answers] == [201, 200], answers
        return account["email"]

    def me(self) -> Answer:
        return self._call("GET", f"{AUTH}/me")

    def add(self, title: str) -> Answer:
        return self._call("POST", TODOS, {"title": title})

    def todos(self) -> Answer:
        return self._call("GET", TODOS)

    def say(self, message: str) -> Answer:
        return self._call("POST", CHAT, {"message": message})

    def logout(self) -> Answer:
        return self._call("POST", f"{AUTH}/logout")

    def _call(self, method: str, path: str, body: object = None) -> Answer:
        return self.chromium.call(f"{self.api}{path}", method, body)
