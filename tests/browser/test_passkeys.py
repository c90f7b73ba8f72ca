"""Passkeys in Chromium, whose virtual authenticator keeps and uses them as a phone or a laptop does."""

from typing import Any

import pytest

from tests.accounts import PASSWORD
from tests.browser.chromium import Chromium, FrontEnd
from tests.browser.deployments import Deployment


@pytest.fixture
def front_end(chromium: Chromium, localhost: Deployment) -> FrontEnd:
    """A page of localhost, because browsers refuse passkeys on pages with a self-signed certificate."""
    front_end = localhost.front_end(chromium)
    chromium.plug_in_authenticator()
    return front_end


def register(front_end: FrontEnd) -> dict[str, Any]:
    """Makes a passkey in the browser and registers it. Returns the response of the API."""
    assert front_end.confirm({"password": PASSWORD}).status == 204
    made = front_end.chromium.create_passkey(front_end.passkey_options())
    assert made.error is None
    added = front_end.add_passkey(made.credential)
    assert added.status == 201, added.body
    passkey: dict[str, Any] = added.json()
    return passkey


class TestPasskey:
    def test_a_user_registers_one_and_signs_in_with_it(self, front_end: FrontEnd) -> None:
        email = front_end.sign_up()
        passkey = register(front_end)
        assert front_end.chromium.count_passkeys() == 1
        assert len(passkey["recovery_codes"]) == 10
        front_end.logout()

        used = front_end.chromium.get_passkey(front_end.login_options())
        assert front_end.sign_in_by_passkey(used.credential).status == 200
        assert front_end.me().json()["email"] == email
        assert front_end.sessions()[0]["opened_by"] == "passkey"
        assert front_end.passkeys()[0]["last_used_at"]

    def test_after_a_password_it_is_the_second_factor(self, front_end: FrontEnd) -> None:
        email = front_end.sign_up()
        register(front_end)
        front_end.logout()

        asked = front_end.sign_in({"email": email, "password": PASSWORD})
        assert (asked.status, asked.json()["code"]) == (401, "second_factor_required")
        challenge = asked.json()["challenge"]
        used = front_end.chromium.get_passkey(front_end.login_options({"challenge": challenge}))
        assert front_end.sign_in({"challenge": challenge, "credential": used.credential}).status == 200
        assert front_end.sessions()[0]["opened_by"] == "password_passkey"

    def test_a_device_registers_once(self, front_end: FrontEnd) -> None:
        front_end.sign_up()
        register(front_end)

        assert front_end.chromium.create_passkey(front_end.passkey_options()).error == "InvalidStateError"

    def test_a_removed_one_signs_in_no_more(self, front_end: FrontEnd) -> None:
        email = front_end.sign_up()
        passkey = register(front_end)
        confirmed = front_end.chromium.get_passkey(front_end.login_options())
        assert front_end.confirm({"credential": confirmed.credential}).status == 204

        assert front_end.remove_passkey(passkey["id"]).status == 204
        assert front_end.passkeys() == []
        front_end.logout()
        used = front_end.chromium.get_passkey(front_end.login_options())
        assert front_end.sign_in_by_passkey(used.credential).json()["code"] == "invalid_passkey"
        assert front_end.sign_in({"email": email, "password": PASSWORD}).status == 200


class TestForeignPage:
    """A page that does not belong to the service has got hold of its options."""

    def test_the_service_refuses_a_passkey_of_another_origin(
        self, front_end: FrontEnd, chromium: Chromium, localhost: Deployment
    ) -> None:
        front_end.sign_up()
        front_end.confirm({"password": PASSWORD})
        options = front_end.passkey_options()

        # Chromium makes passkeys of localhost for the pages of all its ports.
        chromium.open(localhost.foreign_page)
        made = chromium.create_passkey(options)
        assert made.error is None
        front_end = localhost.front_end(chromium)
        refused = front_end.add_passkey(made.credential)
        assert (refused.status, refused.json()["code"]) == (422, "passkey_refused")

    def test_the_service_refuses_a_login_from_another_origin(
        self, front_end: FrontEnd, chromium: Chromium, localhost: Deployment
    ) -> None:
        front_end.sign_up()
        register(front_end)
        front_end.logout()
        options = front_end.login_options()

        chromium.open(localhost.foreign_page)
        used = chromium.get_passkey(options)
        assert used.error is None
        front_end = localhost.front_end(chromium)
        refused = front_end.sign_in_by_passkey(used.credential)
        assert (refused.status, refused.json()["code"]) == (401, "invalid_passkey")
        assert front_end.me().status == 401

    def test_the_browser_offers_no_passkey_on_another_domain(
        self, front_end: FrontEnd, chromium: Chromium, localhost: Deployment
    ) -> None:
        front_end.sign_up()
        register(front_end)
        options = front_end.login_options()

        chromium.open(localhost.page.replace("localhost", "127.0.0.1"))
        assert chromium.get_passkey(options).error == "SecurityError"
