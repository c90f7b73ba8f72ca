"""The HTML of the pages of OAuth."""

from typing import Final

from fastapi import Response

from functions.oauth.authorization import Authorization
from todo_core.accounts import redirect_uris
from todo_core.accounts.api_tokens import TokenScope
from todo_core.web import html
from todo_core.web.protected_resources import MCP

_SCOPES: Final[dict[TokenScope, str]] = {
    "todos:read": "Read your todos, projects and tags",
    "todos:write": "Add, change, complete and delete todos and projects",
    "chat": "Use the assistant in your name, and read your conversations",
    "account:read": "Read your email, your name and your time zone",
}
_DELETING_SCOPES: Final = {"todos:write", "chat"}
_SIGN_IN: Final = "Sign in to connect an app"
_MAX_CODE_CHARACTERS: Final = 100


def asks_for_deletes(authorization: Authorization) -> bool:
    """Returns True if the page asks whether the client may delete without asking: where it would ask."""
    return authorization.resource == MCP and bool(_DELETING_SCOPES & set(authorization.scopes))


def render_consent(authorization: Authorization, email: str, query: str, csrf: str) -> Response:
    target = authorization.target
    client, host = target.client, redirect_uris.find_host(target.redirect_uri)
    published = [("Published at", client.id)] if "://" in client.id else []
    local = redirect_uris.is_local(target.redirect_uri)
    return html.render(
        f"Connect {client.name}?",
        html.paragraph(
            "This app has chosen its name itself. Allow it only if you have just asked it to connect to your todos."
        ),
        html.definitions(
            ("You are signed in as", email),
            ("App", client.name),
            *published,
            ("It gets the answer at", f"{host} (a program on your computer)" if local else host),
            ("It may", [_SCOPES[scope] for scope in authorization.scopes]),
        ),
        html.form_of(
            "consent",
            html.hidden_field("query", query),
            html.hidden_field("csrf", csrf),
            html.checkbox("may_delete_unasked", "It may delete without asking me")
            if asks_for_deletes(authorization)
            else "",
            html.choice("decision", ("allow", "Allow"), ("deny", "Refuse")),
        ),
        html.link(f"authorize?{query}&prompt=login", "Use another account"),
        form_action=redirect_uris.find_form_action(target.redirect_uri),
    )


def render_sign_in(query: str, message: str | None = None, status: int = 200, *, has_page: bool) -> Response:
    return html.render(
        _SIGN_IN,
        *_warn(message),
        html.form(
            "sign-in",
            "Sign in",
            html.email_field(),
            html.current_password_field(),
            html.hidden_field("query", query),
        ),
        *_link_page(has_page=has_page),
        status=status,
    )


def render_second_factor(
    query: str, challenge: str, message: str | None = None, status: int = 200, *, has_page: bool
) -> Response:
    label = "Code of your app, or a recovery code"
    return html.render(
        _SIGN_IN,
        *_warn(message),
        html.form(
            "second-factor",
            "Sign in",
            html.text_field("code", label, autocomplete="one-time-code", max_length=_MAX_CODE_CHARACTERS),
            html.hidden_field("challenge", challenge),
            html.hidden_field("query", query),
        ),
        *_link_page(has_page=has_page),
        status=status,
    )


def render_stale(query: str) -> Response:
    return html.render(
        "Please look again",
        html.alert("The page was open for too long, or belongs to another session. Nothing was allowed."),
        html.link(f"authorize?{query}", "Show the question again"),
        status=403,
    )


def render_error(sentence: str, status: int) -> Response:
    return html.render(
        "The app cannot be connected", html.alert(sentence), html.paragraph("Nothing was allowed."), status=status
    )


def _warn(message: str | None) -> list[str]:
    return [html.alert(message)] if message else []


def _link_page(*, has_page: bool) -> list[str]:
    """Returns the way to sign in by a passkey, which needs a script."""
    return [html.link("..", "Sign in by passkey on the page, then open this address again")] if has_page else []
