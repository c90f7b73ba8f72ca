"""The registry of route groups agrees with the routers and the apps of the groups."""

import pytest
from fastapi.routing import APIRoute

from functions.groups import GROUPS, RouteGroup, find_group, load_routers
from tests import serving

every_group = pytest.mark.parametrize("group", GROUPS, ids=[group.name for group in GROUPS])


def paths(routes: object) -> set[str]:
    assert isinstance(routes, list)
    return {route.path for route in routes if isinstance(route, APIRoute)}


@every_group
@pytest.mark.usefixtures("environment")
def test_the_app_of_a_group_serves_the_routers_of_the_registry(group: RouteGroup) -> None:
    served, registered = serving.list_routes(serving.app_of(group.name)), [router.routes for router in group.routers()]

    assert paths(served) == {path for routes in registered for path in paths(routes)}


@every_group
def test_the_routers_of_a_group_serve_its_paths_and_below(group: RouteGroup) -> None:
    served = {path for router in group.routers() for path in paths(router.routes)}

    assert all(any(f"{path}/".startswith(f"{own}/") for path in served) for own in group.paths)
    assert all(find_group(path) == group for path in served)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/api/v1/todos", "todos"),
        ("/api/v1/todos/batch", "todos"),
        ("/api/v1/tags/", "todos"),
        ("/api/v1/auth/me", "auth"),
        ("/account/reset-password", "auth"),
        ("/api/v1/reminders/channels", "reminders"),
        ("/.well-known/change-password", "meta"),
        ("/api/v1/todosx", "meta"),
        ("/oauth/token", "oauth"),
        ("/.well-known/oauth-protected-resource/mcp", "oauth"),
        ("/health", "meta"),
        ("/", "web"),
        ("/page/1/main.js", "web"),
        ("/pages", "meta"),
        ("/sw.js", "web"),
    ],
)
def test_a_path_belongs_to_the_group_that_serves_it(path: str, name: str) -> None:
    assert find_group(path).name == name


def test_routers_are_loaded_by_the_names_of_their_groups() -> None:
    prefixes = [router.prefix for router in load_routers("chat", "todos")]

    of_todos = ["/api/v1/todos", "/api/v1/todos/changes", "/api/v1/projects", "/api/v1/tags"]
    assert prefixes == [*of_todos, "/api/v1/chat", "/api/v1/chat", "/api/v1/quick-add"]
    assert len(load_routers()) == sum(len(group.router_modules) for group in GROUPS)
