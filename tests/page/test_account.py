"""A person makes an account, signs in and out, and gets back in without the password."""

import re

import pytest
from playwright.sync_api import expect

from tests.accounts import PASSWORD, Account, new_email, sign_in
from tests.authenticators import add_app
from tests.page.person import Person
from tests.page.sites import Site
from tests.page.windows import Open


class TestSignUp:
    def test_a_visitor_makes_an_account_and_adds_a_todo(self, visitor: Person) -> None:
        visitor.follow("Create an account")
        visitor.fill("Name", "Ada")
        visitor.fill("Email", new_email())
        visitor.fill("Password", PASSWORD)
        visitor.press("Create account")
        visitor.add("Buy milk")

    def test_a_common_password_is_refused_with_the_reason(self, visitor: Person) -> None:
        visitor.follow("Create an account")
        visitor.fill("Email", new_email())
        visitor.fill("Password", "password123")
        visitor.press("Create account")

        expect(visitor.page.get_by_label("Password", exact=True)).to_have_attribute("aria-invalid", "true")
        expect(visitor.main).to_contain_text(re.compile("common", re.IGNORECASE))

    def test_a_known_email_is_refused_with_the_reason(self, visitor: Person, account: Account) -> None:
        visitor.follow("Create an account")
        visitor.fill("Email", account.email)
        visitor.fill("Password", PASSWORD)
        visitor.press("Create account")

        expect(visitor.main).to_contain_text(re.compile("already|account", re.IGNORECASE))
        expect(visitor.page.get_by_label("Email", exact=True)).to_have_value(account.email)

    def test_a_refused_field_says_why_in_the_language_of_the_page(self, site: Site, open_window: Open) -> None:
        visitor = Person.visiting(open_window(site.url, locale="de-DE"))
        visitor.follow("Konto anlegen")
        # Browsers accept an address without a dot.
        visitor.fill("E-Mail", "ada@example")
        visitor.fill("Passwort", PASSWORD)
        visitor.press("Konto anlegen")

        expect(visitor.page.get_by_label("E-Mail")).to_have_accessible_description(
            "Gib eine Adresse wie ada@example.com ein."
        )


class TestSignIn:
    def test_by_password(self, visitor: Person, account: Account) -> None:
        account.add("Buy milk")
        visitor.sign_in(account.email)

        visitor.sees("Buy milk")

    def test_a_wrong_password_says_so_and_keeps_the_email(self, visitor: Person, account: Account) -> None:
        visitor.sign_in(account.email, "not the password")

        expect(visitor.alert).to_be_visible()
        expect(visitor.page.get_by_label("Email", exact=True)).to_have_value(account.email)
        visitor.sign_in(account.email)
        expect(visitor.quick_add).to_be_visible()

    def test_by_password_and_a_code(self, visitor: Person, account: Account) -> None:
        app, _ = add_app(account)
        visitor.sign_in(account.email)
        visitor.fill("Code", app.next_code())
        visitor.press("Continue")

        expect(visitor.quick_add).to_be_visible()

    def test_a_reload_keeps_the_session(self, person: Person) -> None:
        person.add("Buy milk")
        person.page.reload()

        person.sees("Buy milk")

    def test_sign_out_shows_nothing_of_the_account(self, person: Person) -> None:
        person.add("Buy milk")
        person.eventually(lambda: len(person.stored()) == 1)
        person.sign_out()

        expect(person.page.get_by_text("Buy milk")).to_have_count(0)
        person.eventually(lambda: person.window.evaluate("async () => (await indexedDB.databases()).length") == 0)

    def test_a_session_that_ends_elsewhere_asks_to_sign_in(self, person: Person) -> None:
        person.device.client.post("/api/v1/auth/logout")
        person.page.reload()

        expect(person.page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()


class TestPasskey:
    @pytest.fixture
    def person(self, person: Person) -> Person:
        """A person whose device keeps passkeys and knows the person's finger."""
        devtools = person.window.context.new_cdp_session(person.page)
        devtools.send("WebAuthn.enable")
        options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
        options |= {"isUserVerified": True, "automaticPresenceSimulation": True}
        devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        return person

    def test_it_is_added_signs_in_and_is_removed(self, person: Person) -> None:
        person.page.goto(f"{person.window.origin}/#/settings/security")
        person.fill("Name of the passkey", "Laptop")
        person.press("Add a passkey")
        person.confirm_by_password()
        expect(person.main.get_by_role("list", name="Passkeys").get_by_role("listitem")).to_have_count(1)
        person.sign_out()

        person.press("Sign in with a passkey")
        expect(person.quick_add).to_be_visible()
        person.open_settings("Security")
        person.press("Remove: Laptop")
        person.press("Remove", within=person.page.get_by_role("dialog"))
        person.press("Use a passkey", within=person.dialog("Confirm that it is you"))
        expect(person.main.get_by_text("With a passkey you sign in")).to_be_visible()
        # The sign-out has ended the device's session too: both had the same.
        assert sign_in(person.device.client, person.device.email).status_code == 200
        assert person.device.client.get("/api/v1/auth/passkeys").json() == []


class TestForgottenPassword:
    def test_a_link_by_mail_sets_another_one(self, visitor: Person, account: Account, site: Site) -> None:
        visitor.follow("Forgot your password?")
        visitor.fill("Email", account.email)
        visitor.press("Send link")
        visitor.hears("mail")

        link = site.mailbox.wait_for(account.email, "password").link
        visitor.page.goto(link)
        visitor.page.locator("input[type=password]").first.fill("another good password")
        visitor.page.get_by_role("button").first.click()
        visitor.window.open()
        visitor.sign_in(account.email, "another good password")
        expect(visitor.quick_add).to_be_visible()

    def test_an_unknown_email_is_told_the_same(self, visitor: Person) -> None:
        visitor.follow("Forgot your password?")
        visitor.fill("Email", new_email())
        visitor.press("Send link")

        visitor.hears("mail")


class TestDevices:
    def test_two_devices_have_their_own_sessions(self, person: Person, site: Site, open_window: Open) -> None:
        other = Person.visiting(open_window(site.url))
        other.sign_in(person.device.email)
        expect(other.quick_add).to_be_visible()
        other.sign_out()

        person.page.reload()
        expect(person.quick_add).to_be_visible()
