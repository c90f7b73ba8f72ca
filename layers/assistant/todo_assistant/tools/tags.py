"""Tools that rename a tag in all todos, or remove it from all."""

from typing import Final

from pydantic import Field

from todo_assistant.tools.registry import Arguments, Effect, ToolContext, ToolResult
from todo_core.todos import tags
from todo_core.todos.errors import TagNotFound
from todo_core.todos.model import Tag

_MAX_TODOS: Final = 1_000
"""The most todos that a call changes, because an approval lists them."""


class DeletedTag(Arguments):
    tag: Tag

    async def effect(self, context: ToolContext) -> Effect:
        """Predicts that the call changes all todos with the tag. Of too many, the call changes none."""
        found = await tags.find_todos(context.db, context.user_id, self.tag, limit=_MAX_TODOS + 1)
        return Effect(found if len(found) <= _MAX_TODOS else ())


class RenamedTag(DeletedTag):
    new_tag: Tag = Field(description="If there is such a tag already, both become one.")


async def rename_tag(context: ToolContext, arguments: RenamedTag) -> ToolResult:
    """Rename a tag in all todos that have it."""
    if refusal := await _refuse_too_many(context, arguments.tag):
        return refusal
    try:
        renamed = await tags.rename(context.db, context.actor, arguments.tag, arguments.new_tag)
    except TagNotFound as error:
        return _not_found(error, arguments.tag)
    return ToolResult(ok=True, result={"tag": arguments.tag, "new_tag": renamed.name, "changed_todos": renamed.count})


async def delete_tag(context: ToolContext, arguments: DeletedTag) -> ToolResult:
    """Remove a tag from all todos that have it. The todos stay."""
    if refusal := await _refuse_too_many(context, arguments.tag):
        return refusal
    try:
        changed = await tags.delete(context.db, context.actor, arguments.tag)
    except TagNotFound as error:
        return _not_found(error, arguments.tag)
    return ToolResult(ok=True, result={"tag": arguments.tag, "changed_todos": changed})


async def _refuse_too_many(context: ToolContext, tag: str) -> ToolResult | None:
    found = await tags.find_todos(context.db, context.user_id, tag, limit=_MAX_TODOS + 1)
    if len(found) <= _MAX_TODOS:
        return None
    sentence = f"More than {_MAX_TODOS} todos have this tag: the user must change it in the app. Nothing was done."
    return ToolResult.failed("tag_too_large", sentence, tag=tag)


def _not_found(error: TagNotFound, tag: str) -> ToolResult:
    return ToolResult.failed(error.code, f"No todo has the tag “{tag}”.", tag=tag)
