"""The registry of route groups. Each group is one Lambda function; `functions.main` serves all of them in one app."""

from dataclasses import dataclass
from importlib import import_module
from typing import Final

from fastapi import APIRouter


@dataclass(frozen=True, slots=True)
class RouteGroup:
    """A package of `functions` and the paths for which the gateway invokes its function.

    `paths` include everything below them. A group without paths gets all requests that no other group gets.
    """

    name: str
    router_modules: tuple[str, ...]
    paths: tuple[str, ...] = ()

    @property
    def function_name(self) -> str:
        """The logical id of the function in template.yaml."""
        return f"{self.name.title()}Function"

    def routers(self) -> list[APIRouter]:
        """Imports the modules of the routers and returns the routers."""
        return [import_module(module).router for module in self.router_modules]


# In the order in which the whole app tries its routes: the paths with the most requests come first.
GROUPS: Final = (
    RouteGroup(
        "todos",
        ("functions.todos.routes", "functions.todos.projects.routes", "functions.todos.tags.routes"),
        ("/api/v1/todos", "/api/v1/projects", "/api/v1/tags"),
    ),
    RouteGroup("auth", ("functions.auth.routes",), ("/api/v1/auth",)),
    RouteGroup("chat", ("functions.chat.routes",), ("/api/v1/chat",)),
    RouteGroup("meta", ("functions.meta.routes",)),
)


def load_routers(*names: str) -> list[APIRouter]:
    """Returns the routers of the named groups, or of all groups without a name."""
    return [router for group in GROUPS if not names or group.name in names for router in group.routers()]


def find_group(path: str) -> RouteGroup:
    """Returns the group to which the gateway sends requests for a path."""
    for group in GROUPS:
        if any(f"{path}/".startswith(f"{own}/") for own in group.paths):
            return group
    return next(group for group in GROUPS if not group.paths)
