"""The page starts on its own: it asks no other host, and says so if a file is missing."""

from urllib.parse import urlsplit

from playwright.sync_api import expect

from tests.page.person import Person
from tests.page.sites import Site
from tests.page.views import DOORS, SETTINGS
from tests.page.windows import Open


def test_all_files_come_from_the_service(person: Person) -> None:
    hosts: set[str] = set()
    person.window.context.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    person.page.reload()
    for name in ("today", "trash", *(f"settings/{name}" for name in SETTINGS)):
        person.window.open(f"#/{name}")
        person.wait_for_rest()
    person.open_assistant()

    assert hosts == {urlsplit(person.window.origin).netloc}


def test_an_unknown_view_shows_all_todos(person: Person) -> None:
    person.window.open("#/somewhere/else")

    expect(person.heading).to_have_text("All todos")


def test_a_visitor_of_a_list_is_asked_to_sign_in(site: Site, open_window: Open) -> None:
    window = open_window(site.url)
    window.open("#/today")

    expect(window.page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()


def test_views_of_visitors_lead_to_each_other(site: Site, open_window: Open) -> None:
    window = open_window(site.url)
    for name in DOORS:
        window.open(f"#/{name}")
        expect(window.page.get_by_label("Email", exact=True)).to_be_visible()


def test_a_missing_file_is_told(container: Site, open_window: Open) -> None:
    window = open_window(container.url)
    window.context.route("**/state.js", lambda route: route.abort())
    window.open()

    expect(window.page.get_by_text("could not be loaded")).to_be_visible()
