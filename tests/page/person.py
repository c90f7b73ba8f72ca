"""A person at the page, who finds everything by its role and name, as a screen reader announces it."""

import inspect
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Self

from playwright.sync_api import Locator, Page, expect

from tests.accounts import PASSWORD, Account
from tests.page.windows import Window
from tests.room import ROOM_SECONDS

_RELOADS: Final = 20
_WORKER_MILLISECONDS: Final = 500
_SCROLLED: Final = "() => (document.querySelector('[data-scroller]') ?? document.scrollingElement).scrollTop"
_COUNT_COPY: Final = """async () => {
    const [{ name }] = await indexedDB.databases();
    const result = (request) => new Promise((done, fail) => {
        request.onsuccess = () => done(request.result);
        request.onerror = () => fail(request.error);
    });
    const copy = await result(indexedDB.open(name));
    const count = await result(copy.transaction("objects").objectStore("objects").count());
    copy.close();
    return count;
}"""

_END_OF_MOTION: Final = "() => Promise.allSettled(document.getAnimations().map(({ finished }) => finished))"


@dataclass
class Person:
    """A person with one tab. `account` is another device of the same user, which calls the API."""

    window: Window
    account: Account | None = None

    @property
    def page(self) -> Page:
        return self.window.page

    @property
    def device(self) -> Account:
        assert self.account is not None
        return self.account

    @classmethod
    def visiting(cls, window: Window) -> Self:
        window.open()
        return cls(window)

    @classmethod
    def signed_in(cls, window: Window, account: Account, fragment: str = "") -> Self:
        """Gives the window the session cookie of the account, and opens the page."""
        cookie = {"name": "session_token", "value": account.token, "url": window.origin, "httpOnly": True}
        window.context.add_cookies([{**cookie, "sameSite": "Lax"}])
        window.open(fragment)
        person = cls(window, account)
        expect(person.quick_add).to_be_visible()
        return person

    def another_tab(self) -> "Person":
        other = Person(self.window.another_tab(), self.account)
        other.window.open()
        return other

    def sign_in(self, email: str, password: str = PASSWORD) -> None:
        self.fill("Email", email)
        self.fill("Password", password)
        self.press("Sign in")

    def sign_out(self) -> None:
        self.show_lists()
        self.press("Sign out", within=self.lists)
        expect(self.page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()

    # Parts of the page

    @property
    def lists(self) -> Locator:
        return self.page.get_by_role("navigation", name="Lists")

    @property
    def main(self) -> Locator:
        return self.page.get_by_role("main")

    @property
    def todos(self) -> Locator:
        return self.page.get_by_role("list", name="Todos")

    @property
    def quick_add(self) -> Locator:
        return self.page.get_by_role("textbox", name="Add a todo")

    @property
    def assistant(self) -> Locator:
        return self.page.get_by_role("complementary", name="Assistant")

    @property
    def heading(self) -> Locator:
        return self.page.get_by_role("heading", level=1)

    @property
    def alert(self) -> Locator:
        return self.page.get_by_role("alert")

    def dialog(self, name: str) -> Locator:
        return self.page.get_by_role("dialog", name=name)

    def box(self, title: str) -> Locator:
        """The checkbox of a todo, whose name is the title."""
        return self.todos.get_by_role("checkbox", name=title, exact=True)

    def row(self, title: str) -> Locator:
        return self.todos.get_by_role("listitem").filter(has=self.page.get_by_role("checkbox", name=title, exact=True))

    def titles(self) -> list[str]:
        """The titles of the rows in their order."""
        boxes = self.todos.get_by_role("checkbox").all()
        return [
            str(box.evaluate("(box) => box.getAttribute('aria-label') ?? box.labels[0].innerText")) for box in boxes
        ]

    # Actions

    def fill(self, name: str, value: str, *, within: Locator | None = None) -> None:
        (within or self.page).get_by_label(name, exact=True).fill(value)

    def choose(self, name: str, option: str, *, within: Locator | None = None) -> None:
        (within or self.page).get_by_role("combobox", name=name, exact=True).select_option(label=option)

    def press(self, name: str, *, within: Locator | None = None) -> None:
        """Clicks a button."""
        (within or self.page).get_by_role("button", name=name, exact=True).click()

    def follow(self, name: str, *, within: Locator | None = None) -> None:
        """Clicks a link."""
        (within or self.page).get_by_role("link", name=name, exact=True).click()

    def show_lists(self) -> None:
        """Opens the menu that holds the lists on a small screen."""
        # A menu that slides away is still visible.
        self.window.evaluate(_END_OF_MOTION)
        if not self.lists.is_visible():
            self.press("Menu")
            expect(self.lists).to_be_visible()

    def go_to(self, name: str) -> None:
        """Opens one of the lists."""
        self.show_lists()
        self.lists.get_by_role("link", name=name).click()
        expect(self.heading).to_have_text(name)

    def add(self, text: str, title: str | None = None) -> None:
        """Adds a todo by quick add, and waits until the list has it."""
        self.quick_add.fill(text)
        self.quick_add.press("Enter")
        expect(self.box(title or text)).to_be_visible()

    def complete(self, title: str) -> None:
        self.box(title).click()

    def edit(self, title: str) -> Locator:
        """Opens the editor of a todo. Returns it."""
        self.press(f"Edit {title}")
        editor = self.page.get_by_role("form", name=f"Edit {title}")
        expect(editor).to_be_visible()
        return editor

    def filter_by(self, name: str, option: str) -> None:
        self.show_filters()
        self.choose(name, option)

    def decide(self) -> Locator:
        """Opens the dialog about a change that met another one. Returns it."""
        self.press("Decide")
        return self.dialog("Changed elsewhere")

    def choose_for(self, title: str, action: str) -> None:
        """Chooses an action in the menu of a todo."""
        self.press(f"More for {title}")
        self.page.get_by_role("menuitem", name=action, exact=True).click()

    def rename(self, title: str, new: str) -> None:
        """Edits the title in place."""
        editor = self.edit(title)
        self.fill("Title", new, within=editor)
        self.press("Save", within=editor)

    def show_filters(self) -> None:
        filters = self.page.get_by_role("button", name="Filters", exact=True)
        if filters.get_attribute("aria-expanded") == "false":
            filters.click()

    def show_completed(self) -> None:
        self.show_filters()
        self.page.get_by_role("checkbox", name="Show completed").check()

    def search(self, text: str) -> None:
        self.page.get_by_role("searchbox", name="Search").fill(text)

    def open_settings(self, section: str) -> None:
        self.show_lists()
        self.follow("Settings", within=self.lists)
        self.follow(section, within=self.page.get_by_role("navigation", name="Settings"))
        expect(self.page.get_by_role("heading", name=section, level=2)).to_be_visible()
        self.wait_for_rest()

    def confirm_by_password(self) -> None:
        """Fills the dialog that asks for the password before second factors change."""
        dialog = self.page.get_by_role("dialog")
        self.fill("Password", PASSWORD, within=dialog)
        self.press("Confirm", within=dialog)
        expect(dialog).to_have_count(0)

    def read_secret(self) -> str:
        """Returns the secret that the settings show once."""
        expect(self.main.get_by_role("status").filter(has_text="It is not shown again")).to_be_visible()
        secret = self.main.locator(":focus")
        expect(secret).to_have_text(re.compile("."))
        return str(secret.inner_text())

    def open_assistant(self) -> None:
        if not self.assistant.is_visible():
            self.press("Assistant")
        expect(self.assistant.get_by_role("textbox", name="Message")).to_be_visible()

    def ask(self, message: str) -> None:
        """Sends a message to the assistant."""
        self.open_assistant()
        self.fill("Message", message, within=self.assistant)
        self.press("Send", within=self.assistant)

    def scroll_list(self) -> None:
        """Scrolls the list by most of a screen, and waits until its rows are drawn."""
        self.todos.hover()
        before = self.window.evaluate(_SCROLLED)
        self.page.mouse.wheel(0, 400)
        self.page.wait_for_timeout(50)
        if self.window.evaluate(_SCROLLED) == before:
            self.page.wait_for_timeout(500)  # a busy machine scrolls later
        self.wait_for_rest()

    def drag(self, title: str, above: str) -> None:
        """Drags a todo above another one by its grip, which is left of its checkbox."""
        self.row(title).hover()
        boxes = [self.box(each).bounding_box() for each in (title, above)]
        assert all(boxes)
        mouse = self.page.mouse
        mouse.move(boxes[0]["x"] - 10, boxes[0]["y"] + boxes[0]["height"] / 2)
        mouse.down()
        mouse.move(boxes[1]["x"] - 10, boxes[1]["y"] + 20, steps=8)
        mouse.move(boxes[1]["x"] - 10, boxes[1]["y"], steps=4)
        mouse.up()

    def undo(self) -> None:
        """Presses Undo of the newest message."""
        self.page.get_by_role("button", name="Undo", exact=True).last.click()

    def hears(self, text: str) -> None:
        """Waits until a live region says the text."""
        said = self.page.get_by_role("status").filter(has_text=text).or_(self.alert.filter(has_text=text))
        expect(said.first).to_be_attached()

    def wait_for_rest(self) -> None:
        """Waits until nothing is loading, and the browser has drawn the result."""
        expect(self.page.locator("[aria-busy=true], .skeleton")).to_have_count(0)
        self.window.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def wait_for_worker(self) -> None:
        """Waits until the service worker has kept the files of the page, and serves them."""
        for _ in range(_RELOADS):
            if self.window.evaluate("() => Boolean(navigator.serviceWorker.controller)"):
                return
            self.page.wait_for_timeout(_WORKER_MILLISECONDS)
            self.page.reload()
            expect(self.quick_add).to_be_visible()
        raise AssertionError("No service worker serves the page.")

    def has_focus_in(self, title: str) -> bool:
        """Returns whether the focus is in the row of a todo."""
        return bool(self.row(title).evaluate("(row) => row.contains(document.activeElement)"))

    def is_dark(self) -> bool:
        """Returns whether the page has light text on a dark ground."""
        color = self.window.evaluate("() => getComputedStyle(document.body).color.match(/[0-9.]+/g).map(Number)")
        return bool(sum(color[:3]) > (1.5 if max(color[:3]) <= 1 else 382))

    def sees(self, *titles: str) -> None:
        for title in titles:
            expect(self.box(title)).to_be_visible()

    def sees_no(self, *titles: str) -> None:
        for title in titles:
            expect(self.box(title)).to_have_count(0)

    def eventually(self, holds: Callable[[], bool]) -> None:
        """Waits until the condition holds. The browser goes on meanwhile."""
        deadline = time.monotonic() + ROOM_SECONDS
        while not holds():
            assert time.monotonic() < deadline, f"Not within {ROOM_SECONDS} seconds: {inspect.getsource(holds)}"
            self.page.wait_for_timeout(50)

    def stored_in_browser(self) -> int:
        """Returns the number of objects in the copy of the account that the browser keeps."""
        return int(self.window.evaluate(_COUNT_COPY))

    # The state of the service, as another device sees it

    def stored(self, **filters: Any) -> list[dict[str, Any]]:
        """Returns the first 200 todos of the account from the service."""
        listed = self.device.client.get("/api/v1/todos", params={"limit": 200, **filters})
        assert listed.status_code == 200, listed.text
        found: list[dict[str, Any]] = listed.json()
        return found

    def versions(self) -> dict[str, int]:
        """Returns the versions of the stored todos by their titles."""
        return {todo["title"]: todo["version"] for todo in self.stored()}

    def stored_todo(self, title: str, **filters: Any) -> dict[str, Any]:
        """Returns the todo with this title, once the service has it."""

        def find() -> list[dict[str, Any]]:
            return [todo for todo in self.stored(**filters) if todo["title"] == title]

        self.eventually(lambda: len(find()) == 1)
        return find()[0]
