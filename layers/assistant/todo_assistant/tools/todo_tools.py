"""The registry of all tools that the assistant offers to its model."""

from typing import Final

from todo_assistant.tools.adding import add_todos
from todo_assistant.tools.completion import complete_todos, reopen_todos, skip_todos
from todo_assistant.tools.editing import update_todos
from todo_assistant.tools.projects import add_projects, list_projects
from todo_assistant.tools.registry import ToolRegistry
from todo_assistant.tools.rescheduling import reschedule_todos
from todo_assistant.tools.search import count_todos, day_overview, get_todos, search_todos
from todo_assistant.tools.tags import delete_tag, rename_tag
from todo_assistant.tools.trash import delete_todos, restore_todos
from todo_assistant.tools.undo import redo_last_undo, undo_last_turn

# Keep the order: the tools' schemas are part of the prompt, and providers cache only an unchanged beginning of it.
TODO_TOOLS: Final = ToolRegistry(
    [
        list_projects,
        add_projects,
        search_todos,
        get_todos,
        add_todos,
        update_todos,
        complete_todos,
        reopen_todos,
        reschedule_todos,
        delete_todos,
        restore_todos,
        undo_last_turn,
        day_overview,
        count_todos,
        redo_last_undo,
        skip_todos,
        rename_tag,
        delete_tag,
    ]
)
