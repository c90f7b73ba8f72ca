"""Hostile texts are shown as text, in every view."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.accounts import PROJECTS, TODOS, Account
from tests.model_replies import Say
from tests.page.hostile import HOSTILE
from tests.page.person import Person
from tests.page.sites import Site
from tests.page.views import VIEWS, furnish
from tests.page.windows import Open
from tests.scripted_model import ScriptedModel

_TAGS_OF_ELEMENTS = """() => [...new Set([...document.body.querySelectorAll("*")].map((each) => each.localName))]"""
_HANDLERS = """() => [...document.querySelectorAll("*")].flatMap((each) => [...each.attributes]
    .filter(({ name, value }) => name.startsWith("on") || name === "style" && value.includes("red")
        || ["href", "src", "action", "formaction"].includes(name)
            && !value.startsWith(location.origin) && /^\\s*(javascript|data:text|https?:|\\/\\/)/i.test(value))
    .map(({ name, value }) => `${each.localName} ${name}=${value}`))"""


def _is_accepted(account: Account, path: str, body: dict[str, object]) -> bool:
    created = account.client.post(path, json=body)
    assert created.status_code in {201, 422}, created.text
    return created.status_code == 201


@pytest.fixture(scope="module")
def attacked(container: Site) -> Iterator[Account]:
    """An account in which all names and texts are hostile."""
    with container.account(timezone="Europe/Berlin") as account:
        account.client.patch("/api/v1/auth/me", json={"name": HOSTILE[0]}).raise_for_status()
        titles = [text for text in HOSTILE if _is_accepted(account, TODOS, {"title": text, "description": text})]
        projects = [text for text in HOSTILE if _is_accepted(account, PROJECTS, {"name": text[:100]})]
        tags = [text for text in HOSTILE if _is_accepted(account, TODOS, {"title": "tagged", "tags": [text[:50]]})]
        assert len(titles) >= 100
        assert len(projects) >= 100
        assert len(tags) >= 50
        trashed = account.add(HOSTILE[1])
        account.delete(f"{TODOS}/{trashed['id']}")
        for text in HOSTILE[:20]:
            account.client.post("/api/v1/auth/tokens", json={"name": text[:100], "scopes": ["todos:read"]})
        account.client.post("/api/v1/webhooks", json={"url": "https://example.com/h", "description": HOSTILE[2]})
        yield account


@pytest.fixture(scope="module")
def harmless(container: Site) -> Iterator[Account]:
    with container.account(timezone="Europe/Berlin") as account:
        furnish(account)
        yield account


def check(person: Person, elements: set[str]) -> None:
    """Asserts that no text has become an element, an attribute or a script."""
    assert set(person.window.evaluate(_TAGS_OF_ELEMENTS)) <= elements
    assert person.window.evaluate(_HANDLERS) == []
    assert person.page.title() != "owned"


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_shows_texts_as_text(
    view: str, attacked: Account, harmless: Account, container: Site, open_window: Open
) -> None:
    usual, person = (show(view, account, container, open_window) for account in (harmless, attacked))

    check(person, set(usual.window.evaluate(_TAGS_OF_ELEMENTS)) | _ELEMENTS_OF_VIEWS)


def show(view: str, account: Account, container: Site, open_window: Open) -> Person:
    """Opens a view once all todos are loaded, which are counted beside every view."""
    person = Person.signed_in(open_window(container.url), account)
    person.wait_for_rest()
    VIEWS[view](person)
    person.wait_for_rest()
    return person


_ELEMENTS_OF_VIEWS = {"button", "mark", "svg", "use", "span", "p", "ul", "li", "strong"}
"""Elements that a view may have beside those of a small account."""


def test_each_title_is_shown_whole(attacked: Account, container: Site, open_window: Open) -> None:
    person = Person.signed_in(open_window(container.url), attacked)
    shown: set[str] = set()
    person.wait_for_rest()
    for _ in range(60):
        shown |= set(person.titles())
        person.scroll_list()

    assert {todo["title"] for todo in person.stored()} <= shown


def test_quick_add_shows_what_it_understood_as_text(harmless: Account, container: Site, open_window: Open) -> None:
    person = Person.signed_in(open_window(container.url), harmless)
    person.wait_for_rest()
    elements = set(person.window.evaluate(_TAGS_OF_ELEMENTS)) | _ELEMENTS_OF_VIEWS
    for text in HOSTILE[::4]:
        person.quick_add.fill(f"{text} tomorrow #x")
        person.page.wait_for_timeout(120)
        check(person, elements)


def test_answers_of_the_assistant_are_text(
    harmless: Account, container: Site, open_window: Open, scripted: ScriptedModel
) -> None:
    person = Person.signed_in(open_window(container.url), harmless)
    person.open_assistant()
    scripted.answer_with(lambda _: Say("\n".join(HOSTILE)))
    person.ask("Say it")
    expect(person.assistant).to_contain_text(HOSTILE[-3])

    expect(person.assistant).to_contain_text(HOSTILE[0])
    assert person.assistant.locator("script, img, iframe, style, a[href^=javascript], object, embed").count() == 0
    assert person.window.evaluate(_HANDLERS) == []
    assert person.page.title() != "owned"


def test_searches_and_fragments_are_text(harmless: Account, container: Site, open_window: Open) -> None:
    person = Person.signed_in(open_window(container.url), harmless)
    for text in HOSTILE[::4]:
        person.search(text)
    for text in HOSTILE[::4]:
        person.window.evaluate("(text) => { location.hash = `#/${encodeURIComponent(text)}`; }", text)
        person.window.evaluate("(text) => { location.hash = `#/project/${text}`; }", text)

    assert person.window.evaluate(_HANDLERS) == []
    assert person.page.title() != "owned"
