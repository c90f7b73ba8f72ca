"""The schemas of the assistant's tools, and the argument errors that a language model receives."""

from collections.abc import Iterator

import pytest
from pydantic import JsonValue, ValidationError

from todo_assistant.tools.registry import Tool, describe_invalid_arguments
from todo_assistant.tools.todo_tools import TODO_TOOLS

NAMES = [
    "list_projects",
    "add_projects",
    "search_todos",
    "get_todos",
    "add_todos",
    "update_todos",
    "complete_todos",
    "reopen_todos",
    "reschedule_todos",
    "delete_todos",
    "restore_todos",
    "undo_last_turn",
    "day_overview",
    "count_todos",
    "redo_last_undo",
    "skip_todos",
    "rename_tag",
    "delete_tag",
]
# The service drops these keywords from tool schemas, because strict function calling accepts a subset of JSON Schema.
UNSUPPORTED_KEYWORDS = {"default", "maxLength", "minLength", "pattern", "title"}


def objects_in(schema: JsonValue) -> Iterator[dict[str, JsonValue]]:
    """Yields a JSON schema and all schemas nested in it, but not the dictionaries `properties` and `$defs`."""
    if isinstance(schema, list):
        for item in schema:
            yield from objects_in(item)
    if isinstance(schema, dict):
        yield schema
        for keyword, value in schema.items():
            yield from objects_in(list(value.values()) if keyword in {"properties", "$defs"} else value)  # type: ignore[union-attr]


class TestSchemas:
    def test_the_order_of_the_tools_is_fixed_for_prompt_caches(self) -> None:
        assert [schema["function"]["name"] for schema in TODO_TOOLS.schemas] == NAMES

    @pytest.mark.parametrize("tool", list(TODO_TOOLS), ids=lambda tool: tool.name)
    def test_schemas_are_strict(self, tool: Tool) -> None:  # type: ignore[type-arg]
        for schema in objects_in(tool.schema["function"]["parameters"]):
            assert not UNSUPPORTED_KEYWORDS & set(schema)
            if "properties" in schema:
                assert schema["additionalProperties"] is False
                assert schema["required"] == list(schema["properties"])  # type: ignore[arg-type]


def test_at_most_five_faults_of_arguments_are_described() -> None:
    tool = TODO_TOOLS.find("complete_todos")
    assert tool is not None
    with pytest.raises(ValidationError) as raised:
        tool.parse_arguments('{"ids": ["1", "2", "3", "4", "5", "6", "7"]}')

    sentence = describe_invalid_arguments(raised.value)

    assert sentence.startswith("The arguments are invalid, so nothing was done. ids.0: ")
    assert "ids.4" in sentence
    assert "ids.5" not in sentence
