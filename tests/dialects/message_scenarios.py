"""Scenarios of Chat Completions: ids, extra fields, thoughts and arguments in the messages of providers."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from tests.dialects.chat_dialect import ChatDialect, ChatMessages
from tests.dialects.chat_stream import Framing, StreamStyle
from tests.dialects.provider_rules import require_mistral_ids
from tests.dialects.provider_server import Json
from tests.dialects.scenarios import Scenario, declines, hides_thought, makes_no_claim, recovers
from tests.dialects.steps import (
    CALL_WITHOUT_ARGUMENTS,
    FIRST_ANSWER,
    ONE_CALL,
    PARALLEL_CALLS,
    SECOND_TURN,
    SECRET,
    TEXT_BESIDE_CALL,
    TWO_ROUNDS,
    Step,
)

_WHOLE: Final = StreamStyle(fragment=None)
_LONG_ID: Final = "call_" + "x0Y-_" * 59
_HIDDEN: Final = {"reasoning_content": SECRET}


def _signature(response: int, position: int) -> Json:
    """Returns Gemini's thought signature, which only the first call of a response has."""
    signature = f"CtYBAVSoXO4+/{response}=="
    return {"extra_content": {"google": {"thought_signature": signature}}} if position == 0 else {}


def _thinking(opening: str, closing: str) -> ChatMessages:
    return ChatMessages(content=lambda step: f"{opening}{SECRET}\n{closing}{step.text}")


def _details(response: int) -> Json:
    """Returns OpenRouter's reasoning details: a readable text in two parts and an encrypted one."""
    kind = {"format": "google-gemini-v1", "index": 0}
    encrypted = {"type": "reasoning.encrypted", "data": f"gAAAA{response}", "id": None} | kind | {"index": 1}
    texts = [{"type": "reasoning.text", "text": part} | kind for part in (SECRET[:9], SECRET[9:])]
    return {"reasoning": SECRET, "reasoning_details": [*texts, encrypted]}


def _azure_message(message: Json) -> Json:
    return message | {"refusal": message.get("refusal"), "annotations": [], "audio": None}


IDENTITY: Final = [
    Scenario(
        "ids of 300 characters", ChatDialect(messages=ChatMessages(call_id=lambda response, _: f"{_LONG_ID}{response}"))
    ),
    Scenario("empty ids", ChatDialect(messages=ChatMessages(call_id=lambda _, __: ""))),
    Scenario("missing ids", ChatDialect(messages=ChatMessages(call_id=lambda _, __: None))),
    Scenario(
        "empty ids of parallel calls",
        ChatDialect(messages=ChatMessages(call_id=lambda _, __: ""), stream=_WHOLE),
        PARALLEL_CALLS,
    ),
    Scenario(
        "one id for parallel calls",
        ChatDialect(messages=ChatMessages(call_id=lambda _, __: "call_0"), stream=_WHOLE),
        PARALLEL_CALLS,
    ),
    Scenario("the same id in each response", ChatDialect(messages=ChatMessages(call_id=lambda _, __: "call_0"))),
    Scenario(
        "Mistral's ids of 9 characters",
        ChatDialect([require_mistral_ids], ChatMessages(call_id=lambda response, place: f"D68PF{response}xx{place}")),
        PARALLEL_CALLS,
    ),
    Scenario(
        "missing ids where ids of 9 characters are required",
        ChatDialect([require_mistral_ids], ChatMessages(call_id=lambda _, __: None)),
        PARALLEL_CALLS,
    ),
    Scenario(
        "Kimi's ids with the name of the function",
        ChatDialect(messages=ChatMessages(call_id=lambda response, place: f"functions.add_todos:{response + place}")),
        PARALLEL_CALLS,
    ),
]

