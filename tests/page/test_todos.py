"""A person works with the list: adds, completes, edits, orders, deletes, restores and takes back."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Route, expect

from tests.accounts import TODOS
from tests.page.person import Person


class TestQuickAdd:
    def test_it_shows_what_it_understands_while_one_types(self, person: Person) -> None:
        person.quick_add.press_sequentially("Call mum tomorrow 5pm #family !high", delay=20)
        understood = person.page.get_by_label("Understood", exact=True)

        for part in ("Tomorrow 17:00", "#family", "High"):
            expect(understood).to_contain_text(part)
        assert person.stored() == []

    def test_enter_adds_what_it_understood(self, person: Person) -> None:
        person.add("Call mum tomorrow 5pm #family !high", title="Call mum")

        expect(person.row("Call mum")).to_contain_text("family")
        expect(person.row("Call mum")).to_contain_text(re.compile("tomorrow", re.IGNORECASE))
        expect(person.quick_add).to_have_value("")
        expect(person.quick_add).to_be_focused()
        todo = person.stored_todo("Call mum")
        assert (todo["tags"], todo["priority"]) == (["family"], "high")
        assert todo["due_at"]

    def test_the_todo_is_there_before_the_service_answers(self, person: Person) -> None:
        person.wait_for_worker()
        person.window.context.set_offline(offline=True)
        person.add("Buy milk")

    def test_texts_that_are_entered_before_the_answers_are_all_understood(self, person: Person) -> None:
        held: list[Route] = []
        person.page.route("**/quick-add", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks the function
        for text in ("Buy milk #shop", "Call mum #family"):
            person.quick_add.fill(text)
            person.quick_add.press("Enter")
        person.eventually(lambda: len(held) == 2)
        person.page.wait_for_timeout(2500)
        for route in reversed(held):
            route.continue_()

        person.sees("Buy milk", "Call mum")
        assert person.titles() == ["Buy milk", "Call mum"]
        expect(person.row("Buy milk")).to_contain_text("shop")
        expect(person.row("Call mum")).to_contain_text("family")

    def test_several_in_a_row_stay_in_order(self, person: Person) -> None:
        titles = [f"Task {number}" for number in range(1, 6)]
        for title in titles:
            person.quick_add.fill(title)
            person.quick_add.press("Enter")
        person.sees(*titles)

        assert person.titles() == titles
        person.page.reload()
        person.sees(*titles)
        assert person.titles() == titles


class TestComplete:
    def test_a_completed_todo_leaves_the_list_and_undo_brings_it_back(self, person: Person) -> None:
        person.add("Buy milk")
        person.complete("Buy milk")
        person.sees_no("Buy milk")
        person.eventually(lambda: person.versions() == {"Buy milk": 2})
        person.undo()

        person.sees("Buy milk")
        expect(person.box("Buy milk")).not_to_be_checked()
        person.eventually(lambda: person.versions() == {"Buy milk": 3})

    def test_completed_todos_are_shown_on_demand(self, person: Person) -> None:
        person.add("Buy milk")
        person.complete("Buy milk")
        person.sees_no("Buy milk")
        person.show_completed()

        expect(person.box("Buy milk")).to_be_checked()
        person.box("Buy milk").click()
        expect(person.box("Buy milk")).not_to_be_checked()

    def test_a_recurring_todo_moves_to_its_next_day(self, person: Person) -> None:
        person.add("Water the plants every day", title="Water the plants")
        expect(person.row("Water the plants")).to_contain_text("every day", ignore_case=True)
        before = person.stored_todo("Water the plants")
        person.complete("Water the plants")

        person.sees("Water the plants")
        person.eventually(lambda: person.stored_todo("Water the plants")["version"] > before["version"])
        after = person.stored_todo("Water the plants")
        assert not after["completed"]
        assert after["due_date"] > before["due_date"]


class TestEdit:
    def test_all_fields_in_place(self, person: Person) -> None:
        project = person.device.add_project("Garden")
        person.add("Buy milk")
        expect(person.lists.get_by_role("link", name="Garden")).to_be_visible()
        editor = person.edit("Buy milk")
        tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
        person.fill("Title", "Buy seeds", within=editor)
        person.fill("Description", "Beans\nand peas", within=editor)
        person.choose("Priority", "High", within=editor)
        person.choose("Project", "Garden", within=editor)
        person.fill("Tags", "spring, shop", within=editor)
        person.fill("Due", tomorrow, within=editor)
        person.press("Save", within=editor)

        person.sees("Buy seeds")
        person.eventually(lambda: "Buy seeds" in person.versions())
        todo = person.stored_todo("Buy seeds")
        assert (todo["description"], todo["priority"]) == ("Beans\nand peas", "high")
        assert (set(todo["tags"]), todo["project_id"]) == ({"spring", "shop"}, project["id"])
        assert todo["due_date"] == tomorrow

    def test_escape_leaves_the_todo_and_gives_the_focus_back(self, person: Person) -> None:
        person.add("Buy milk")
        editor = person.edit("Buy milk")
        person.fill("Title", "Something else", within=editor)
        editor.get_by_label("Title", exact=True).press("Escape")

        person.sees("Buy milk")
        expect(person.page.get_by_role("button", name="Edit Buy milk", exact=True)).to_be_focused()
        assert person.stored_todo("Buy milk")["version"] == 1

    def test_undo_puts_the_old_text_back(self, person: Person) -> None:
        person.add("Buy milk")
        person.rename("Buy milk", "Buy bread")
        person.sees("Buy bread")
        person.undo()

        person.sees("Buy milk")
        person.eventually(lambda: person.versions() == {"Buy milk": 3})

    def test_a_recurrence_is_told_in_words(self, person: Person) -> None:
        person.device.add("Pay rent", due_date="2027-01-01", recurrence="FREQ=MONTHLY;BYMONTHDAY=1")
        person.device.add("Standup", due_date="2027-01-04", recurrence="FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE")

        expect(person.row("Pay rent")).to_contain_text(re.compile("month", re.IGNORECASE))
        expect(person.row("Standup")).to_contain_text(re.compile("2 weeks.*Monday.*Wednesday", re.IGNORECASE))

    def test_times_are_those_of_the_users_zone(self, person: Person) -> None:
        tomorrow = (datetime.now(UTC) + timedelta(days=1)).date()
        person.device.client.patch("/api/v1/auth/me", json={"timezone": "Asia/Tokyo"}).raise_for_status()
        person.device.add("Call Kyoto", due_at=f"{tomorrow}T03:30:00Z")
        person.page.reload()

        expect(person.row("Call Kyoto")).to_contain_text(re.compile("12:30"))


class TestOrder:
    @pytest.fixture
    def person(self, person: Person) -> Person:
        for title in ("One", "Two", "Three"):
            person.device.add(title)
        person.sees("One", "Two", "Three")
        return person

    def test_keys_move_a_todo(self, person: Person) -> None:
        person.box("Three").focus()
        person.page.keyboard.press("Alt+ArrowUp")
        person.eventually(lambda: person.titles() == ["One", "Three", "Two"])

        assert person.has_focus_in("Three")
        person.eventually(lambda: [todo["title"] for todo in person.stored(sort="order")] == ["One", "Three", "Two"])

    def test_the_menu_moves_a_todo(self, person: Person) -> None:
        person.choose_for("One", "Move down")

        person.eventually(lambda: person.titles() == ["Two", "One", "Three"])
        person.eventually(lambda: [todo["title"] for todo in person.stored(sort="order")] == ["Two", "One", "Three"])

    def test_a_todo_is_dragged(self, person: Person) -> None:
        person.drag("Three", above="One")

        person.eventually(lambda: person.titles() == ["Three", "One", "Two"])
        person.eventually(lambda: [todo["title"] for todo in person.stored(sort="order")] == ["Three", "One", "Two"])

    def test_undo_moves_it_back(self, person: Person) -> None:
        person.choose_for("One", "Move down")
        person.eventually(lambda: person.titles() == ["Two", "One", "Three"])
        person.undo()

        person.eventually(lambda: person.titles() == ["One", "Two", "Three"])


class TestSubtodos:
    def test_they_are_added_below_their_parent(self, person: Person) -> None:
        person.add("Plan trip")
        person.choose_for("Plan trip", "Add subtodo")
        person.page.get_by_label("Add a subtodo", exact=True).fill("Book hotel")
        person.page.keyboard.press("Enter")
        person.press("Cancel")

        person.sees("Book hotel")
        person.eventually(lambda: len(person.stored()) == 2)
        assert person.stored_todo("Book hotel")["parent_id"] == person.stored_todo("Plan trip")["id"]

    def test_a_parent_is_folded(self, person: Person) -> None:
        parent = person.device.add("Plan trip")
        person.device.add("Book hotel", parent_id=parent["id"])
        person.sees("Book hotel")
        person.press("Subtodos of Plan trip")
        person.sees_no("Book hotel")

        person.press("Subtodos of Plan trip")
        person.sees("Book hotel")


class TestTrash:
    def test_a_deleted_todo_is_restored(self, person: Person) -> None:
        person.add("Buy milk")
        person.choose_for("Buy milk", "Delete")
        person.sees_no("Buy milk")
        person.go_to("Trash")
        person.press("Restore Buy milk")
        person.go_to("All todos")

        person.sees("Buy milk")
        assert person.stored_todo("Buy milk")["deleted_at"] is None

    def test_undo_brings_it_back_with_its_subtodos(self, person: Person) -> None:
        parent = person.device.add("Plan trip")
        person.device.add("Book hotel", parent_id=parent["id"])
        person.sees("Plan trip", "Book hotel")
        person.choose_for("Plan trip", "Delete")
        person.sees_no("Plan trip", "Book hotel")
        person.undo()

        person.sees("Plan trip", "Book hotel")
        person.eventually(lambda: len(person.stored()) == 2)


class TestUndoOfOthers:
    def test_a_change_of_another_device_is_not_taken_back(self, person: Person) -> None:
        person.add("Buy milk")
        person.rename("Buy milk", "Buy bread")
        person.sees("Buy bread")
        person.eventually(lambda: person.versions() == {"Buy bread": 2})
        todo = person.stored_todo("Buy bread")
        person.device.client.patch(f"{TODOS}/{todo['id']}", json={"title": "Buy rice"}).raise_for_status()
        person.sees("Buy rice")
        person.undo()

        person.hears("could not be saved")
        assert person.stored_todo("Buy rice")["title"] == "Buy rice"
