"""Routes that are built at the first request for one of their paths.

Each route takes about a millisecond of a start. A Lambda function leaves out those that few requests need.
"""

from collections.abc import Sequence
from functools import cached_property
from importlib import import_module
from typing import override

from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from todo_core.web.pages_as_objects import offer_pages
from todo_core.web.paths import find_path_below_root


class LazyRoutes(BaseRoute):
    """The routes of a module's `router`. A request for one of `paths`, or for a path below, imports the module."""

    def __init__(self, module: str, *paths: str) -> None:
        self._module = module
        self._paths = paths

    @cached_property
    def routes(self) -> Sequence[BaseRoute]:
        return [offer_pages(route) for route in import_module(self._module).router.routes]

    @override
    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Returns the match of the module's route for this request. A route of another method counts as the last."""
        best: tuple[Match, Scope] = Match.NONE, {}
        for route in self.find_routes(find_path_below_root(scope)):
            match, child_scope = route.matches(scope)
            if match is Match.FULL:
                return match, child_scope
            if match is Match.PARTIAL and best[0] is Match.NONE:
                best = match, child_scope
        return best

    def find_routes(self, path: str) -> Sequence[BaseRoute]:
        """Returns the routes of the module if one of `paths` begins this path, and no routes otherwise."""
        return self.routes if any(f"{path}/".startswith(f"{own}/") for own in self._paths) else ()

    @override
    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await scope["route"].handle(scope, receive, send)
