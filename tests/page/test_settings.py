"""A person changes the settings of the account."""

import json
import re
from io import BytesIO
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import expect

from tests.accounts import PASSWORD, WEBHOOKS, sign_in
from tests.authenticators import App
from tests.page.person import Person
from tests.page.sites import Site
from tests.page.windows import Open
from tests.surfaces.oauth import make_client

NEW_PASSWORD = "another good password"
TOKENS = "/api/v1/auth/tokens"


class TestProfile:
    def test_name_and_zone_are_saved(self, person: Person) -> None:
        person.open_settings("Profile")
        person.fill("Name", "Ada")
        person.choose("Time zone", "Asia/Tokyo")
        person.press("Save")
        person.hears("Saved")

        person.page.reload()
        expect(person.page.get_by_label("Name", exact=True)).to_have_value("Ada")
        me = person.device.client.get("/api/v1/auth/me").json()
        assert (me["name"], me["timezone"]) == ("Ada", "Asia/Tokyo")


class TestLanguage:
    def test_german_is_chosen_and_stays(self, person: Person) -> None:
        person.open_settings("Appearance")
        person.choose("Language", "Deutsch")

        expect(person.page.get_by_role("heading", name="Einstellungen")).to_be_visible()
        person.page.reload()
        expect(person.page.get_by_role("heading", name="Einstellungen")).to_be_visible()
        assert person.window.evaluate("() => document.documentElement.lang") == "de"

    def test_a_german_browser_begins_in_german(self, site: Site, open_window: Open) -> None:
        visitor = Person.visiting(open_window(site.url, locale="de-DE"))

        expect(visitor.page.get_by_role("button", name="Anmelden", exact=True)).to_be_visible()


class TestTheme:
    @pytest.mark.parametrize(("theme", "is_dark"), [("Light", False), ("Dark", True)])
    def test_the_choice_wins_over_the_system(self, person: Person, theme: str, *, is_dark: bool) -> None:
        person.page.emulate_media(color_scheme="light" if is_dark else "dark")
        person.open_settings("Appearance")
        person.page.get_by_role("radio", name=theme).check()

        assert person.is_dark() is is_dark
        person.page.reload()
        assert person.is_dark() is is_dark

    def test_it_follows_the_system(self, person: Person) -> None:
        person.page.emulate_media(color_scheme="dark")
        assert person.is_dark()
        person.page.emulate_media(color_scheme="light")
        assert not person.is_dark()


class TestPassword:
    def test_it_is_changed(self, person: Person, site: Site) -> None:
        person.open_settings("Security")
        person.fill("Current password", PASSWORD)
        person.fill("New password", NEW_PASSWORD)
        person.press("Change password")
        person.hears("changed")

        with site.account() as other:
            assert sign_in(other.client, person.device.email, NEW_PASSWORD).status_code == 200

    def test_a_wrong_current_one_is_told(self, person: Person) -> None:
        person.open_settings("Security")
        person.fill("Current password", "not the password")
        person.fill("New password", NEW_PASSWORD)
        person.press("Change password")

        expect(person.main).to_contain_text(re.compile("not the account’s password", re.IGNORECASE))


def read_qr_code(png: bytes) -> str:
    """Returns the text of the only code in a picture, as the camera of a phone reads it."""
    with Image.open(BytesIO(png)) as picture:
        [code] = zxingcpp.read_barcodes(picture)
    return str(code.text)


class TestSecondFactor:
    def test_an_app_is_set_up_and_removed(self, person: Person) -> None:
        person.open_settings("Security")
        person.press("Set up")
        person.confirm_by_password()
        secret = person.main.get_by_role("code").inner_text().replace(" ", "")
        picture = person.main.get_by_role("img", name="QR code for the authenticator app")
        assert read_qr_code(picture.screenshot()) == person.main.get_by_role("link", name="Open the app").get_attribute(
            "href"
        )
        person.fill("Code", App(secret).next_code())
        person.press("Confirm")

        codes = person.read_secret().split()
        assert len(codes) == 10
        assert person.device.client.get("/api/v1/auth/second-factor").json()["totp"]


