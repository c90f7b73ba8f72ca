"""The page stays readable and writable without a network, and loses or doubles nothing when it comes back."""

from collections import Counter
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.accounts import TODOS, Account
from tests.page.person import Person
from tests.page.sites import Site
from tests.page.windows import Open
from tests.page.wire import Wire, wired

ADDED_TODOS = 18


@pytest.fixture
def wire(site: Site) -> Iterator[Wire]:
    with wired(site.url) as wire:
        yield wire


@pytest.fixture
def person(wire: Wire, account: Account, open_window: Open) -> Person:
    """A person whose network runs through the wire, and whose browser has kept the files of the page."""
    person = Person.signed_in(open_window(wire.url), account)
    person.wait_for_worker()
    return person


def unplug(person: Person, wire: Wire) -> None:
    """Takes the network away. Chromium is told too, but would let its service worker through alone."""
    wire.cut()
    person.window.context.set_offline(offline=True)


def plug_in(person: Person, wire: Wire) -> None:
    wire.mend()
    person.window.context.set_offline(offline=False)


class TestOffline:
    def test_what_was_loaded_stays_readable_after_a_reload(self, person: Person, wire: Wire) -> None:
        person.add("Buy milk")
        unplug(person, wire)
        person.page.reload()

        person.sees("Buy milk")
        person.hears("Offline")

    def test_writes_wait_and_are_sent(self, person: Person, wire: Wire) -> None:
        todo = person.device.add("Call mum")
        person.sees("Call mum")
        unplug(person, wire)
        person.add("Buy milk")
        person.complete("Call mum")
        assert person.stored_todo("Call mum")["id"] == todo["id"]
        plug_in(person, wire)

        person.eventually(lambda: [each["title"] for each in person.stored(completed=False)] == ["Buy milk"])
        assert person.stored_todo("Call mum")["completed"]

    def test_writes_survive_a_reload(self, person: Person, wire: Wire) -> None:
        unplug(person, wire)
        person.add("Buy milk")
        person.page.reload()
        person.sees("Buy milk")
        assert person.stored() == []
        plug_in(person, wire)

        person.eventually(lambda: [todo["title"] for todo in person.stored()] == ["Buy milk"])


class TestConflict:
    def test_both_texts_are_shown_and_one_is_chosen(self, person: Person, wire: Wire) -> None:
        self._conflict(person, wire)
        dialog = person.decide()
        expect(dialog).to_contain_text("Buy bread")
        expect(dialog).to_contain_text("Buy rice")
        person.press("Keep mine", within=dialog)

        person.sees("Buy bread")
        person.eventually(lambda: [todo["title"] for todo in person.stored()] == ["Buy bread"])

    def test_the_other_text_may_stay(self, person: Person, wire: Wire) -> None:
        self._conflict(person, wire)
        person.press("Keep theirs", within=person.decide())

        person.sees("Buy rice")
        person.sees_no("Buy bread")
        assert [todo["title"] for todo in person.stored()] == ["Buy rice"]

    def test_a_todo_that_was_deleted_elsewhere_is_told(self, person: Person, wire: Wire) -> None:
        person.add("Buy milk")
        person.eventually(lambda: len(person.stored()) == 1)
        todo = person.stored_todo("Buy milk")
        unplug(person, wire)
        person.rename("Buy milk", "Buy bread")
        person.device.delete(f"{TODOS}/{todo['id']}")
        plug_in(person, wire)

        expect(person.decide()).to_contain_text("Buy bread")

    def _conflict(self, person: Person, wire: Wire) -> None:
        """Changes one title here without a network, and meanwhile on another device."""
        person.add("Buy milk")
        person.eventually(lambda: len(person.stored()) == 1)
        todo = person.stored_todo("Buy milk")
        unplug(person, wire)
        person.rename("Buy milk", "Buy bread")
        person.device.client.patch(f"{TODOS}/{todo['id']}", json={"title": "Buy rice"}).raise_for_status()
        plug_in(person, wire)


class TestCutNetwork:
    def test_answers_are_lost_on_the_way(self, person: Person, wire: Wire) -> None:
        wire.lose_answers(5, f"POST {TODOS}")
        titles = [f"Task {number}" for number in range(ADDED_TODOS)]
        for title in titles:
            person.quick_add.fill(title)
            person.quick_add.press("Enter")

        person.eventually(lambda: len(person.stored()) >= ADDED_TODOS)
        assert wire.lost == 5
        self._check(person, titles)

    def test_the_network_breaks_and_comes_back(self, person: Person, wire: Wire) -> None:
        titles = [f"Task {number}" for number in range(ADDED_TODOS)]
        for number, title in enumerate(titles):
            if number == ADDED_TODOS // 3:
                wire.cut()
            person.quick_add.fill(title)
            person.quick_add.press("Enter")
        person.sees(titles[-1])
        assert len(person.stored()) < ADDED_TODOS
        wire.mend()

        person.eventually(lambda: len(person.stored()) >= ADDED_TODOS)
        self._check(person, titles)

    def test_completions_and_edits_happen_once(self, person: Person, wire: Wire) -> None:
        for number in range(4):
            person.device.add(f"Task {number}", due_date="2027-01-01", recurrence="FREQ=DAILY")
        person.sees("Task 3")
        wire.lose_answers(3, f"PATCH {TODOS}")
        for number in range(4):
            person.complete(f"Task {number}")

        person.eventually(lambda: all(todo["due_date"] == "2027-01-02" for todo in person.stored()))
        person.page.wait_for_timeout(1500)
        assert {todo["due_date"] for todo in person.stored()} == {"2027-01-02"}

    def _check(self, person: Person, titles: list[str]) -> None:
        """Asserts that the service and the page have each todo once."""
        person.page.wait_for_timeout(1500)
        assert Counter(todo["title"] for todo in person.stored()) == Counter(titles)
        person.page.reload()
        person.sees(titles[0])
        assert Counter(person.titles()) == Counter(titles)
