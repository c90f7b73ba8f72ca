"""axe-core finds nothing on any view, light and dark, from a small phone to a wide screen."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.accounts import Account
from tests.page.person import Person
from tests.page.sites import Site
from tests.page.views import DOORS, VIEWS, furnish
from tests.page.windows import Open, Window

AXE = Path(__file__).parents[1] / "javascript/node_modules/axe-core/axe.min.js"
WIDTHS = (320, 768, 1280, 1920)
SCHEMES = ("light", "dark")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_RUN = """async (tags) => {
    const { violations } = await axe.run({ runOnly: tags });
    return violations.flatMap(({ id, help, nodes }) => nodes.map(({ target, failureSummary }) =>
        `${id}: ${help}\\n  ${target.join(" ")}\\n  ${failureSummary.replaceAll("\\n", "\\n  ")}`));
}"""

# On a busy machine the browser changes the scheme later than it says, and colors of both would be compared.
_IS_DRAWN = """async ([scheme, width]) => {
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    return matchMedia(`(prefers-color-scheme: ${scheme})`).matches && innerWidth === width
        && document.getAnimations().every(({ playState }) => playState !== "running");
}"""


def find_violations(window: Window) -> list[str]:
    """Returns the violations of the view, light and dark, at all widths."""
    if not window.evaluate("() => 'axe' in globalThis"):
        window.evaluate(AXE.read_text())
    found = []
    for scheme in SCHEMES:
        for width in WIDTHS:
            window.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            window.page.set_viewport_size({"width": width, "height": 800})
            window.page.wait_for_function(_IS_DRAWN, arg=[scheme, width])
            found += [f"{scheme} {width}: {each}" for each in window.evaluate(_RUN, RULES)]
            if window.evaluate("() => document.documentElement.scrollWidth > innerWidth"):
                found.append(f"{scheme} {width}: the view scrolls sideways")
    return found


@pytest.fixture(scope="module")
def furnished(container: Site) -> Iterator[Account]:
    with container.account(timezone="Europe/Berlin") as account:
        furnish(account)
        yield account


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_has_no_violation(view: str, furnished: Account, container: Site, open_window: Open) -> None:
    person = Person.signed_in(open_window(container.url), furnished)
    VIEWS[view](person)

    violations = find_violations(person.window)
    assert violations == [], "\n".join(violations)


def test_an_empty_account_has_no_violation(container: Site, open_window: Open) -> None:
    with container.account() as account:
        person = Person.signed_in(open_window(container.url), account)
        person.wait_for_rest()

        violations = find_violations(person.window)
    assert violations == [], "\n".join(violations)


@pytest.mark.parametrize("view", DOORS)
def test_a_view_of_visitors_has_no_violation(view: str, container: Site, open_window: Open) -> None:
    window = open_window(container.url)
    window.open(f"#/{view}")
    window.page.get_by_role("heading", level=1).wait_for()

    violations = find_violations(window)
    assert violations == [], "\n".join(violations)


class TestSizes:
    """A screen of 1,280 pixels has 640 pixels of CSS at 200% zoom, and a finger needs 44 of them."""

    @pytest.fixture
    def person(self, furnished: Account, container: Site, open_window: Open) -> Person:
        window = open_window(container.url, viewport={"width": 640, "height": 400}, device_scale_factor=2)
        return Person.signed_in(window, furnished)

    @pytest.mark.parametrize("view", VIEWS)
    def test_a_view_at_double_size_fits_and_works(self, view: str, person: Person) -> None:
        VIEWS[view](person)

        assert not person.window.evaluate("() => document.documentElement.scrollWidth > innerWidth")
        assert _find_clipped(person.window) == []

    def test_targets_are_large_enough_for_a_finger(
        self, furnished: Account, container: Site, open_window: Open
    ) -> None:
        options = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
        person = Person.signed_in(open_window(container.url, **options), furnished)
        person.wait_for_rest()

        assert person.window.evaluate(_SMALL_TARGETS) == []


def _find_clipped(window: Window) -> list[str]:
    """Returns the buttons and links whose text is wider than they are."""
    found: list[str] = window.evaluate(
        """() => [...document.querySelectorAll("button, a, label, h1, h2")]
            .filter((each) => each.checkVisibility() && each.scrollWidth > each.clientWidth + 1 && each.clientWidth > 1
                && getComputedStyle(each).overflowX === "hidden" && getComputedStyle(each).textOverflow !== "ellipsis")
            .map((each) => each.textContent.trim())"""
    )
    return found


_SMALL_TARGETS = """() => [...document.querySelectorAll("button, a[href], input, select, summary")]
    .filter((each) => each.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
    .map((each) => {
        const label = each.closest("label") ?? each;
        const boxes = [each, label].map((box) => box.getBoundingClientRect());
        const [width, height] = ["width", "height"].map((side) => Math.max(...boxes.map((box) => box[side])));
        return { name: each.getAttribute("aria-label") ?? each.textContent.trim() ?? each.type, width, height };
    })
    .filter(({ width, height }) => width > 1 && (width < 44 || height < 44))
    .map(({ name, width, height }) => `${name}: ${Math.round(width)} × ${Math.round(height)}`)"""
