"""The HTML of plain pages: one layout, forms, and a policy that lets a page load and send nothing but its own form.

The pages need no script. They are for links in mails, and for the consent to a client of OAuth.
"""

from base64 import b64encode
from hashlib import sha256
from html import escape
from typing import Final

from fastapi.responses import HTMLResponse

_STYLE: Final = """
:root { color-scheme: light dark; font: 1.05rem/1.5 system-ui, sans-serif }
body { margin: 0 auto; max-width: 26rem; padding: 12vh 1.5rem 2rem }
h1 { font-size: 1.5rem; line-height: 1.25 }
label { display: block; margin: 1.25rem 0 .25rem }
input, button { box-sizing: border-box; width: 100%; padding: .6rem .75rem; font: inherit; border-radius: .4rem }
input { border: 1px solid GrayText; background: Field; color: FieldText }
button { margin-top: 1.25rem; border: 0; background: #1d4ed8; color: #fff; cursor: pointer }
:focus-visible { outline: 3px solid #60a5fa; outline-offset: 2px }
input[type=checkbox] { width: auto; margin-right: .5rem }
dt { margin-top: 1rem; font-size: .9rem; opacity: .8 }
dd { margin: 0; overflow-wrap: anywhere }
.second { background: none; color: inherit; border: 1px solid GrayText }
[role=alert] { border-left: .25rem solid #b91c1c; padding-left: .75rem }
"""
_STYLE_HASH: Final = b64encode(sha256(_STYLE.encode()).digest()).decode()
_LAYOUT: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{content}
</main>
</body>
</html>
"""


def render(title: str, *content: str, status: int = 200, form_action: str = "") -> HTMLResponse:
    """Returns a page with this title and content, which is HTML.

    `form_action` is a source of Content-Security-Policy to which the answer to the form may redirect, beside this site.
    """
    page = _LAYOUT.format(title=escape(title), style=_STYLE, content="\n".join(content))
    return HTMLResponse(page, status, _make_headers(form_action))


def _make_headers(form_action: str) -> dict[str, str]:
    actions = f"'self' {form_action}".rstrip()
    return {
        "Cache-Control": "no-store",
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action {actions}; base-uri 'none'; "
            "frame-ancestors 'none'"
        ),
        # Without a policy of its own, the browser would send `Origin: null` with the form, which is a foreign origin.
        "Referrer-Policy": "same-origin",
    }


def paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def alert(text: str) -> str:
    """Returns a paragraph that screen readers read out at once."""
    return f'<p role="alert">{escape(text)}</p>'


def link(page: str, text: str) -> str:
    """Returns a link to a page beside this one."""
    return f'<p><a href="{escape(page)}">{escape(text)}</a></p>'


def form(action: str, button: str, *fields: str) -> str:
    """Returns a form that sends the fields to `action`, a path beside that of the page, without the page's query."""
    return form_of(action, *fields, f"<button>{escape(button)}</button>")


def form_of(action: str, *content: str) -> str:
    """Returns a form with this content, which has buttons of its own."""
    return "\n".join([f'<form method="post" action="{escape(action)}">', *content, "</form>"])


def hidden_field(name: str, value: str) -> str:
    return f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'


def definitions(*pairs: tuple[str, str | list[str]]) -> str:
    """Returns a list of names, each with its text or texts."""
    rows = []
    for name, value in pairs:
        texts = [value] if isinstance(value, str) else value
        rows += [f"<dt>{escape(name)}</dt>", *(f"<dd>{escape(each)}</dd>" for each in texts)]
    return f"<dl>{''.join(rows)}</dl>"


def checkbox(name: str, text: str) -> str:
    return f'<label><input type="checkbox" name="{escape(name)}" value="yes">{escape(text)}</label>'


def choice(name: str, *options: tuple[str, str]) -> str:
    """Returns a button for each value and text of the options. The first one is what most people choose."""
    buttons = (
        f'<button name="{escape(name)}" value="{escape(value)}"{"" if number == 0 else ' class="second"'}>'
        f"{escape(text)}</button>"
        for number, (value, text) in enumerate(options)
    )
    return "\n".join(buttons)


def text_field(name: str, label: str, *, autocomplete: str, max_length: int) -> str:
    return (
        f'<label for="{name}">{escape(label)}</label><input id="{name}" name="{name}" '
        f'autocomplete="{autocomplete}" maxlength="{max_length}" required autofocus>'
    )


def current_password_field() -> str:
    return (
        '<label for="password">Password</label><input id="password" name="password" type="password" '
        'autocomplete="current-password" maxlength="256" required>'
    )


def email_field() -> str:
    return (
        '<label for="email">Email</label>'
        '<input id="email" name="email" type="email" autocomplete="username" maxlength="254" required autofocus>'
    )


def password_field(min_characters: int) -> str:
    return (
        f'<label for="password">New password, at least {min_characters} characters</label>'
        '<input id="password" name="password" type="password" autocomplete="new-password" '
        f'minlength="{min_characters}" maxlength="256" required autofocus>'
    )
