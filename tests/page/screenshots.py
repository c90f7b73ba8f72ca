"""Pictures of all views, on a desktop and a phone, light and dark: `make screenshots`.

All are written into `.screenshots`, for reviews. Those of the documentation are in `docs/pictures`.
"""

from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from tests.accounts import Account
from tests.page.person import Person
from tests.page.sites import Site
from tests.page.views import DOORS, VIEWS, furnish
from tests.page.windows import Open, Window

ROOT: Final = Path(__file__).parents[2]
ALL: Final = ROOT / ".screenshots"
DOCUMENTED: Final = ROOT / "docs/pictures"
_QUALITY: Final = 80

SCREENS: Final[dict[str, dict[str, object]]] = {
    "desktop": {"viewport": {"width": 1280, "height": 800}},
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
}
SCHEMES: Final = ("light", "dark")
IN_DOCUMENTS: Final = {"all desktop light", "all phone light", "assistant desktop dark"}


@pytest.fixture(scope="module")
def ada(container: Site) -> Iterator[Account]:
    """An account with the todos of an ordinary week."""
    with container.account(timezone="Europe/Berlin", name="Ada") as account:
        furnish(account)
        _add_week(account)
        yield account


def _add_week(account: Account) -> None:
    today = datetime.now(UTC).date()
    home, work = (account.add_project(name)["id"] for name in ("Home", "Work"))

    def day(days: int) -> str:
        return (today + timedelta(days=days)).isoformat()

    account.add("Send the offer to Kim", project_id=work, priority="high", due_date=day(0), tags=["mail"])
    account.add("Water the plants", project_id=home, due_date=day(0), recurrence="FREQ=WEEKLY;BYDAY=MO,TH")
    slides = account.add("Prepare the talk", project_id=work, due_date=day(3), priority="medium")
    for title in ("Choose three examples", "Draw the timeline", "Rehearse it once"):
        account.add(title, project_id=work, parent_id=slides["id"])
    account.add("Book the dentist", due_date=day(1), tags=["phone"])
    account.add("Return the library books", project_id=home, due_date=day(-1))
    account.add("Find a present for Mum", tags=["family"], due_date=day(6), description="She liked the blue teapot.")


@pytest.fixture(params=[f"{screen} {scheme}" for screen in SCREENS for scheme in SCHEMES])
def form(request: pytest.FixtureRequest) -> str:
    """The screen and the color scheme of a picture."""
    return str(request.param)


@pytest.fixture
def window(form: str, container: Site, open_window: Open) -> Window:
    screen, scheme = form.split()
    return open_window(container.url, **SCREENS[screen], color_scheme=scheme, reduced_motion="reduce")


@pytest.mark.parametrize("view", VIEWS)
def test_a_view(view: str, form: str, window: Window, ada: Account) -> None:
    VIEWS[view](Person.signed_in(window, ada))
    _take(window, f"{view} {form}")


@pytest.mark.parametrize("view", DOORS)
def test_a_view_of_visitors(view: str, form: str, window: Window) -> None:
    window.open(f"#/{view}")
    window.page.get_by_role("heading", level=1).wait_for()
    _take(window, f"{view} {form}")


def _take(window: Window, name: str) -> None:
    file_name = name.replace(" ", "-")
    window.page.wait_for_timeout(300)
    ALL.mkdir(exist_ok=True)
    window.page.screenshot(path=ALL / f"{file_name}.png")
    if name in IN_DOCUMENTS:
        # WebP is a third of the size of PNG. Playwright itself cannot write it.
        options = {"format": "webp", "quality": _QUALITY}
        picture = window.context.new_cdp_session(window.page).send("Page.captureScreenshot", options)
        DOCUMENTED.mkdir(exist_ok=True)
        (DOCUMENTED / f"{file_name}.webp").write_bytes(b64decode(picture["data"]))
