"""The replies of the scripted model, and their encoding in OpenAI's Chat Completions protocol."""

import json
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from itertools import count, zip_longest
from typing import Any

type Json = dict[str, Any]
type Reply = Say | Call | ToolCalls | Fail | Garbage | Empty | Hang | Slow | Dribble | Cut

# A body that is not streamed has at most 4 pieces. Dribble can pause and Cut can stop between them.
PIECES_OF_BODY = 4

_ids = count(1)


@dataclass(frozen=True)
class Tokens:
    """Token counts that a completion of the scripted model reports as its usage."""

    prompt: int = 11
    completion: int = 7


TOKENS = Tokens()


@dataclass(frozen=True)
class Say:
    """Reply with a final text, streamed in chunks of `size` characters, or one chunk for each item of a tuple."""

    text: str | tuple[str, ...]
    size: int = 12
    finish: str = "stop"
    tokens: Tokens | None = TOKENS


@dataclass(frozen=True)
class Call:
    """Reply with one tool call. Arguments given as a string are sent unchanged, even if they are not valid JSON."""

    name: str
    arguments: Json | str = field(default_factory=dict)
    id: str = field(default_factory=lambda: f"call_{next(_ids)}")

    @property
    def raw(self) -> str:
        return self.arguments if isinstance(self.arguments, str) else json.dumps(self.arguments)


@dataclass(frozen=True, init=False)
class ToolCalls:
    """Reply with several tool calls, whose arguments are streamed in alternating fragments of `split` characters.

    With `split=None` each call is streamed in one chunk.
    """

    calls: tuple[Call, ...]
    text: str
    split: int | None
    finish: str
    tokens: Tokens | None

    def __init__(
        self,
        *calls: Call,
        text: str = "",
        split: int | None = 7,
        finish: str = "tool_calls",
        tokens: Tokens | None = TOKENS,
    ) -> None:
        vars(self).update(calls=calls, text=text, split=split, finish=finish, tokens=tokens)


@dataclass(frozen=True)
class Fail:
    """Error response in OpenAI's format. If `page` is given, it is sent as the HTML page of a proxy instead."""

    status: int = 500
    code: str | None = None
    message: str = "The scripted model fails."
    retry_after: float | str | None = None
    page: str | None = None


@dataclass(frozen=True)
class Garbage:
    """Response with status 200 and an invalid text as its body or, in a stream, as its only event."""

    text: str = "<this is not JSON"


@dataclass(frozen=True)
class Empty:
    """Reply with a completion without choices, or a stream of nothing but its end marker."""


@dataclass(frozen=True)
class Hang:
    """Model that sends no response at all until the client disconnects."""


@dataclass(frozen=True)
class Slow:
    """Reply that begins after a delay of `seconds`."""

    reply: Reply
    seconds: float


@dataclass(frozen=True)
class Dribble:
    """Reply with a pause of `seconds` before every chunk except the first."""

    reply: Reply
    seconds: float


@dataclass(frozen=True)
class Cut:
    """Reply that stops after `after_chunks` chunks, at the latest before its last chunk.

    The connection then breaks. With `clean`, a stream ends normally instead, but without its end marker.
    """

    reply: Reply
    after_chunks: int = 1
    clean: bool = False


@dataclass(frozen=True)
class ReceivedRequest:
    """Request that the scripted model received from a client. The names of its headers are in lower case."""

    body: Json
    headers: Mapping[str, str]

    @property
    def messages(self) -> list[Json]:
        return list(self.body.get("messages", []))

    @property
    def tools(self) -> list[str]:
        return [tool["function"]["name"] for tool in self.body.get("tools", [])]

    @property
    def streamed(self) -> bool:
        return self.body.get("stream") is True

    @property
    def wants_usage(self) -> bool:
        return (self.body.get("stream_options") or {}).get("include_usage") is True


def unfence(content: str) -> Json:
    """Returns the tool result between the markers that a language model receives."""
    result: Json = json.loads(content.removeprefix("<data>").removesuffix("</data>"))
    return result


@dataclass(frozen=True)
class Plan:
    """Response as bytes: head, pieces and end. `delay` and `pause` are the seconds before it and between pieces.

    `is_whole` is False if the response is incomplete, so that the connection must be closed after it.
    """

    head: bytes = b""
    pieces: tuple[bytes, ...] = ()
    end: bytes = b""
    delay: float = 0
    pause: float = 0
    is_whole: bool = True


def plan_response(reply: Reply, request: ReceivedRequest) -> Plan:
    """Encodes a reply as the response to a request, with its delays. Errors are never streamed."""
    match reply:
        case Slow(inner, seconds):
            return replace(plan_response(inner, request), delay=seconds)
        case Dribble(inner, seconds):
            return replace(plan_response(inner, request), pause=seconds)
        case Cut(inner):
            return _cut_plan(plan_response(inner, request), reply)
        case _:
            return _plan_undelayed(reply, request)


