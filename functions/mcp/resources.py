"""Resources: lists of todos that a person attaches to a conversation."""

from typing import Final
from uuid import UUID

import msgspec

from functions.mcp.caller import Caller
from functions.mcp.wire import INVALID_PARAMS, RESOURCE_NOT_FOUND, Call, Json, RpcError, complete
from todo_assistant.tools.registry import ToolContext
from todo_assistant.tools.search import DayOverview, SearchTodos, day_overview, search_todos
from todo_assistant.tools.views import describe_todos
from todo_core.todos import operations, projects
from todo_core.todos.errors import ProjectNotFound
from todo_core.todos.filters import Filters

TODAY: Final = "todo://today"
OVERDUE: Final = "todo://overdue"
PROJECT: Final = "todo://projects/"
TEMPLATE: Final = f"{PROJECT}{{id}}"
_JSON: Final = "application/json"
_PAGE: Final = 100
_MAX_PROJECTS: Final = 501
_MAX_TODOS: Final = 200
FIXED: Final = (
    {"uri": TODAY, "name": "today", "title": "Today", "description": "Due today or before.", "mimeType": _JSON},
    {"uri": OVERDUE, "name": "overdue", "title": "Overdue", "description": "Open and too late.", "mimeType": _JSON},
)
TEMPLATES: Final = ({"uriTemplate": TEMPLATE, "name": "project", "title": "Project", "mimeType": _JSON},)


async def list_resources(caller: Caller, call: Call) -> Json:
    """Lists the resources, a page of projects at a time. The cursor is the id of the last project before the page."""
    async with caller.reading() as context:
        found = await projects.find(context.db, context.user_id, archived=False, limit=_MAX_PROJECTS)
    ids = [str(project.id) for project in found]
    cursor = call.params.get("cursor")
    if cursor is not None and cursor not in ids:
        raise RpcError(INVALID_PARAMS, "This list did not give out this cursor; begin again without it.")
    start = 0 if cursor is None else ids.index(cursor) + 1
    page = found[start : start + _PAGE]
    described = [
        {"uri": f"{PROJECT}{project.id}", "name": project.name, "title": project.name, "mimeType": _JSON}
        for project in page
    ]
    result: Json = {"resources": [*(FIXED if cursor is None else ()), *described]}
    if start + _PAGE < len(found):
        result["nextCursor"] = ids[start + _PAGE - 1]
    return complete(caller.peer, result, cached_seconds=0)


async def list_templates(caller: Caller, _call: Call) -> Json:
    return complete(caller.peer, {"resourceTemplates": TEMPLATES}, cached_seconds=3600)


async def read_resource(caller: Caller, call: Call) -> Json:
    uri = call.params.get("uri")
    if not isinstance(uri, str):
        raise RpcError(INVALID_PARAMS, "The uri must be a text.")
    async with caller.reading() as context:
        content = await _read(context, uri)
    if content is None:
        code = INVALID_PARAMS if caller.peer.is_stateless else RESOURCE_NOT_FOUND
        raise RpcError(code, "There is no such resource.", {"uri": uri[:500]})
    text = msgspec.json.encode(content).decode()
    return complete(caller.peer, {"contents": [{"uri": uri, "mimeType": _JSON, "text": text}]}, cached_seconds=0)


async def _read(context: ToolContext, uri: str) -> Json | None:
    if uri == TODAY:
        return (await day_overview(context, DayOverview())).result
    if uri == OVERDUE:
        return (await search_todos(context, SearchTodos(overdue=True))).result
    try:
        return await _read_project(context, UUID(uri.removeprefix(PROJECT))) if uri.startswith(PROJECT) else None
    except (ValueError, ProjectNotFound):
        return None


async def _read_project(context: ToolContext, project_id: UUID) -> Json:
    project = await projects.get(context.db, context.user_id, project_id)
    filters = Filters(project_id=project_id, completed=False, timezone=context.timezone)
    page = await operations.find(context.db, context.user_id, filters, limit=_MAX_TODOS)
    todos = await describe_todos(context, page.todos)
    return {"project": project.name, "todos": todos, "more": page.next is not None}


async def complete_argument(caller: Caller, call: Call) -> Json:
    """Suggests ids of projects, and days for the prompt of a day."""
    reference, argument = call.params.get("ref"), call.params.get("argument")
    if not isinstance(reference, dict) or not isinstance(argument, dict):
        raise RpcError(INVALID_PARAMS, "A completion needs `ref` and `argument`.")
    begun = argument.get("value")
    if not isinstance(begun, str):
        raise RpcError(INVALID_PARAMS, "The value of the argument must be a text.")
    known: list[str] = []
    if reference.get("uri") == TEMPLATE and argument.get("name") == "id":
        async with caller.reading() as context:
            found = await projects.find(context.db, context.user_id, archived=False, limit=_PAGE)
        known = [str(project.id) for project in found]
    elif reference.get("type") == "ref/prompt" and argument.get("name") == "day":
        known = ["today", "tomorrow", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    values = [value for value in known if value.startswith(begun.lower())]
    return complete(caller.peer, {"completion": {"values": values, "total": len(values), "hasMore": False}})
