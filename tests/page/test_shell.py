"""The shell: the first paint of the page, which needs no module, and whose place the page takes without a jump."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Route, expect

from tests.accounts import Account
from tests.page.sites import Site
from tests.page.test_accessibility import find_violations
from tests.page.test_speed import FIRST_CONTENT, OBSERVE
from tests.page.windows import Open, Window

_PLACES = """(selector) => {
    const shown = [...document.querySelectorAll(selector)].filter((each) => each.checkVisibility());
    return shown.map((each) => Object.values(each.getBoundingClientRect().toJSON()));
}"""
_FORMS: dict[str, dict[str, object]] = {
    "desktop": {"viewport": {"width": 1280, "height": 800}},
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
}
_PARTS_OF_MEMBERS = (
    ".topbar, .search .icon, .topbar > .icon-button, .sidebar, .who > span, .sidebar ul:first-of-type .icon"
)
"""The parts of the frame that the shell shows. The lists of the sidebar come with their icons only."""


@dataclass
class Start:
    """A window whose first module waits. `go_on` lets it through."""

    window: Window
    held: list[Route]

    def hold(self, route: Route) -> None:
        self.held.append(route)

    def go_on(self) -> None:
        [route] = self.held
        route.continue_()
        expect(self.window.page.get_by_role("heading", level=1)).to_be_visible()

    def places(self, parts: str) -> object:
        return self.window.evaluate(_PLACES, parts)


type Begin = Callable[..., Start]


@pytest.fixture(params=_FORMS)
def begin(request: pytest.FixtureRequest, container: Site, open_window: Open) -> Begin:
    """Opens the page for a visitor, or for an account that has used this browser before."""

    def begin(account: Account | None = None, **options: object) -> Start:
        start = Start(open_window(container.url, **_FORMS[request.param], **options), [])
        context = start.window.context
        context.add_init_script(OBSERVE)
        context.route("**/main.js", start.hold)
        if account:
            user = json.dumps(account.client.get("/api/v1/auth/me").json())
            context.add_cookies([{"name": "session_token", "value": account.token, "url": container.url}])
            context.add_init_script(f"localStorage.setItem('user', {json.dumps(user)})")
        start.window.page.goto(container.url, wait_until="commit")
        start.window.evaluate(FIRST_CONTENT)
        return start

    return begin


@pytest.fixture
def account(container: Site) -> Iterator[Account]:
    with container.account() as account:
        yield account


def violations(window: Window) -> list[str]:
    """Returns all but one: the shell has no heading, because its name would depend on the language."""
    return [found for found in find_violations(window) if "page-has-heading-one" not in found]


def has_shell(window: Window) -> bool:
    return bool(window.evaluate("() => !!document.getElementById('shell')"))


class TestVisitor:
    def test_the_name_is_painted_without_a_module_and_stays_in_its_place(self, begin: Begin) -> None:
        start = begin()
        brand = start.window.page.get_by_text("Todos", exact=True)
        expect(brand).to_be_visible()
        before = start.places(".brand")
        start.go_on()

        expect(start.window.page.get_by_label("Email", exact=True)).to_be_visible()
        assert start.places(".brand") == before
        assert start.window.evaluate("() => shift") == 0
        assert not has_shell(start.window)

    def test_it_has_no_violation(self, begin: Begin) -> None:
        start = begin()
        assert violations(start.window) == []
        start.go_on()


class TestMember:
    def test_the_frame_is_painted_without_a_module_and_stays_in_its_place(self, begin: Begin, account: Account) -> None:
        start = begin(account)
        before = start.places(_PARTS_OF_MEMBERS)
        assert before
        start.go_on()

        assert start.places(_PARTS_OF_MEMBERS) == before
        assert start.window.evaluate("() => shift") == 0
        assert not has_shell(start.window)

    def test_it_has_no_violation_and_nothing_to_use_yet(self, begin: Begin, account: Account) -> None:
        start = begin(account)
        assert violations(start.window) == []
        start.window.page.keyboard.press("Tab")
        assert start.window.evaluate("() => document.activeElement === document.body")
        start.go_on()


class TestTheme:
    @pytest.mark.parametrize("theme", ["light", "dark"])
    def test_the_chosen_one_is_there_at_once(self, theme: str, container: Site, open_window: Open) -> None:
        other = {"light": "dark", "dark": "light"}[theme]
        window = open_window(container.url, color_scheme=other)
        start = Start(window, [])
        window.context.route("**/main.js", start.hold)
        window.context.add_init_script(f"localStorage.setItem('theme', '{theme}')")
        window.page.goto(container.url, wait_until="commit")
        window.evaluate(FIRST_CONTENT)

        color = window.evaluate("() => getComputedStyle(document.querySelector('.brand')).color")
        assert (sum(map(int, color[4:-1].split(","))) > 384) == (theme == "dark")
        start.go_on()


def test_without_javascript_the_reason_is_shown(container: Site, open_window: Open) -> None:
    window = open_window(container.url, java_script_enabled=False)
    window.page.goto(container.url)

    expect(window.page.get_by_role("link", name="/docs")).to_be_in_viewport()