def _plan_undelayed(reply: Say | Call | ToolCalls | Fail | Garbage | Empty | Hang, request: ReceivedRequest) -> Plan:
    match reply:
        case Hang():
            return Plan(delay=math.inf)
        case Fail():
            return _error_plan(reply)
        case Garbage(text):
            return _stream_plan([text]) if request.streamed else _body_plan(text)
        case Empty():
            return (
                _stream_plan(["[DONE]"]) if request.streamed else _body_plan(json.dumps(_completion_json(request, [])))
            )
        case Call():
            return _plan_undelayed(ToolCalls(reply), request)
        case Say() | ToolCalls():
            return (
                _stream_plan(_encode_chunks(reply, request))
                if request.streamed
                else _body_plan(json.dumps(_message_json(reply, request)))
            )


def _cut_plan(plan: Plan, cut: Cut) -> Plan:
    pieces = plan.pieces[: min(cut.after_chunks, len(plan.pieces) - 1)]
    return replace(plan, pieces=pieces, end=plan.end if cut.clean else b"", is_whole=cut.clean)


def _body_plan(body: str, status: int = 200, kind: str = "application/json", **headers: str) -> Plan:
    content = body.encode()
    size = max(1, math.ceil(len(content) / PIECES_OF_BODY))
    pieces = tuple(content[start : start + size] for start in range(0, len(content), size))
    return Plan(_head(status, {"Content-Type": kind, "Content-Length": str(len(content)), **headers}), pieces)


def _stream_plan(data: list[str]) -> Plan:
    head = _head(200, {"Content-Type": "text/event-stream; charset=utf-8", "Transfer-Encoding": "chunked"})
    events = [f"data: {item}\n\n".encode() for item in data]
    return Plan(head, tuple(b"%x\r\n%b\r\n" % (len(event), event) for event in events), b"0\r\n\r\n")


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", f"x-request-id: req_{next(_ids)}"]
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items()), "", ""]).encode()


def _error_plan(fail: Fail) -> Plan:
    headers = {} if fail.retry_after is None else {"Retry-After": str(fail.retry_after)}
    if fail.page is not None:
        return _body_plan(fail.page, fail.status, "text/html", **headers)
    kind = "server_error" if fail.status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request_error"
    error: Json = {"message": fail.message, "type": kind, "param": None, "code": fail.code}
    return _body_plan(json.dumps({"error": error}), fail.status, **headers)


def _completion_json(request: ReceivedRequest, choices: list[Json], kind: str = "chat.completion") -> Json:
    name = request.body.get("model", "scripted")
    return {"id": "chatcmpl-scripted", "object": kind, "created": int(time.time()), "model": name, "choices": choices}


def _usage_json(tokens: Tokens | None) -> Json | None:
    if tokens is None:
        return None
    total = tokens.prompt + tokens.completion
    return {"prompt_tokens": tokens.prompt, "completion_tokens": tokens.completion, "total_tokens": total}


def _message_json(reply: Say | ToolCalls, request: ReceivedRequest) -> Json:
    text = "".join(reply.text)
    message: Json = {"role": "assistant", "content": text, "refusal": None}
    if isinstance(reply, ToolCalls):
        message |= {"content": text or None, "tool_calls": [_call_json(call) for call in reply.calls]}
    choice: Json = {"index": 0, "message": message, "logprobs": None, "finish_reason": reply.finish}
    return _completion_json(request, [choice]) | {"usage": _usage_json(reply.tokens)}


def _encode_chunks(reply: Say | ToolCalls, request: ReceivedRequest) -> list[str]:
    deltas: list[Json] = [
        {"role": "assistant", "content": None if isinstance(reply, ToolCalls) else "", "refusal": None}
    ]
    deltas += [{"content": text} for text in _split_text(reply)]
    deltas += [{"tool_calls": [call]} for call in (_call_fragments(reply) if isinstance(reply, ToolCalls) else [])]
    choices: list[list[Json]] = [
        [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}] for delta in deltas
    ]
    choices.append([{"index": 0, "delta": {}, "logprobs": None, "finish_reason": reply.finish}])
    chunks = [_completion_json(request, choice, "chat.completion.chunk") for choice in choices]
    if request.wants_usage and reply.tokens is not None:
        chunks = [chunk | {"usage": None} for chunk in chunks]
        chunks.append(_completion_json(request, [], "chat.completion.chunk") | {"usage": _usage_json(reply.tokens)})
    return [*map(json.dumps, chunks), "[DONE]"]


def _split_text(reply: Say | ToolCalls) -> list[str]:
    if isinstance(reply.text, tuple):
        return list(reply.text)
    return _split(reply.text, reply.size if isinstance(reply, Say) else reply.split)


def _call_json(call: Call) -> Json:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.raw}}


def _call_fragments(reply: ToolCalls) -> Iterator[Json]:
    if reply.split is None:
        yield from ({"index": index} | _call_json(call) for index, call in enumerate(reply.calls))
        return
    for index, call in enumerate(reply.calls):
        yield {"index": index} | _call_json(replace(call, arguments=""))
    for fragments in zip_longest(*(_split(call.raw, reply.split) for call in reply.calls)):
        for index, fragment in enumerate(fragments):
            if fragment is not None:
                yield {"index": index, "function": {"arguments": fragment}}


def _split(text: str, size: int | None) -> list[str]:
    size = size or max(1, len(text))
    return [text[start : start + size] for start in range(0, len(text), size)]
