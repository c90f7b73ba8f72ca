"""Fields of a request that a provider refuses: recognises them in its error, and changes the request accordingly.

Providers that speak the same API accept different fields of it. A change is a short text such as `leave out strict`,
so that the log and the check command can show it.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import JsonValue

from todo_assistant.models.provider_errors import ProviderError
from todo_assistant.models.schemas import inline_references

type Body = dict[str, Any]
"""The JSON object of a request."""

WITHOUT_STREAM: Final = "do not stream"
WITHOUT_REASONING: Final = "leave out earlier reasoning"
_NO_EFFORT: Final = "set reasoning_effort to none"
_NULL_CONTENT: Final = "send null for no content"
_ABSENT_CONTENT: Final = "leave out empty content"
_SHORT_IDS: Final = "shorten ids of calls"
_INLINE: Final = "inline references in schemas of tools"
_LEAVE_OUT: Final = "leave out "
_RENAME: Final = "rename to "

_REQUIRED_FIELDS: Final = {"model", "messages", "input", "tools", "stream"}
_MESSAGE_FIELDS: Final = {"role", "content", "tool_calls", "tool_call_id", "type", "call_id", "output"}
_CALL_FIELDS: Final = {"id", "type", "function", "name", "arguments"}
_SCHEMA_KEYWORDS: Final = {
    "minItems",
    "maxItems",
    "format",
    "additionalProperties",
    "uniqueItems",
    "minimum",
    "maximum",
}
_SCHEMAS_BY_NAME: Final = {"properties", "$defs"}
_TOKEN_LIMITS: Final = ("max_tokens", "max_completion_tokens")

# The patterns are compiled on first use: at import they would take a noticeable part of a cold start.
_REFUSAL: Final = (
    r"un(known|recogni[sz]ed|expected|supported|permitted)"
    r"|(not|n.t|only) (be )?(currently )?(support|permit|allow|valid)"
    r"|forbidden|\bextra\b|invalid|disallowed|cannot|can't|can not|no such|not implemented|instead|must not|should not"
    r"|not recogni[sz]ed|deprecated|remove|none is not|no longer"
)
_MISSING: Final = r"\bmissing\b|field required|is required|must be passed back|must be provided"
_CONTENT: Final = (
    r"\bcontents?\b.{0,200}(null|none|empty|blank|whitespace|string|at least|required|missing|invalid|must|too short)"
    r"|(null|none|empty|blank|required|missing).{0,80}\bcontents?\b"
)
_CALL_ID: Final = (
    r"(call|use)[ _]?id\b.{0,2000}(length|characters|too long|match|pattern|alphanumeric)"
    r"|(tool_calls|input)\[\d+\]\.(call_)?id\b.{0,60}too long"
)
_REFERENCE: Final = r"\$(ref|defs)\b|\breferences?\b.{0,80}\bschema"
_STREAM: Final = (
    r"stream(ing)?\b.{0,60}(not|n.t) (be )?(support|allow|implement|available|enabled)"
    r"|(not|n.t) support.{0,60}\bstream(ing)?\b|unsupported.{0,30}\bstream(ing)?\b"
)
_EFFORT_WITH_TOOLS: Final = r"tools.{0,40}reasoning_effort|reasoning_effort.{0,80}\btools"
_REASONING: Final = (
    r"encrypted_content|thought_?signature|signature.{0,40}(invalid|not valid|verif)"
    r"|(invalid|corrupt).{0,30}signature|item.{0,80}not found"
    r"|reasoning.{0,60}could not be verified|without its required"
)
_UNREFUSABLE_STATUSES: Final = {401, 402, 403, 408, 413, 429}


def find_changes(error: ProviderError, body: Body, made: Sequence[str]) -> list[str]:
    """Returns the changes of the request `body` that may satisfy the provider; none if its error names no field.

    `made` are the changes that the request contains already.
    """
    if error.status is None or error.status in _UNREFUSABLE_STATUSES:
        return []
    text = error.text
    found = [*_find_special_changes(text, body)]
    # OpenAI's error about lost reasoning also names `store`. Without that field, OpenAI would store the conversation.
    if _says(_REFUSAL, text) and not _says(_MISSING, text) and WITHOUT_REASONING not in found:
        found += [_change_of(name, body, made) for name in _removable_names(body) if _is_named(name, text)]
    if not found and re.search(r"parameter:? '?tools\b|invalid.{0,30}\btools\b", text):
        found = [f"{_LEAVE_OUT}strict"]
    return [change for change in dict.fromkeys(found) if change not in made]


def apply_changes(body: Body, changes: Sequence[str]) -> Body:
    """Returns the request with the changes. Does not modify `body`, whose tools are shared between requests."""
    for change in changes:
        body = _apply(body, change)
    return body


def _find_special_changes(text: str, body: Body) -> Iterator[str]:
    if _says(_EFFORT_WITH_TOOLS, text) and body.get("reasoning_effort") != "none" and "messages" in body:
        yield _NO_EFFORT
    if body.get("stream") and _says(_STREAM, text):
        yield WITHOUT_STREAM
    if _says(_REASONING, text) and not _says(_MISSING, text):
        yield WITHOUT_REASONING
    if _says(_CALL_ID, text):
        yield _SHORT_IDS
    if _says(_REFERENCE, text):
        yield _INLINE
    empty = [
        message for message in body.get("messages", ()) if message.get("tool_calls") and not message.get("content")
    ]
    if empty and _says(_CONTENT, text):
        yield _NULL_CONTENT if any(message.get("content") == "" for message in empty) else _ABSENT_CONTENT


def _says(pattern: str, text: str) -> bool:
    return re.search(pattern, text, re.IGNORECASE | re.DOTALL) is not None


def _change_of(name: str, body: Body, made: Sequence[str]) -> str:
    if name in _TOKEN_LIMITS:
        [other] = {*_TOKEN_LIMITS} - {name}
        if other not in body and f"{_RENAME}{name}" not in made:
            return f"{_RENAME}{other}"
    return f"{_LEAVE_OUT}{name}"


def _removable_names(body: Body) -> list[str]:
    """Returns the names in the request that may be left out: options, keywords of schemas, and extra fields."""
    names = [name for name in body if name not in _REQUIRED_FIELDS]
    for tool in body.get("tools", ()):
        names += [name for name in _names_in(tool) if name == "strict" or name in _SCHEMA_KEYWORDS]
    for message in (*body.get("messages", ()), *body.get("input", ())):
        names += [name for name in message if name not in _MESSAGE_FIELDS]
        for call in message.get("tool_calls", ()):
            names += [name for name in (*call, *call["function"]) if name not in _CALL_FIELDS]
    return list(dict.fromkeys(names))


def _names_in(schema: JsonValue) -> Iterator[str]:
    if isinstance(schema, dict):
        for name, value in schema.items():
            yield name
            yield from _names_in(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from _names_in(item)


def _is_named(name: str, text: str) -> bool:
    """Tells whether an error names a field.

    A name that is no English word, such as `stream_options`, may stand anywhere. An English word must be in quotes, in
    a path, alone in a line, or after one like `field`.
    """
    name = re.escape(name)
    if "_" in name or name.lower() != name:
        return re.search(rf"\b{name}\b", text) is not None
    pattern = (
        rf"['\"`]{name}['\"`]|[.\]]{name}(?!\w)|^{name}$|(?:^|['\"`]){name}[.\[]"
        rf"|\b(?:name|field|param|parameter|argument|property|keyword|key|option|member)s?(?: supplied)?:? {name}\b"
    )
    return re.search(pattern, text, re.MULTILINE) is not None


def _apply(body: Body, change: str) -> Body:
    if change in _SPECIAL_CHANGES:
        return _SPECIAL_CHANGES[change](body)
    if change.startswith(_RENAME):
        return _rename_token_limit(body, change.removeprefix(_RENAME))
    return _leave_out(body, change.removeprefix(_LEAVE_OUT))


def _leave_out(body: Body, name: str) -> Body:
    kept = {key: value for key, value in body.items() if key != name or key in _REQUIRED_FIELDS}
    if "tools" in kept:
        # OpenAI's strict mode demands additionalProperties.
        names = {name, "strict"} if name == "additionalProperties" else {name}
        kept["tools"] = [_without(tool, names) for tool in kept["tools"]]
    for part in ("messages", "input"):
        if part in kept:
            kept[part] = [_message_without(message, name) for message in kept[part]]
    return kept


def _without(schema: Any, names: set[str]) -> Any:
    if isinstance(schema, list):
        return [_without(item, names) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        # The names of a tool's parameters stay: a parameter may be called `format`.
        key: {parameter: _without(inner, names) for parameter, inner in value.items()}
        if key in _SCHEMAS_BY_NAME
        else _without(value, names)
        for key, value in schema.items()
        if key not in names
    }


def _message_without(message: Mapping[str, Any], name: str) -> Body:
    kept = {key: value for key, value in message.items() if key != name or key in _MESSAGE_FIELDS}
    if "tool_calls" in kept:
        kept["tool_calls"] = [_call_without(call, name) for call in kept["tool_calls"]]
    return kept


def _call_without(call: Mapping[str, Any], name: str) -> Body:
    if name in _CALL_FIELDS:
        return dict(call)
    kept = {key: value for key, value in call.items() if key != name}
    return kept | {"function": {key: value for key, value in call["function"].items() if key != name}}


def _rename_token_limit(body: Body, name: str) -> Body:
    [other] = {*_TOKEN_LIMITS} - {name}
    return {name if key == other else key: value for key, value in body.items()}


def _set_no_effort(body: Body) -> Body:
    return body | {"reasoning_effort": "none"}


def _stop_streaming(body: Body) -> Body:
    return {name: value for name, value in body.items() if name not in {"stream", "stream_options"}}


def _without_reasoning(body: Body) -> Body:
    if "input" in body:
        # OpenAI refuses a call that has the id of an item if the reasoning before it is absent.
        return body | {
            "input": [
                {name: value for name, value in item.items() if name != "id"}
                for item in body["input"]
                if item.get("type") != "reasoning"
            ]
        }
    messages = [
        {name: value for name, value in message.items() if name in _MESSAGE_FIELDS} for message in body["messages"]
    ]
    return body | {"messages": messages}


def _shorten_ids(body: Body) -> Body:
    """Replaces ids of calls by 9 letters and digits: Mistral accepts no others, and OpenAI none above 64 characters."""
    return body | {
        name: [_with_short_ids(message) for message in body[name]] for name in ("messages", "input") if name in body
    }


def _with_short_ids(message: Body) -> Body:
    short: Body = {name: _shorten(message[name]) for name in ("tool_call_id", "call_id") if name in message}
    if "tool_calls" in message:
        short["tool_calls"] = [call | {"id": _shorten(call["id"])} for call in message["tool_calls"]]
    return message | short


def _shorten(call_id: str) -> str:
    is_short = re.fullmatch("[A-Za-z0-9]{9}", call_id)
    return call_id if is_short else hashlib.sha256(call_id.encode(errors="replace")).hexdigest()[:9]


def _inline_references(body: Body) -> Body:
    return body | {"tools": [_with_inlined_references(tool) for tool in body.get("tools", ())]}


def _with_inlined_references(tool: Body) -> Body:
    """Returns the tool in the form of either API: Chat Completions has its parameters in a field `function`."""
    if "function" in tool:
        return tool | {"function": _with_inlined_references(tool["function"])}
    return tool | {"parameters": inline_references(tool.get("parameters", {}))}


def _set_null_content(body: Body) -> Body:
    return _map_empty_content(body, lambda message: message | {"content": None})


def _remove_empty_content(body: Body) -> Body:
    return _map_empty_content(
        body, lambda message: {name: value for name, value in message.items() if name != "content"}
    )


def _map_empty_content(body: Body, change: Callable[[Body], Body]) -> Body:
    messages = [
        change(message) if message.get("tool_calls") and not message.get("content") else message
        for message in body["messages"]
    ]
    return body | {"messages": messages}


_SPECIAL_CHANGES: Final[Mapping[str, Callable[[Body], Body]]] = {
    WITHOUT_STREAM: _stop_streaming,
    WITHOUT_REASONING: _without_reasoning,
    _NO_EFFORT: _set_no_effort,
    _SHORT_IDS: _shorten_ids,
    _INLINE: _inline_references,
    _NULL_CONTENT: _set_null_content,
    _ABSENT_CONTENT: _remove_empty_content,
}
