"""The paths of todos, projects and tags, and the rules of all requests to them.

The rules are known before the first request for rare routes, which load only then.
"""

from typing import Final

from todo_core.web.caching import REVALIDATE, register_cache_policy
from todo_core.web.request_costs import register_cost
from todo_core.web.scopes import register_scopes

API: Final = "/api/v1"
TODOS: Final = f"{API}/todos"
CHANGES: Final = f"{TODOS}/changes"
PROJECTS: Final = f"{API}/projects"
TAGS: Final = f"{API}/tags"

for _path in (TODOS, PROJECTS, TAGS):
    register_cache_policy(_path, REVALIDATE)
    register_scopes(_path, read=["todos:read"], write=["todos:write"])

register_cost("POST", f"{TODOS}/batch", 10)
register_cost("DELETE", TODOS, 10)
register_cost("POST", f"{TODOS}/restore", 10)
register_cost("GET", CHANGES, 2)
