"""Scenarios of Chat Completions: fields that providers refuse or require."""

from typing import Final

from tests.dialects import provider_rules, refusals
from tests.dialects.chat_dialect import ChatDialect, ChatMessages
from tests.dialects.provider import KEY, Rule
from tests.dialects.refusals import WORDINGS, refuse
from tests.dialects.scenarios import Scenario
from tests.dialects.steps import SECRET, TEXT_BESIDE_CALL

_STRICT: Final = "tools.*.function.strict"

STRICT: Final = [
    Scenario(f"strict refused in the words of {name}", ChatDialect([refuse(_STRICT, wording)]))
    for name, wording in WORDINGS.items()
]

_FIELDS: Final[dict[str, list[Rule]]] = {
    "stream_options refused by vLLM": [refuse("stream_options", refusals.vllm)],
    "stream_options refused by Mistral": [refuse("stream_options", refusals.mistral)],
    "stream_options refused by FastAPI": [refuse("stream_options", refusals.fastapi)],
    "tool_choice refused by Go": [refuse("tool_choice", refusals.golang)],
    "tool_choice refused by a model": [refuse("tool_choice", refusals.openai_unsupported)],
    "tool_choice refused as a value": [refuse("tool_choice", refusals.openai_unsupported_value)],
    "parallel_tool_calls refused by Azure": [refuse("parallel_tool_calls", refusals.openai_unrecognized)],
    "minItems refused as a keyword": [refuse("tools.**.minItems", refusals.keyword)],
    "minItems and maxItems refused by OpenAI": [
        refuse("tools.**.minItems", refusals.openai_schema),
        refuse("tools.**.maxItems", refusals.openai_schema),
    ],
    "format refused by Groq": [refuse("tools.**.format", refusals.groq)],
    "format refused as a keyword": [refuse("tools.**.format", refusals.keyword)],
    "additionalProperties refused by Google": [refuse("tools.**.additionalProperties", refusals.google)],
    "Google refuses three fields": [
        refuse(_STRICT, refusals.google),
        refuse("tools.**.maxItems", refusals.google),
        refuse("tools.**.format", refusals.google),
    ],
    "Mistral refuses unknown fields": [
        refuse("stream_options", refusals.mistral),
        refuse("parallel_tool_calls", refusals.mistral),
        refuse("reasoning_effort", refusals.mistral),
        refuse("store", refusals.mistral),
    ],
    "a Rust server refuses two fields": [
        refuse(_STRICT, refusals.serde),
        refuse("stream_options", refusals.serde),
    ],
    "references in schemas refused by Google": [
        refuse("tools.**.$defs", refusals.google),
        refuse("tools.**.$ref", refusals.google),
    ],
    "references in schemas not supported": [refuse("tools.**.$ref", refusals.keyword)],
    "streams with tools refused": [provider_rules.refuse_stream],
    "gpt-5.6 wants no reasoning effort": [provider_rules.require_no_reasoning_effort],
}

FIELDS: Final = [Scenario(name, ChatDialect(rules)) for name, rules in _FIELDS.items()]

_LIMIT: Final = {"OPENAI_MAX_OUTPUT_TOKENS": "500"}

_AZURE: Final = {
    "OPENAI_API_KEY": None,
    "OPENAI_BASE_URL": None,
    "OPENAI_MODEL": "gpt-of-mine",
    "AZURE_OPENAI_ENDPOINT": "{url}",
    "AZURE_OPENAI_API_KEY": KEY,
}

SETTINGS: Final = [
    Scenario(
        "the limit under its newer name",
        ChatDialect([provider_rules.refuse_max_tokens, provider_rules.require_token_limit]),
        settings=_LIMIT,
    ),
    Scenario(
        "the limit under its older name",
        ChatDialect([provider_rules.refuse_max_completion_tokens, provider_rules.require_token_limit]),
        settings=_LIMIT,
    ),
    Scenario(
        "a setting of the reasoning effort",
        ChatDialect([provider_rules.require("reasoning_effort", "low")]),
        settings={"OPENAI_REASONING_EFFORT": "low"},
    ),
    Scenario(
        "a setting of extra fields",
        ChatDialect([provider_rules.require("thinking.type", "disabled")]),
        settings={"OPENAI_EXTRA_BODY": '{"thinking": {"type": "disabled"}}'},
    ),
    Scenario(
        "an API version in the query of the base URL",
        ChatDialect([provider_rules.require_api_version]),
        settings={"OPENAI_BASE_URL": "{url}/v1?api-version=2024-10-21"},
    ),
    Scenario("a base URL with a slash at its end", ChatDialect(), settings={"OPENAI_BASE_URL": "{url}/v1/"}),
    Scenario(
        "a base URL with the path of the API", ChatDialect(), settings={"OPENAI_BASE_URL": "{url}/v1/chat/completions"}
    ),
    Scenario(
        "a deployment at Azure",
        ChatDialect(
            [provider_rules.require_api_version, provider_rules.require_api_key_header],
            path="/openai/deployments/gpt-of-mine/chat/completions",
        ),
        settings=_AZURE | {"AZURE_OPENAI_API_VERSION": "2024-10-21"},
    ),
    Scenario(
        "a deployment at Azure without an API version",
        ChatDialect([provider_rules.require_api_key_header], path="/openai/v1/chat/completions"),
        settings=_AZURE,
    ),
]

HISTORY: Final = [
    Scenario("Bedrock refuses blank content", ChatDialect([provider_rules.refuse_blank_content])),
    Scenario("a server refuses null content", ChatDialect([provider_rules.refuse_null_content])),
    Scenario(
        "a server refuses null and missing content",
        ChatDialect([provider_rules.refuse_null_content, provider_rules.require_content]),
    ),
    Scenario(
        "Bedrock accepts a text beside a call", ChatDialect([provider_rules.refuse_blank_content]), TEXT_BESIDE_CALL
    ),
    Scenario(
        "reasoning is sent, but refused in the history",
        ChatDialect(
            [provider_rules.refuse_reasoning_content],
            ChatMessages(message_extras=lambda _: {"reasoning_content": SECRET}),
        ),
    ),
    Scenario(
        "Mistral sends reasoning, but refuses it in the history",
        ChatDialect(
            [refuse("messages.*.reasoning_content", refusals.mistral)],
            ChatMessages(message_extras=lambda _: {"reasoning_content": SECRET}),
        ),
    ),
]

REQUEST_SCENARIOS: Final = [*STRICT, *FIELDS, *SETTINGS, *HISTORY]
