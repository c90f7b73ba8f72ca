"""A day's work on a phone, on a small phone, and on a screen at 200% zoom."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.page.person import Person
from tests.page.sites import Site
from tests.page.windows import Open

SCREENS: dict[str, dict[str, object]] = {
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
    "small phone": {"viewport": {"width": 320, "height": 568}, "has_touch": True, "is_mobile": True},
    # A window of 1280 by 800 has half of these pixels of CSS at 200%.
    "zoom of 200%": {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2},
}


@pytest.fixture(params=SCREENS)
def person(request: pytest.FixtureRequest, container: Site, open_window: Open) -> Iterator[Person]:
    with container.account(timezone="Europe/Berlin") as account:
        yield Person.signed_in(open_window(container.url, **SCREENS[request.param]), account)


def fits(person: Person) -> bool:
    return bool(person.window.evaluate("() => document.documentElement.scrollWidth <= innerWidth"))


def test_a_days_work(person: Person) -> None:
    person.add("Buy milk tomorrow #shop", title="Buy milk")
    person.add("Call mum")
    assert fits(person)
    person.rename("Buy milk", "Buy oat milk and a very long list of other things that do not fit into one line")
    assert fits(person)
    person.complete("Call mum")
    person.sees_no("Call mum")
    person.undo()
    person.sees("Call mum")
    person.choose_for("Call mum", "Delete")
    person.go_to("Trash")
    person.press("Restore Call mum")
    person.go_to("All todos")
    person.sees("Call mum")
    assert fits(person)


def test_the_assistant_and_the_settings_are_reached(person: Person) -> None:
    person.open_assistant()
    assert fits(person)
    person.press("Close", within=person.assistant)
    person.open_settings("Security")
    assert fits(person)
    person.go_to("All todos")
    expect(person.quick_add).to_be_visible()
