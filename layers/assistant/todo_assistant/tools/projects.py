"""Tools for projects, and the search for a project by name. A model sees no ids of projects."""

from collections.abc import Sequence
from typing import Annotated, Final
from uuid import UUID

from pydantic import AfterValidator, Field, JsonValue

from todo_assistant.tools.items import MAX_ITEMS, ArgumentRejected, run_for_each
from todo_assistant.tools.registry import Arguments, ToolContext, ToolResult
from todo_core.todos import projects
from todo_core.todos.model import remove_repeats
from todo_core.todos.project import Project
from todo_core.todos.projects import ProjectCreate, ProjectName

_MAX_LISTED_PROJECTS: Final = 200
_MAX_NAMES_IN_SENTENCE: Final = 20


class ListProjects(Arguments):
    archived: bool = Field(default=False, description="List the archived projects instead.")


class AddProjects(Arguments):
    names: Annotated[list[ProjectName], Field(min_length=1, max_length=MAX_ITEMS), AfterValidator(remove_repeats)]


async def list_projects(context: ToolContext, arguments: ListProjects) -> ToolResult:
    """The names of the user's projects."""
    found = await projects.find(
        context.db, context.user_id, archived=arguments.archived, limit=_MAX_LISTED_PROJECTS + 1
    )
    names: list[JsonValue] = [{"name": project.name} for project in found[:_MAX_LISTED_PROJECTS]]
    return ToolResult(ok=True, result={"projects": names, "more": len(found) > _MAX_LISTED_PROJECTS})


async def add_projects(context: ToolContext, arguments: AddProjects) -> ToolResult:
    """Add one or several projects. Todos refer to their project by its name."""

    async def add(name: str) -> dict[str, JsonValue]:
        if find_by_name(name, await find_projects(context)):
            raise ArgumentRejected("project_exists", f"There is a project “{name}” already.", name=name)
        project = await projects.add(context.db, context.actor, ProjectCreate(name=name))
        return {"project": {"name": project.name}}

    return await run_for_each(context, arguments.names, add)


async def find_project_id(context: ToolContext, name: str) -> UUID:
    """Returns the id of the user's active project with this name. An exact match precedes one that differs by case.

    Raises ArgumentRejected, with the names of existing projects, if no project matches.
    """
    existing = await find_projects(context)
    project = find_by_name(name, existing)
    if project is None:
        sentence = f"There is no project “{name}”. {_describe_choice(existing)}, or add it first."
        raise ArgumentRejected("unknown_project", sentence, name=name)
    return project.id


async def find_projects(context: ToolContext) -> list[Project]:
    """Returns the user's active projects, at most 200."""
    return await projects.find(context.db, context.user_id, archived=False, limit=_MAX_LISTED_PROJECTS)


def find_by_name(name: str, existing: Sequence[Project]) -> Project | None:
    """Returns the project with exactly this name, else one whose name differs by case only."""
    same = [project for project in existing if project.name == name]
    same_but_case = [project for project in existing if project.name.casefold() == name.casefold()]
    return next(iter([*same, *same_but_case]), None)


def _describe_choice(existing: Sequence[Project]) -> str:
    """Returns the beginning of a sentence that lists existing projects, at most 20, for the model to choose from."""
    if not existing:
        return "There are none yet: name none"
    names = ", ".join(f"“{project.name}”" for project in existing[:_MAX_NAMES_IN_SENTENCE])
    more = ", and more" if len(existing) > _MAX_NAMES_IN_SENTENCE else ""
    return f"There are {names}{more}: name one of these"