class TestSessions:
    def test_another_one_is_ended(self, person: Person, site: Site, open_window: Open) -> None:
        other = Person.visiting(open_window(site.url))
        other.sign_in(person.device.email)
        expect(other.quick_add).to_be_visible()
        person.open_settings("Sessions")
        person.press("End: Chrome, Linux")
        expect(person.main.get_by_role("list", name="Sessions").get_by_role("listitem")).to_have_count(1)
        other.page.reload()

        expect(other.page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()


class TestTokens:
    def test_one_is_made_shown_once_and_revoked(self, person: Person) -> None:
        person.open_settings("API tokens")
        person.fill("Name", "Backup script")
        person.press("Create token")
        token = person.read_secret()
        assert re.fullmatch("todo_pat_[A-Za-z0-9]{40}", token)
        person.page.reload()
        expect(person.page.get_by_text(token)).to_have_count(0)

        person.press("Revoke: Backup script")
        person.press("Revoke", within=person.page.get_by_role("dialog"))
        expect(person.main.get_by_text("You have no tokens.")).to_be_visible()
        assert person.device.client.get(TOKENS).json() == []

    def test_one_may_let_assistants_delete_without_asking(self, person: Person) -> None:
        person.open_settings("API tokens")
        person.fill("Name", "Careful")
        person.press("Create token")
        person.read_secret()
        person.fill("Name", "Bold")
        person.page.get_by_label("may delete todos").check()
        person.press("Create token")

        expect(person.main.get_by_role("listitem").filter(has_text="Bold")).to_contain_text("may delete without asking")
        expect(person.main.get_by_role("listitem").filter(has_text="Careful")).not_to_contain_text("without asking")
        allowed = {token["name"]: token["may_delete_unasked"] for token in person.device.client.get(TOKENS).json()}
        assert allowed == {"Careful": False, "Bold": True}


class TestConnections:
    def test_an_app_that_was_let_in_is_disconnected(self, person: Person) -> None:
        planner = make_client(person.device.client, client_name="Planner")
        resource = f"{person.window.origin}/mcp"
        tokens = planner.connect(person.device, resource=resource)
        person.open_settings("Connected apps")
        expect(person.main.get_by_role("listitem").filter(has_text="Planner")).to_contain_text("todos:read")

        person.press("Disconnect: Planner")
        person.press("Disconnect", within=person.page.get_by_role("dialog"))
        expect(person.main.get_by_text("No app is connected.")).to_be_visible()
        assert person.device.client.get("/api/v1/auth/connections").json() == []
        assert planner.post_refresh(tokens["refresh_token"], resource=resource).status_code == 400


class TestWebhooks:
    def test_one_is_made_and_switched_off(self, person: Person) -> None:
        person.open_settings("Webhooks")
        person.fill("URL", "https://example.com/hook")
        person.press("Create webhook")
        assert person.read_secret().startswith("whsec_")
        person.main.get_by_role("button", name=re.compile("^Switch off")).click()
        expect(person.main.get_by_role("button", name=re.compile("^Switch on"))).to_be_visible()

        [webhook] = person.device.client.get(WEBHOOKS).json()
        assert webhook["enabled"] is False

    def test_a_private_address_is_refused_with_the_reason(self, person: Person) -> None:
        person.open_settings("Webhooks")
        person.fill("URL", "https://127.0.0.1/hook")
        person.press("Create webhook")

        expect(person.page.get_by_label("URL", exact=True)).to_have_attribute("aria-invalid", "true")


class TestReminders:
    def test_channels_and_quiet_hours_are_saved(self, person: Person) -> None:
        person.open_settings("Reminders")
        person.page.get_by_role("checkbox", name="Mail").check()
        person.fill("Quiet from", "22:00")
        person.fill("Quiet to", "07:00")
        person.press("Save")
        person.hears("Saved")

        channels = person.device.client.get("/api/v1/reminders/channels").json()
        assert channels["mail"] is True
        assert channels["quiet_hours"] == {"start": "22:00", "end": "07:00"}


class TestUsage:
    def test_each_quota_is_shown_with_its_limit(self, person: Person) -> None:
        person.device.add("Buy milk")
        person.open_settings("Usage")

        expect(person.main).to_contain_text(re.compile("1 of 50,000"))


class TestExport:
    def test_all_data_is_downloaded(self, person: Person, tmp_path: Path) -> None:
        person.device.add("Buy milk")
        person.open_settings("Your data")
        with person.page.expect_download() as download:
            person.page.get_by_role("link", name=re.compile("Download")).click()
        download.value.save_as(tmp_path / "todos.json")

        exported = json.loads((tmp_path / "todos.json").read_text())
        assert "Buy milk" in json.dumps(exported)


class TestClosing:
    def test_the_account_is_closed_with_the_password(self, person: Person, site: Site) -> None:
        person.add("Buy milk")
        person.open_settings("Your data")
        person.fill("Password", PASSWORD)
        person.press("Close account")

        expect(person.page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
        with site.account() as other:
            assert sign_in(other.client, person.device.email).status_code == 401
