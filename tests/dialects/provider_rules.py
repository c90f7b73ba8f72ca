"""Rules of single providers about the requests that they accept, each with the provider's own error."""

import re
from typing import Final

from tests.dialects.provider import KEY, Rule
from tests.dialects.provider_server import HttpRequest, HttpResponse, json_response
from tests.dialects.refusals import assistant_messages, openai_error

_MAX_ID_CHARACTERS: Final = 64
_MISTRAL_ID: Final = re.compile(r"[A-Za-z0-9]{9}")


def refuse_blank_content(request: HttpRequest) -> HttpResponse | None:
    """Refuses an empty text beside tool calls, as gateways to Bedrock do."""
    for number, message in assistant_messages(request):
        if message.get("tool_calls") and message.get("content") == "":
            place = f"messages.{number}.content.0"
            text = f"The text field in the ContentBlock object at {place} is blank. Add text to it, and try again."
            return openai_error(f'litellm.BadRequestError: BedrockException - {{"message":"{text}"}}', code="400")
    return None


def refuse_null_content(request: HttpRequest) -> HttpResponse | None:
    for number, message in assistant_messages(request):
        if "content" in message and message["content"] is None:
            place = ["body", "messages", number, "assistant", "content"]
            fault = {"type": "string_type", "loc": place, "msg": "Input should be a valid string", "input": None}
            return json_response(
                {"object": "error", "message": {"detail": [fault]}, "type": "invalid_request_error"}, 422
            )
    return None


def require_content(request: HttpRequest) -> HttpResponse | None:
    for number, message in assistant_messages(request):
        if "content" not in message:
            fault = {"type": "missing", "loc": ["body", "messages", number, "content"], "msg": "Field required"}
            return json_response({"detail": [fault]}, 422)
    return None


def require_mistral_ids(request: HttpRequest) -> HttpResponse | None:
    for _, message in assistant_messages(request):
        for call in message.get("tool_calls") or []:
            if not _MISTRAL_ID.fullmatch(str(call.get("id"))):
                text = f"Tool call id was {call.get('id')} but must be a-z, A-Z, 0-9, with a length of 9."
                error = {"object": "error", "message": text, "type": "invalid_function_call", "code": "3280"}
                return json_response(error, 400)
    return None


def refuse_long_ids(request: HttpRequest) -> HttpResponse | None:
    """Refuses ids of more than 64 characters, as OpenAI does."""
    for number, message in assistant_messages(request):
        for call in message.get("tool_calls") or []:
            size = len(call.get("id", ""))
            if size > _MAX_ID_CHARACTERS:
                place = f"messages[{number}].tool_calls[0].id"
                text = f"Invalid '{place}': string too long. Expected a string with maximum length 64, but got {size}."
                return openai_error(text, param=place, code="string_above_max_length")
    return None


def refuse_stream(request: HttpRequest) -> HttpResponse | None:
    return openai_error("Streaming is not supported with tools.") if request.is_streamed else None


def require_no_reasoning_effort(request: HttpRequest) -> HttpResponse | None:
    """Refuses tools unless `reasoning_effort` is `none`, as gpt-5.6 does in Chat Completions."""
    if request.body.get("reasoning_effort") == "none":
        return None
    return openai_error(
        "Function tools with reasoning_effort are not supported for gpt-5.6 in /v1/chat/completions. "
        "To use function tools, use /v1/responses or set reasoning_effort to 'none'.",
        param="reasoning_effort",
    )


def refuse_max_tokens(request: HttpRequest) -> HttpResponse | None:
    if "max_tokens" not in request.body:
        return None
    return openai_error(
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        param="max_tokens",
        code="unsupported_parameter",
    )


def refuse_max_completion_tokens(request: HttpRequest) -> HttpResponse | None:
    """Refuses the newer name of the limit, as Mistral does."""
    if "max_completion_tokens" not in request.body:
        return None
    fault = {
        "type": "extra_forbidden",
        "loc": ["body", "max_completion_tokens"],
        "msg": "Extra inputs are not permitted",
    }
    return json_response({"object": "error", "message": {"detail": [fault]}, "type": "invalid_request_error"}, 422)


def require_token_limit(request: HttpRequest) -> HttpResponse | None:
    """Refuses a request without any limit of the output, or with a limit other than 500."""
    limits = [request.body.get(name) for name in ("max_tokens", "max_completion_tokens", "max_output_tokens")]
    return None if 500 in limits else openai_error("The limit of the output is missing.")


def refuse_reasoning_content(request: HttpRequest) -> HttpResponse | None:
    """Refuses reasoning in the history, as older reasoning models of DeepSeek do."""
    if any("reasoning_content" in message for _, message in assistant_messages(request)):
        return openai_error(
            "The reasoning_content is an intermediate result for display purposes only and will not be included in the "
            "context for inference. Please remove the reasoning_content from your message to reduce network traffic."
        )
    return None


def require_api_version(request: HttpRequest) -> HttpResponse | None:
    if request.query.get("api-version") == "2024-10-21":
        return None
    return json_response({"error": {"code": "404", "message": "Resource not found"}}, 404)


def require_api_key_header(request: HttpRequest) -> HttpResponse | None:
    """Refuses a request whose key is not in Azure's own header."""
    if request.headers.get("api-key") == KEY:
        return None
    message = "Access denied due to invalid subscription key or wrong API endpoint."
    return json_response({"error": {"code": "401", "message": message}}, 401)


def require(place: str, value: object) -> Rule:
    """Refuses requests whose field at a dotted place has another value."""

    def rule(request: HttpRequest) -> HttpResponse | None:
        found: object = request.body
        for step in place.split("."):
            found = found.get(step) if isinstance(found, dict) else None
        return None if found == value else openai_error(f"{place} must be {value!r}, not {found!r}.")

    return rule
