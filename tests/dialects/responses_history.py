"""Strict checks of a request of the Responses API, against the output items that the provider sent."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from tests.dialects.chat_history import Part, is_note
from tests.dialects.provider import Produced
from tests.dialects.provider_server import Json

_PARAMETERS: Final = set(
    """
    include input instructions max_output_tokens metadata model parallel_tool_calls prompt_cache_key reasoning
    safety_identifier service_tier store stream temperature text tool_choice tools top_p truncation
    """.split()  # noqa: SIM905 - quoted strings are harder to read
)
_FIELDS: Final = {
    "message": {"type", "id", "role", "content", "status", "phase"},
    "function_call": {"type", "id", "call_id", "name", "arguments", "status"},
    "function_call_output": {"type", "call_id", "output"},
    "reasoning": {"type", "id", "summary", "encrypted_content", "content", "status"},
}
_TOOL_FIELDS: Final = {"type", "name", "description", "parameters", "strict"}


def kind_of(item: Json) -> str:
    """Returns the type of an input item. A message may leave its type out."""
    return str(item.get("type", "message"))


def text_of(item: Json) -> str:
    """Returns the text of a message, whose content is a text or a list of parts."""
    content = item.get("content")
    if isinstance(content, str):
        return content
    return "".join(str(part.get("text", part.get("refusal"))) for part in content or [])


def _is_output(item: Json) -> bool:
    kind = kind_of(item)
    is_answer = kind == "message" and item.get("role") == "assistant" and not is_note(text_of(item))
    return is_answer or kind in {"reasoning", "function_call"}


def answers_of(body: Json) -> list[list[Json]]:
    """Returns the earlier answers of the model in a request: runs of output items."""
    answers: list[list[Json]] = []
    is_run = False
    for item in body.get("input") or []:
        if _is_output(item):
            if not is_run:
                answers.append([])
            answers[-1].append(item)
        is_run = _is_output(item)
    return answers


def faults_of(body: Json, produced: Sequence[Produced], *, broken: frozenset[Part]) -> Iterator[str]:
    """Yields the faults of a request."""
    yield from (f"Unknown parameter: '{name}'." for name in body.keys() - _PARAMETERS)
    if body.get("store") is not False:
        yield "The provider must not store the conversation."
    items = body.get("input")
    if not isinstance(items, list) or not items:
        yield "The input is no list of items."
        return
    yield from _faults_of_tools(body.get("tools") or [])
    yield from _faults_of_instructions(body, items)
    yield from _faults_of_items(items)
    answers = answers_of(body)
    if len(answers) != len(produced):
        yield f"The request has {len(answers)} answers of the model, which sent {len(produced)}."
        return
    for answer, sent in zip(answers, produced, strict=True):
        yield from _faults_of_answer(answer, sent, broken=broken)


def _faults_of_tools(tools: list[Json]) -> Iterator[str]:
    for number, tool in enumerate(tools):
        if tool.get("type") != "function" or not tool.get("name"):
            yield f"Missing required parameter: 'tools[{number}].name'."
        yield from (f"Unknown parameter: 'tools[{number}].{name}'." for name in tool.keys() - _TOOL_FIELDS)


def _faults_of_instructions(body: Json, items: list[Json]) -> Iterator[str]:
    in_items = [item for item in items if item.get("role") in {"system", "developer"}]
    if len(in_items) + bool(body.get("instructions")) != 1 or (in_items and items[0] is not in_items[0]):
        yield "The instructions must come once and first."


def _faults_of_items(items: list[Json]) -> Iterator[str]:
    waiting: set[str] = set()
    for number, item in enumerate(items):
        place, kind = f"input[{number}]", kind_of(item)
        if kind not in _FIELDS:
            yield f"{place}: unknown type {kind!r}."
            continue
        yield from (f"Unknown parameter: '{place}.{name}'." for name in item.keys() - _FIELDS[kind])
        nulls = [name for name, value in item.items() if value is None and name != "encrypted_content"]
        yield from (f"{place}.{name} is null." for name in nulls)
        match kind:
            case "function_call":
                waiting.add(item.get("call_id", ""))
            case "function_call_output" if item.get("call_id") not in waiting:
                yield f"No tool call found for function call output with call_id {item.get('call_id')}."
            case "function_call_output":
                waiting.discard(item["call_id"])
                if not isinstance(item.get("output"), str) or not item["output"]:
                    yield f"{place}.output is {item.get('output')!r}."
            case "message":
                yield from (f"No tool output found for function call {call_id}." for call_id in sorted(waiting))
                yield from _faults_of_message(place, item)
    yield from (f"No tool output found for function call {call_id}." for call_id in sorted(waiting))


def _faults_of_message(place: str, item: Json) -> Iterator[str]:
    if not text_of(item):
        yield f"{place}: the message of the role {item.get('role')} is empty."
    kinds = {"output_text", "refusal"} if item.get("role") == "assistant" else {"input_text"}
    if isinstance(item.get("content"), list):
        yield from (
            f"Invalid value: {part.get('type')!r} at {place}.content."
            for part in item["content"]
            if part.get("type") not in kinds
        )


def _faults_of_answer(answer: list[Json], produced: Produced, *, broken: frozenset[Part]) -> Iterator[str]:
    is_thoughtless = "thoughts" in broken and not any(kind_of(item) == "reasoning" for item in answer)
    items = [item for item in produced.items if not (is_thoughtless and item["type"] == "reasoning")]
    given, sent_kinds = [kind_of(item) for item in answer], [item["type"] for item in items]
    if "calls" in broken and given == ["message"]:
        return
    if given != sent_kinds:
        yield f"The items {given} came back for {sent_kinds}."
        return
    for item, sent in zip(answer, items, strict=True):
        if "id" in item and item["id"] != sent["id"]:
            yield f"Item with id {item['id']!r} not found."
        for name, (value, expected) in _compared(item, sent).items():
            if value != expected and not _is_allowed_change(name, value, expected, broken):
                yield f"{name} came back as {value!r} instead of {expected!r}."


def _is_allowed_change(name: str, value: object, expected: object, broken: frozenset[Part]) -> bool:
    if name == "arguments":
        return "arguments" in broken and isinstance(value, dict)
    return name == "text" and "texts" in broken and str(value).startswith(str(expected))


def _compared(item: Json, sent: Json) -> dict[str, tuple[Any, Any]]:
    """Returns the fields of an item that must come back, each as given and as sent."""
    match sent["type"]:
        case "function_call":
            arguments = {"arguments": (_parsed(item.get("arguments")), _parsed(sent["arguments"]))}
            ids = {"call_id": (item.get("call_id"), sent["call_id"])} if sent["call_id"] else {}
            return ids | {"name": (item.get("name"), sent["name"])} | arguments
        case "reasoning":
            return {name: (item.get(name), sent[name]) for name in ("encrypted_content", "summary")}
        case _:
            return {"text": (text_of(item), text_of(sent)), "phase": (item.get("phase"), sent.get("phase"))}


def _parsed(arguments: object) -> object:
    try:
        return json.loads(str(arguments))
    except ValueError:
        return f"no JSON: {arguments}"
