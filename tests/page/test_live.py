"""Changes of other tabs and devices appear by themselves."""

from playwright.sync_api import expect

from tests.accounts import TODOS
from tests.page.person import Person


class TestTabs:
    def test_a_new_todo_is_in_the_other_tab(self, person: Person) -> None:
        other = person.another_tab()
        person.add("Buy milk")
        other.sees("Buy milk")
        other.complete("Buy milk")

        person.sees_no("Buy milk")

    def test_sign_out_signs_all_tabs_out(self, person: Person) -> None:
        other = person.another_tab()
        expect(other.quick_add).to_be_visible()
        person.sign_out()

        expect(other.page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()


class TestDevices:
    def test_changes_of_another_device_arrive(self, person: Person) -> None:
        todo = person.device.add("Buy milk")
        person.sees("Buy milk")
        person.device.client.patch(f"{TODOS}/{todo['id']}", json={"title": "Buy bread"}).raise_for_status()
        person.sees("Buy bread")
        person.device.delete(f"{TODOS}/{todo['id']}")

        person.sees_no("Buy bread")

    def test_a_new_project_arrives(self, person: Person) -> None:
        person.device.add_project("Garden")

        expect(person.lists.get_by_role("link", name="Garden")).to_be_visible()

    def test_the_focus_stays_where_the_person_writes(self, person: Person) -> None:
        person.add("Buy milk")
        editor = person.edit("Buy milk")
        title = editor.get_by_label("Title", exact=True)
        title.fill("Buy milk and")
        person.device.add("From the phone")
        person.sees("From the phone")

        expect(title).to_be_focused()
        expect(title).to_have_value("Buy milk and")

    def test_what_a_person_writes_stays_when_another_device_deletes_the_todo(self, person: Person) -> None:
        todo = person.device.add("Buy milk")
        person.device.add("Call mum")
        person.sees("Buy milk", "Call mum")
        editor = person.edit("Buy milk")
        title = editor.get_by_label("Title", exact=True)
        title.fill("Buy oat milk")
        person.device.delete(f"{TODOS}/{todo['id']}")

        expect(editor.get_by_role("alert")).to_contain_text("deleted elsewhere")
        expect(title).to_be_focused()
        expect(title).to_have_value("Buy oat milk")
        person.press("Save", within=editor)
        person.sees("Buy oat milk", "Call mum")
        person.eventually(lambda: "Buy oat milk" in person.versions())

    def test_the_editor_of_a_todo_that_another_device_deletes_can_be_left(self, person: Person) -> None:
        todo = person.device.add("Buy milk")
        person.device.add("Call mum")
        person.sees("Buy milk", "Call mum")
        editor = person.edit("Buy milk")
        person.device.delete(f"{TODOS}/{todo['id']}")
        expect(editor.get_by_role("alert")).to_contain_text("deleted elsewhere")
        editor.get_by_label("Title", exact=True).press("Escape")

        expect(editor).to_have_count(0)
        person.sees_no("Buy milk")
        expect(person.page.get_by_role("button", name="Edit Call mum", exact=True)).to_be_focused()
