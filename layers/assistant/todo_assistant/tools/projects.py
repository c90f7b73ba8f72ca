"""The tools for projects, and projects by their names: a model knows them by nothing else."""

from typing import Annotated, Final
from uuid import UUID

from pydantic import AfterValidator, Field, JsonValue

from todo_assistant.tools.items import MOST_ITEMS, Unfit, for_each
from todo_assistant.tools.registry import TODO_TOOLS, Arguments, ToolContext, ToolResult
from todo_core.todos import projects
from todo_core.todos.model import without_repeats
from todo_core.todos.projects import Project, ProjectCreate, ProjectName

_MOST_LISTED: Final = 200
_MOST_NAMED: Final = 20
"""So many are named in a sentence."""


class ListProjects(Arguments):
    archived: bool = Field(default=False, description="List those that are archived instead.")


class AddProjects(Arguments):
    names: Annotated[list[ProjectName], Field(min_length=1, max_length=MOST_ITEMS), AfterValidator(without_repeats)]


@TODO_TOOLS.add
async def list_projects(context: ToolContext, arguments: ListProjects) -> ToolResult:
    """The names of the user's projects."""
    found = await projects.find(context.db, context.user_id, archived=arguments.archived, limit=_MOST_LISTED + 1)
    names: list[JsonValue] = [{"name": project.name} for project in found[:_MOST_LISTED]]
    return ToolResult(ok=True, result={"projects": names, "more": len(found) > _MOST_LISTED})


@TODO_TOOLS.add
async def add_projects(context: ToolContext, arguments: AddProjects) -> ToolResult:
    """Add one or several projects. Todos name the project they lie in."""

    async def add(name: str) -> dict[str, JsonValue]:
        if _named(name, await _all(context)):
            raise Unfit(f"There is a project “{name}” already.")
        return {"project": {"name": (await projects.add(context.db, context.actor, ProjectCreate(name=name))).name}}

    return await for_each(context, arguments.names, add)


async def project_id_of(context: ToolContext, name: str) -> UUID:
    """The project that is called so, whatever the case of its letters. Raises Unfit."""
    there = await _all(context)
    found = _named(name, there)
    if found is None:
        names = ", ".join(f"“{project.name}”" for project in there[:_MOST_NAMED])
        more = ", and more" if len(there) > _MOST_NAMED else ""
        known = f"There are {names}{more}: name one of these" if there else "There are none yet: name none"
        raise Unfit(f"There is no project “{name}”. {known}, or add it first.")
    return found.id


async def _all(context: ToolContext) -> list[Project]:
    return await projects.find(context.db, context.user_id, archived=False, limit=_MOST_LISTED)


def _named(name: str, there: list[Project]) -> Project | None:
    same = [project for project in there if project.name == name]
    alike = [project for project in there if project.name.casefold() == name.casefold()]
    return next(iter([*same, *alike]), None)
