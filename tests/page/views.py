"""All views of the page, each with the way to it, for tests that look at every view."""

from collections.abc import Callable
from typing import Final

from playwright.sync_api import expect

from tests.accounts import Account
from tests.page.person import Person

SETTINGS: Final = (
    *("profile", "look", "security", "sessions", "reminders"),
    *("tokens", "connections", "webhooks", "usage", "close"),
)


def _list(name: str) -> Callable[[Person], None]:
    def show(person: Person) -> None:
        person.window.open(f"#/{name}")
        person.wait_for_rest()

    return show


def _section(name: str) -> Callable[[Person], None]:
    def show(person: Person) -> None:
        person.window.open(f"#/settings/{name}")
        expect(person.main.get_by_role("heading", level=2)).to_be_visible()
        person.wait_for_rest()

    return show


def _project(person: Person) -> None:
    [project, *_] = person.device.client.get("/api/v1/projects").json()
    _list(f"project/{project['id']}")(person)


def _assistant(person: Person) -> None:
    _list("all")(person)
    person.open_assistant()
    person.wait_for_rest()


def _keys(person: Person) -> None:
    _list("all")(person)
    person.page.keyboard.press("?")
    expect(person.page.get_by_role("dialog")).to_be_visible()


def _editor(person: Person) -> None:
    _list("all")(person)
    person.page.get_by_role("button", name="Edit ").first.click()
    expect(person.page.get_by_role("form").first).to_be_visible()


def _menu(person: Person) -> None:
    _list("all")(person)
    person.todos.get_by_role("button", name="More for ").first.click()
    expect(person.page.get_by_role("menuitem").first).to_be_visible()


def _quick_add(person: Person) -> None:
    _list("all")(person)
    person.quick_add.fill("Call mum tomorrow 5pm #family !high every week")
    expect(person.page.get_by_label("Understood", exact=True)).to_contain_text("#family")


def _search(person: Person) -> None:
    _list("all")(person)
    person.search("zebra")
    person.wait_for_rest()


VIEWS: Final[dict[str, Callable[[Person], None]]] = {
    "all": _list("all"),
    "today": _list("today"),
    "trash": _list("trash"),
    "project": _project,
    "search without result": _search,
    "quick add": _quick_add,
    "editor": _editor,
    "menu": _menu,
    "assistant": _assistant,
    "keys": _keys,
    **{f"settings {name}": _section(name) for name in SETTINGS},
}
"""The views of a person who is signed in."""

DOORS: Final = ("sign-in", "sign-up", "forgot")
"""The views of a visitor, which are their fragments too."""


def furnish(account: Account) -> None:
    """Gives the account one of each thing that a view shows."""
    project = account.add_project("Garden")
    account.add("Sow beans", project_id=project["id"], tags=["spring"], priority="high", due_date="2026-01-01")
    parent = account.add("Plan trip", description="To the sea, by train.\nTwo weeks.")
    account.add("Book hotel", parent_id=parent["id"], due_at="2027-05-01T07:30:00Z")
    account.add("Pay rent", due_date="2027-01-01", recurrence="FREQ=MONTHLY;BYMONTHDAY=1", priority="medium")
    account.add("Read", priority="low", reminder_at="2027-01-01T08:00:00Z")
    deleted = account.add("Old idea")
    account.delete(f"/api/v1/todos/{deleted['id']}")
    done = account.add("Buy milk")
    account.client.patch(f"/api/v1/todos/{done['id']}", json={"completed": True}).raise_for_status()
    account.client.post("/api/v1/webhooks", json={"url": "https://example.com/hook"}).raise_for_status()
    token = {"name": "Backup script", "scopes": ["todos:read"]}
    account.client.post("/api/v1/auth/tokens", json=token).raise_for_status()
