"""Refusals of fields: the wordings of providers are recognised, and the request is changed as they demand."""

import json
from typing import Any

import pytest

from todo_assistant.models.provider_errors import ProviderError
from todo_assistant.models.refusals import Body, apply_changes, find_changes

SCHEMA = {
    "type": "object",
    "properties": {
        "ids": {"type": "array", "items": {"type": "string", "format": "uuid"}, "minItems": 1, "maxItems": 5},
        "format": {"type": "string"},
    },
    "additionalProperties": False,
    "required": ["ids", "format"],
}
TOOL = {"type": "function", "function": {"name": "get", "description": "", "parameters": SCHEMA, "strict": True}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "get", "arguments": "{}"}, "extra_content": {"a": 1}}


def chat_body(**fields: Any) -> Body:
    return {
        "model": "m",
        "messages": [
            {"role": "system", "content": "s"},
            {"role": "user", "content": "u"},
            {"role": "assistant", "content": "", "tool_calls": [CALL], "reasoning_content": "r"},
            {"role": "tool", "tool_call_id": "call_1", "content": "{}"},
        ],
        "tools": [TOOL],
        "tool_choice": "auto",
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 100,
        "reasoning_effort": "low",
        **fields,
    }


def pydantic(*place: str | int) -> Any:
    return {"detail": [{"type": "extra_forbidden", "loc": ["body", *place], "msg": "Extra inputs are not permitted"}]}


def message(text: str, **fields: Any) -> Any:
    return {"error": {"message": text, "type": "invalid_request_error", **fields}}


WORDINGS: list[tuple[str, Any]] = [
    ("leave out strict", message("Unknown name \"strict\" at 'tools[0].function': Cannot find field.")),
    ("leave out strict", message("Unknown parameter: 'tools[0].function.strict'.", param="tools[0].function.strict")),
    ("leave out strict", pydantic("tools", 0, "function", "strict")),
    ("leave out strict", message('Validation Error: "strict" - Extra inputs are not permitted')),
    ("leave out strict", message("tools.0.function.strict: Extra inputs are not permitted")),
    ("leave out strict", message("400 invalid value for parameter 'tools'")),
    ("leave out minItems", message("In context=('properties', 'ids'), 'minItems' is not permitted.", param="tools[0]")),
    ("leave out maxItems", message("schema keyword maxItems is not supported")),
    ("leave out format", message("Unsupported keyword 'format' in schema")),
    ("leave out stream_options", message("Unrecognized request argument supplied: stream_options")),
    ("leave out tool_choice", message("tool_choice is not supported by this model")),
    (
        "leave out temperature",
        message("Unsupported value: 'temperature' does not support 0 with this model.", param="temperature"),
    ),
    ("leave out reasoning_content", pydantic("messages", 2, "assistant", "reasoning_content")),
    ("leave out extra_content", message("Unknown name \"extra_content\" at 'messages[2].tool_calls[0]'")),
    (
        "rename to max_completion_tokens",
        message(
            "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead.",
            param="max_tokens",
        ),
    ),
    (
        "set reasoning_effort to none",
        message(
            "Function tools with reasoning_effort are not supported for gpt-5.6 in /v1/chat/completions. "
            "To use function tools, use /v1/responses or set reasoning_effort to 'none'.",
            param="reasoning_effort",
        ),
    ),
    ("send null for no content", message("messages: text content blocks must be non-empty")),
    (
        "send null for no content",
        message("The text field in the ContentBlock object at messages.2.content.0 is blank."),
    ),
    ("do not stream", message("Streaming is not supported with tools")),
    ("shorten ids of calls", message("Tool call id was call_1 but must be a-z, A-Z, 0-9, with a length of 9.")),
    ("leave out earlier reasoning", message("Thought signature is not valid.")),
]


class TestFinding:
    @pytest.mark.parametrize(
        ("change", "body"), WORDINGS, ids=[f"{change}: {json.dumps(body)[:60]}" for change, body in WORDINGS]
    )
    def test_a_wording_is_recognised(self, change: str, body: Any) -> None:
        assert change in find_changes(ProviderError(400, body), chat_body(temperature=0), [])

    @pytest.mark.parametrize(
        "text",
        [
            "Invalid request.",
            "The request is invalid: unexpected end of the format.",
            "Missing `reasoning_content` field in the assistant message at message index 2",
            "The model does not support images",
            "Unsupported date: strictly speaking",
        ],
    )
    def test_other_errors_change_nothing(self, text: str) -> None:
        assert find_changes(ProviderError(400, message(text)), chat_body(), []) == []

    @pytest.mark.parametrize("status", [None, 401, 402, 403, 429])
    def test_other_statuses_change_nothing(self, status: int | None) -> None:
        error = ProviderError(status, message("Unknown name \"strict\" at 'tools[0].function': Cannot find field."))
        assert find_changes(error, chat_body(), []) == []

    def test_a_change_is_made_once(self) -> None:
        error = ProviderError(400, message("tools.0.function.strict: Extra inputs are not permitted"))
        assert find_changes(error, chat_body(), ["leave out strict"]) == []

    def test_a_field_that_the_request_lacks_is_no_change(self) -> None:
        body = chat_body()
        del body["stream_options"]
        assert find_changes(ProviderError(400, message("Unknown field: stream_options")), body, []) == []

    def test_content_goes_from_empty_to_null_to_absent(self) -> None:
        changes: list[str] = []
        contents = []
        for _ in range(3):
            body = apply_changes(chat_body(), changes)
            contents.append(body["messages"][2].get("content", "absent"))
            changes += find_changes(ProviderError(400, message("content must be a non-empty string")), body, changes)
        assert contents == ["", None, "absent"]

    def test_a_token_limit_is_renamed_and_then_left_out(self) -> None:
        changes: list[str] = []
        for name in ("max_tokens", "max_completion_tokens"):
            body = apply_changes(chat_body(), changes)
            assert body[name] == 100
            changes += find_changes(ProviderError(400, message(f"Unknown field {name}")), body, changes)
        assert not {"max_tokens", "max_completion_tokens"} & apply_changes(chat_body(), changes).keys()


class TestApplying:
    def test_a_keyword_leaves_all_schemas_but_a_parameter_of_its_name_stays(self) -> None:
        function = apply_changes(chat_body(), ["leave out format", "leave out minItems"])["tools"][0]["function"]
        properties = function["parameters"]["properties"]
        assert properties == {
            "ids": {"type": "array", "items": {"type": "string"}, "maxItems": 5},
            "format": {"type": "string"},
        }

    def test_without_additional_properties_the_schema_is_not_strict(self) -> None:
        function = apply_changes(chat_body(), ["leave out additionalProperties"])["tools"][0]["function"]
        assert not {"strict", "additionalProperties"} & {*function, *function["parameters"]}

    def test_the_body_itself_stays_unchanged(self) -> None:
        body = chat_body()
        apply_changes(body, [change for change, _ in WORDINGS])
        assert body == chat_body()

    def test_short_ids_still_name_their_calls(self) -> None:
        messages = apply_changes(chat_body(), ["shorten ids of calls"])["messages"]
        call_id = messages[2]["tool_calls"][0]["id"]
        assert len(call_id) == 9
        assert messages[3]["tool_call_id"] == call_id

    def test_extra_fields_of_calls_can_be_left_out(self) -> None:
        messages = apply_changes(chat_body(), ["leave out extra_content"])["messages"]
        assert "extra_content" not in messages[2]["tool_calls"][0]
