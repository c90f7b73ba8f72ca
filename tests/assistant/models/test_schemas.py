"""Schemas of tools keep their meaning without references."""

import json

from todo_assistant.models.schemas import inline_references
from todo_assistant.tools.todo_tools import TODO_TOOLS


def test_a_definition_replaces_each_reference() -> None:
    schema = {
        "type": "object",
        "properties": {
            "first": {"$ref": "#/$defs/Day", "description": "A day."},
            "others": {"items": {"$ref": "#/$defs/Day"}},
        },
        "$defs": {"Day": {"type": "string", "description": "Text."}},
    }
    assert inline_references(schema) == {
        "type": "object",
        "properties": {
            "first": {"type": "string", "description": "A day."},
            "others": {"items": {"type": "string", "description": "Text."}},
        },
    }


def test_a_reference_inside_its_own_definition_is_any_object() -> None:
    tree = {"type": "object", "properties": {"child": {"$ref": "#/$defs/Tree"}}}
    inlined = inline_references({"$ref": "#/$defs/Tree", "$defs": {"Tree": tree}})
    assert inlined == {"type": "object", "properties": {"child": {"type": "object"}}}


def test_no_tool_has_references_afterwards() -> None:
    schemas = [tool["function"]["parameters"] for tool in TODO_TOOLS.schemas]
    assert any("$ref" in json.dumps(schema) for schema in schemas)
    assert not any("$" in json.dumps(list(_names_in(inline_references(schema)))) for schema in schemas)


def _names_in(schema: object) -> list[str]:
    if isinstance(schema, dict):
        return [*schema, *(name for value in schema.values() for name in _names_in(value))]
    return [name for value in schema for name in _names_in(value)] if isinstance(schema, list) else []
