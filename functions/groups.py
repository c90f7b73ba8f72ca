"""The registry of route groups. Each group is one Lambda function; `functions.main` serves all groups in one app."""

from importlib import import_module
from typing import Final

from fastapi import APIRouter
from msgspec import Struct


class RouteGroup(Struct, frozen=True):
    """A package of `functions` with routes, and the paths that the API gateway sends to its Lambda function.

    Each of the `paths` includes all paths below it, apart from `/`. A group without paths gets all other requests.
    """

    name: str
    router_modules: tuple[str, ...]
    paths: tuple[str, ...] = ()

    @property
    def function_name(self) -> str:
        """The logical id of the group's Lambda function in template.yaml."""
        return f"{self.name.title()}Function"

    def routers(self) -> list[APIRouter]:
        """Imports the group's router modules and returns their routers."""
        return [import_module(module).router for module in self.router_modules]


# The groups with the most requests come first: `functions.main` tries routes in this order, so most match early.
GROUPS: Final = (
    RouteGroup(
        "todos",
        (
            "functions.todos.routes",
            "functions.todos.changes.routes",
            "functions.todos.projects.routes",
            "functions.todos.tags.routes",
        ),
        ("/api/v1/todos", "/api/v1/projects", "/api/v1/tags"),
    ),
    RouteGroup(
        "auth",
        (
            "functions.auth.routes",
            "functions.auth.account.routes",
            "functions.auth.second_factor.routes",
            "functions.auth.passkeys.routes",
            "functions.auth.passkeys.login",
            "functions.auth.tokens.routes",
            "functions.auth.connections.routes",
            "functions.auth.links.routes",
            "functions.auth.pages.routes",
        ),
        ("/api/v1/auth", "/account"),
    ),
    RouteGroup(
        "chat",
        ("functions.chat.routes", "functions.chat.front_ends.routes", "functions.chat.quick_add.routes"),
        ("/api/v1/chat", "/api/v1/quick-add"),
    ),
    RouteGroup("mcp", ("functions.mcp.routes",), ("/mcp",)),
    RouteGroup("reminders", ("functions.reminders.routes",), ("/api/v1/reminders",)),
    RouteGroup("webhooks", ("functions.webhooks.routes",), ("/api/v1/webhooks",)),
    RouteGroup(
        "oauth",
        ("functions.oauth.routes", "functions.oauth.pages"),
        (
            "/oauth",
            "/.well-known/oauth-authorization-server",
            "/.well-known/oauth-protected-resource",
            "/.well-known/openid-configuration",
        ),
    ),
    RouteGroup("web", ("functions.web.routes",), ("/", "/page", "/sw.js")),
    RouteGroup("meta", ("functions.meta.routes",)),
)


def load_routers(*names: str) -> list[APIRouter]:
    """Returns the routers of the groups with these names, or of all groups if no name is passed."""
    return [router for group in GROUPS if not names or group.name in names for router in group.routers()]


def find_group(path: str) -> RouteGroup:
    """Returns the group to which the API gateway sends the requests for a path."""
    for group in GROUPS:
        # `//` begins with the path `/` only.
        if any(f"{path}/".startswith(f"{own}/") for own in group.paths):
            return group
    return next(group for group in GROUPS if not group.paths)
