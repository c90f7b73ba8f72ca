"""Traits of the tools for programs that show or filter them: titles, effects, and the schemas of results."""

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct
from pydantic import JsonValue

type JsonSchema = dict[str, JsonValue]


class ToolTraits(Struct, frozen=True):
    """The traits of a tool.

    `reads` is True if it changes nothing. `destroys` is True if it may delete, or overwrite what was there. With
    `repeatable`, a second call with the same arguments has no further effect. `output` is the JSON schema of results.
    """

    title: str
    reads: bool = False
    destroys: bool = False
    repeatable: bool = False
    output: JsonSchema = {}


_TEXT: Final[JsonSchema] = {"type": "string"}
_TEXT_OR_NULL: Final[JsonSchema] = {"type": ["string", "null"]}
_BOOLEAN: Final[JsonSchema] = {"type": "boolean"}
_INTEGER: Final[JsonSchema] = {"type": "integer"}


def _object(required: list[JsonValue], **properties: JsonValue) -> JsonSchema:
    return {"type": "object", "properties": properties, "required": required}


def _array(items: JsonSchema) -> JsonSchema:
    return {"type": "array", "items": items}


_TODO: Final = _object(
    ["id", "title"],
    id=_TEXT,
    title=_TEXT,
    completed=_BOOLEAN,
    priority=_TEXT,
    due=_TEXT_OR_NULL,
    reminder=_TEXT_OR_NULL,
    recurrence=_TEXT_OR_NULL,
    tags=_array(_TEXT),
    project=_TEXT_OR_NULL,
)
_NAMED_TODO: Final = _object(["id", "title"], id=_TEXT, title=_TEXT)
_CHANGED: Final = _object(
    [], results=_array(_object(["ok"], ok=_BOOLEAN, todo=_NAMED_TODO, error=_TEXT)), turn_id=_TEXT
)
_NAMED_CHANGES: Final = _array(_object(["id"], id=_TEXT, title=_TEXT_OR_NULL))
_NAMED_PROJECTS: Final = _array(_object(["name"], name=_TEXT))


def _describe_undo(verb: Literal["undone", "redone"]) -> JsonSchema:
    """Returns the schema of the result of an undo or a redo, whose fields are named by what it did."""
    done: dict[str, JsonValue] = {verb: _NAMED_CHANGES, f"{verb}_projects": _NAMED_PROJECTS}
    return _object([], **done, left_alone=_NAMED_CHANGES, projects_left_alone=_NAMED_PROJECTS, turn_id=_TEXT)


_TAG_CHANGED: Final = _object([], tag=_TEXT, new_tag=_TEXT, changed_todos=_INTEGER, turn_id=_TEXT)

_TRAITS: Final[Mapping[str, ToolTraits]] = {
    "list_projects": ToolTraits(
        "List projects",
        reads=True,
        repeatable=True,
        output=_object([], projects=_NAMED_PROJECTS, more=_BOOLEAN),
    ),
    "add_projects": ToolTraits(
        "Add projects",
        output=_object([], results=_array(_object(["ok"], ok=_BOOLEAN, error=_TEXT)), turn_id=_TEXT),
    ),
    "search_todos": ToolTraits(
        "Search todos",
        reads=True,
        repeatable=True,
        output=_object([], todos=_array(_TODO), total=_INTEGER, more=_BOOLEAN, next=_TEXT_OR_NULL),
    ),
    "get_todos": ToolTraits(
        "Read todos",
        reads=True,
        repeatable=True,
        output=_object([], results=_array(_object(["ok"], ok=_BOOLEAN, todo=_NAMED_TODO, error=_TEXT))),
    ),
    "add_todos": ToolTraits("Add todos", output=_CHANGED),
    "update_todos": ToolTraits("Change todos", destroys=True, repeatable=True, output=_CHANGED),
    # A recurring todo is open again after its completion: each call completes another occurrence.
    "complete_todos": ToolTraits("Complete todos", output=_CHANGED),
    "reopen_todos": ToolTraits("Reopen todos", repeatable=True, output=_CHANGED),
    "reschedule_todos": ToolTraits("Reschedule todos", destroys=True, output=_CHANGED),
    "delete_todos": ToolTraits("Delete todos", destroys=True, repeatable=True, output=_CHANGED),
    "restore_todos": ToolTraits("Restore todos from the trash", repeatable=True, output=_CHANGED),
    "undo_last_turn": ToolTraits("Undo", destroys=True, output=_describe_undo("undone")),
    "day_overview": ToolTraits(
        "Show a day",
        reads=True,
        repeatable=True,
        output=_object([], day=_TEXT, due=_array(_NAMED_TODO), overdue=_array(_NAMED_TODO), more=_BOOLEAN),
    ),
    "count_todos": ToolTraits(
        "Count todos",
        reads=True,
        repeatable=True,
        output=_object([], total=_INTEGER, open=_INTEGER, completed=_INTEGER, overdue=_INTEGER, due_today=_INTEGER),
    ),
    "redo_last_undo": ToolTraits("Redo", destroys=True, output=_describe_undo("redone")),
    "skip_todos": ToolTraits("Skip an occurrence", output=_CHANGED),
    "rename_tag": ToolTraits("Rename a tag", destroys=True, output=_TAG_CHANGED),
    "delete_tag": ToolTraits("Remove a tag from all todos", destroys=True, repeatable=True, output=_TAG_CHANGED),
}


def find_traits(name: str) -> ToolTraits:
    """Returns the traits of a tool. A tool without an entry counts as one that may destroy."""
    return _TRAITS.get(name) or ToolTraits(name, destroys=True, output={"type": "object"})
