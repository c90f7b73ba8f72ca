"""Everything works by the keyboard alone, and a screen reader hears of it."""

from playwright.sync_api import expect

from tests.accounts import PASSWORD, new_email
from tests.page.person import Person
from tests.page.views import VIEWS

_FOCUS_IS_VISIBLE = """() => {
    // A field in a frame shows its focus by the frame.
    const frames = [document.activeElement, document.activeElement.closest(":has(> :focus)"),
        document.activeElement.closest("form")];
    return frames.filter(Boolean).map(getComputedStyle).some((style) => style.boxShadow !== "none"
        || style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2);
}"""
_FOCUSED = """() => document.activeElement.getAttribute("aria-label") ?? document.activeElement.innerText"""


def tab_to(person: Person, role: str, name: str) -> None:
    """Presses Tab until the element has the focus. Each stop on the way must show its focus."""
    wanted = person.page.get_by_role(role, name=name, exact=True).first
    for _ in range(80):
        person.page.keyboard.press("Tab")
        if person.window.evaluate("() => document.activeElement === document.body"):
            continue
        assert person.window.evaluate(_FOCUS_IS_VISIBLE), f"No focus is visible on {person.window.evaluate(_FOCUSED)}."
        if wanted.evaluate("(element) => element === document.activeElement"):
            return
    raise AssertionError(f"Tab does not reach the {role} {name}.")


class TestKeys:
    def test_a_question_mark_lists_the_keys(self, person: Person) -> None:
        person.page.keyboard.press("?")
        dialog = person.dialog("Keyboard shortcuts")
        expect(dialog).to_be_visible()
        person.page.keyboard.press("Escape")

        expect(dialog).to_have_count(0)

    def test_keys_do_nothing_while_one_types(self, person: Person) -> None:
        person.quick_add.press_sequentially("Why? a / n")

        expect(person.quick_add).to_have_value("Why? a / n")
        expect(person.page.get_by_role("dialog")).to_have_count(0)

    def test_a_dialog_keeps_the_focus_and_gives_it_back(self, person: Person) -> None:
        tab_to(person, "button", "New project")
        person.page.keyboard.press("Enter")
        dialog = person.dialog("New project")
        expect(dialog).to_be_visible()
        for _ in range(12):
            person.page.keyboard.press("Tab")
            inside = "(dialog) => dialog.contains(document.activeElement) || document.activeElement === document.body"
            assert dialog.evaluate(inside)
        person.page.keyboard.press("Escape")

        expect(person.page.get_by_role("button", name="New project", exact=True)).to_be_focused()


def focus_second_of_three(person: Person) -> None:
    for title in ("One", "Two", "Three"):
        person.device.add(title)
    person.sees("One", "Two", "Three")
    person.box("Two").focus()


class TestWalk:
    def test_a_new_person_does_a_days_work_without_a_mouse(self, visitor: Person) -> None:
        tab_to(visitor, "link", "Create an account")
        visitor.page.keyboard.press("Enter")
        for label, value in (("Name", "Ada"), ("Email", new_email()), ("Password", PASSWORD)):
            tab_to(visitor, "textbox", label) if label != "Password" else visitor.page.keyboard.press("Tab")
            visitor.page.keyboard.type(value)
        visitor.page.keyboard.press("Enter")
        expect(visitor.quick_add).to_be_visible()

        self._add(visitor, "Buy milk")
        self._add(visitor, "Call mum")
        tab_to(visitor, "checkbox", "Buy milk")
        visitor.page.keyboard.press("Space")
        visitor.sees_no("Buy milk")
        tab_to(visitor, "button", "Edit Call mum")
        visitor.page.keyboard.press("Enter")
        expect(visitor.page.get_by_role("textbox", name="Title")).to_be_focused()
        visitor.page.keyboard.press("ControlOrMeta+a")
        visitor.page.keyboard.type("Call dad")
        visitor.page.keyboard.press("Enter")
        visitor.sees("Call dad")

    def test_after_a_completed_todo_the_focus_is_on_the_next(self, person: Person) -> None:
        focus_second_of_three(person)
        person.page.keyboard.press("Space")
        person.sees_no("Two")

        assert person.has_focus_in("Three")

    def test_after_a_deleted_todo_the_focus_is_on_the_next(self, person: Person) -> None:
        focus_second_of_three(person)
        person.page.keyboard.press("Delete")
        person.sees_no("Two")
        assert person.has_focus_in("Three")

        person.choose_for("Three", "Delete")
        person.sees_no("Three")
        assert person.has_focus_in("One")

    def test_every_view_begins_with_a_link_to_its_content(self, person: Person) -> None:
        person.page.keyboard.press("Tab")

        expect(person.page.get_by_role("link", name="Skip to the list")).to_be_focused()

    def _add(self, person: Person, title: str) -> None:
        tab_to(person, "textbox", "Add a todo")
        person.page.keyboard.type(title)
        person.page.keyboard.press("Enter")
        person.sees(title)


class TestScreenReader:
    def test_a_live_region_tells_what_happened(self, person: Person) -> None:
        person.add("Buy milk")
        person.complete("Buy milk")

        person.hears("Buy milk")

    def test_each_view_has_one_heading_of_the_first_level(self, person: Person) -> None:
        person.device.add_project("Garden")
        person.device.add("Buy milk")
        for name, show in VIEWS.items():
            person.page.goto("about:blank")
            show(person)
            assert person.page.get_by_role("heading", level=1).count() == 1, name

    def test_the_title_of_the_window_names_the_view(self, person: Person) -> None:
        person.go_to("Trash")

        expect(person.page).to_have_title("Trash · Todos")
