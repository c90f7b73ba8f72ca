"""Renders mails from the templates of `todo_delivery/templates`.

Each mail has a template for its text, which begins with the subject, and one for its HTML.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

_SUBJECT: Final = "Subject: "


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """The subject and the two alternative bodies of a mail."""

    subject: str
    text: str
    html: str


def render(template: str, variables: Mapping[str, str | None]) -> RenderedMail:
    """Renders the mail of a template. Raises an error of Jinja2 if the template uses a variable that is not passed."""
    environment = _load_environment()
    written = environment.get_template(f"{template}.txt").render(variables)
    heading, text = written.split("\n\n", maxsplit=1)
    html = environment.get_template(f"{template}.html").render(variables)
    return RenderedMail(heading.removeprefix(_SUBJECT), text, html)


@cache
def _load_environment() -> Environment:
    return Environment(
        loader=PackageLoader("todo_delivery", "templates"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