EXTRAS: Final = [
    Scenario(
        "Gemini's thought signatures",
        ChatDialect(
            messages=ChatMessages(call_extras=_signature),
            stream=replace(_WHOLE, usage="each", finish="in the last delta"),
            returned=frozenset({"extra_content"}),
        ),
        TWO_ROUNDS,
    ),
    Scenario(
        "Gemini's parallel calls at index 0",
        ChatDialect(
            messages=ChatMessages(call_id=lambda _, __: "", call_extras=_signature),
            stream=replace(_WHOLE, index="zero"),
            returned=frozenset({"extra_content"}),
        ),
        PARALLEL_CALLS,
    ),
    Scenario(
        "Gemini's parallel calls without index",
        ChatDialect(
            messages=ChatMessages(call_extras=_signature),
            stream=replace(_WHOLE, index="missing"),
            returned=frozenset({"extra_content"}),
        ),
        PARALLEL_CALLS,
    ),
    Scenario(
        "DeepSeek's reasoning must come back",
        ChatDialect(
            messages=ChatMessages(message_extras=lambda response: {"reasoning_content": f"{SECRET} {response}"}),
            returned=frozenset({"reasoning_content"}),
        ),
    ),
    *(
        Scenario(
            f"DeepSeek's reasoning must come back, {title}",
            ChatDialect(
                messages=ChatMessages(message_extras=lambda response: {"reasoning_content": f"{SECRET} {response}"}),
                returned=frozenset({"reasoning_content"}),
            ),
            steps,
        )
        for title, steps in {"two rounds": TWO_ROUNDS, "a text beside a call": TEXT_BESIDE_CALL}.items()
    ),
    Scenario(
        "an empty reasoning must come back",
        ChatDialect(
            messages=ChatMessages(message_extras=lambda _: {"reasoning_content": ""}),
            returnable=frozenset({"reasoning_content"}),
        ),
    ),
    Scenario(
        "OpenRouter's reasoning details",
        ChatDialect(
            messages=ChatMessages(message_extras=_details),
            stream=replace(_WHOLE, framing=Framing(comment="OPENROUTER PROCESSING")),
            returned=frozenset({"reasoning_details"}),
            returnable=frozenset({"reasoning"}),
        ),
    ),
    Scenario(
        "vLLM's field for reasoning",
        ChatDialect(
            messages=ChatMessages(message_extras=lambda _: {"reasoning": SECRET}), returnable=frozenset({"reasoning"})
        ),
    ),
    Scenario("null fields of OpenAI's messages", ChatDialect(messages=ChatMessages(reshape=_azure_message))),
]

THOUGHTS: Final = [
    Scenario("thoughts between tags", ChatDialect(messages=_thinking("<think>", "</think>\n\n"))),
    Scenario(
        "thoughts between tags beside a text",
        ChatDialect(messages=_thinking("<think>\n", "</think>")),
        TEXT_BESIDE_CALL,
    ),
    Scenario("thoughts between long tags", ChatDialect(messages=_thinking("<thinking>", "</thinking>"))),
    Scenario(
        "tags of thoughts cut into characters",
        ChatDialect(messages=_thinking("<think>", "</think>"), stream=StreamStyle(text_size=1)),
    ),
    Scenario(
        "an unclosed thought beside a call",
        ChatDialect(messages=ChatMessages(content=lambda step: f"<think>{SECRET}" if step.uses else step.text)),
    ),
    Scenario(
        "an answer of nothing but an unclosed thought",
        ChatDialect(messages=ChatMessages(content=lambda step: step.text or f"<think>{SECRET}")),
        (Step(""), *SECOND_TURN),
        hides_thought,
    ),
    Scenario("an answer without text", ChatDialect(), (Step(), *SECOND_TURN), hides_thought),
    Scenario(
        "a thought without its opening tag",
        ChatDialect(messages=ChatMessages(content=lambda step: f"{SECRET}</think>{step.text}")),
        forms=("JSON",),
    ),
]

_BROKEN: Final[dict[str, Callable[[str], object]]] = {
    "arguments cut in the middle": lambda text: text[:-9],
    "arguments with a tail": lambda text: f"{text}</tool_call>",
    "arguments with one brace too many": lambda text: f"{text}}}",
    "arguments encoded twice": json.dumps,
    "arguments in a fence": lambda text: f"```json\n{text}\n```",
    "arguments with single quotes": lambda text: text.replace('"', "'"),
    "arguments that are a list": lambda text: f"[{text}]",
    "arguments that are a word": lambda _: "null",
}

ARGUMENTS: Final = [
    Scenario("arguments as objects", ChatDialect(messages=ChatMessages(arguments=json.loads)), PARALLEL_CALLS),
    Scenario(
        "empty arguments",
        ChatDialect(messages=ChatMessages(arguments=lambda text: "" if text == "{}" else text)),
        CALL_WITHOUT_ARGUMENTS,
    ),
    Scenario(
        "null for arguments",
        ChatDialect(messages=ChatMessages(arguments=lambda text: None if text == "{}" else text)),
        CALL_WITHOUT_ARGUMENTS,
    ),
    *(
        Scenario(
            name,
            ChatDialect(messages=ChatMessages(arguments=broken), broken=frozenset({"arguments"})),
            ONE_CALL,
            recovers,
        )
        for name, broken in _BROKEN.items()
    ),
    Scenario(
        "a response cut at its limit",
        ChatDialect(
            messages=ChatMessages(
                arguments=lambda text: text[:12], finish=lambda step: "length" if step.uses else "stop"
            ),
            broken=frozenset({"arguments", "calls", "texts"}),
        ),
        ONE_CALL,
        makes_no_claim,
    ),
]

_BROKEN_NAMES: Final[dict[str, Callable[[str], str]]] = {
    "a name with a namespace": lambda name: f"functions.{name}",
    "a name with a prefix of Gemini": lambda name: f"default_api:{name}",
    "a name with a channel of gpt-oss": lambda name: f"{name}<|channel|>commentary",
    "a name with spaces": lambda name: f" {name} ",
}

NAMES: Final = [
    Scenario(title, ChatDialect(messages=ChatMessages(name=broken), broken=frozenset({"names"})), ONE_CALL, recovers)
    for title, broken in _BROKEN_NAMES.items()
]

_TEXT_CALLS: Final = {
    "Hermes": '<tool_call>\n{"name": "add_todos", "arguments": %s}\n</tool_call>',
    "Llama": '<|python_tag|>{"name": "add_todos", "parameters": %s}',
    "Mistral": '[TOOL_CALLS][{"name": "add_todos", "arguments": %s}]',
    "Qwen": "<function=add_todos>%s</function>",
    "plain JSON": '{"name": "add_todos", "parameters": %s}',
}


def _as_text(form: str) -> Callable[[Json], Json]:
    """Returns a function that moves the tool call of a message into its text."""

    def reshape(message: Json) -> Json:
        calls = message.pop("tool_calls", None)
        return message | {"content": form % calls[0]["function"]["arguments"]} if calls else message

    return reshape


TEXT_CALLS: Final = [
    Scenario(
        f"a tool call as text of {name}",
        ChatDialect(
            messages=ChatMessages(reshape=_as_text(form), finish=lambda _: "stop"), broken=frozenset({"calls"})
        ),
        ONE_CALL,
        makes_no_claim,
    )
    for name, form in _TEXT_CALLS.items()
]

_REFUSAL: Final = "I am sorry, but I cannot help with that."

REFUSALS_OF_THE_MODEL: Final = [
    Scenario("a refusal", ChatDialect(), (Step(refusal=_REFUSAL), *SECOND_TURN), declines),
    Scenario(
        "a content filter without text",
        ChatDialect(
            messages=ChatMessages(finish=lambda step: "content_filter" if not step.uses and not step.text else "stop")
        ),
        (Step(), *SECOND_TURN),
        declines,
    ),
    Scenario(
        "a content filter after some text",
        ChatDialect(
            messages=ChatMessages(finish=lambda step: "content_filter" if step.text == FIRST_ANSWER else "stop"),
            broken=frozenset({"texts"}),
        ),
        (Step(FIRST_ANSWER), *SECOND_TURN),
        declines,
    ),
]

MESSAGE_SCENARIOS: Final = [*IDENTITY, *EXTRAS, *THOUGHTS, *ARGUMENTS, *NAMES, *TEXT_CALLS, *REFUSALS_OF_THE_MODEL]
