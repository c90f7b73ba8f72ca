"""What the scripted model can answer, and how each of these looks on the wire of OpenAI's Chat Completions."""

import json
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from itertools import count, zip_longest
from typing import Any

type Json = dict[str, Any]
type Completion = Say | Call | ToolExecutor | Fail | Garbage | Empty | Hang | Slow | Dribble | Cut

# In how many pieces the body of a completion that is not streamed leaves: Dribble and Cut need somewhere to stop.
PIECES_OF_A_WHOLE = 4

_ids = count(1)


@dataclass(frozen=True)
class Tokens:
    prompt: int = 11
    completion: int = 7


TOKENS = Tokens()


@dataclass(frozen=True)
class Say:
    """The final text, streamed in chunks of `size` characters; a tuple of texts is streamed as it is."""

    text: str | tuple[str, ...]
    size: int = 12
    finish: str = "stop"
    tokens: Tokens | None = TOKENS


@dataclass(frozen=True)
class Call:
    """One tool call; arguments that are a string go out as they are, well-formed or not."""

    name: str
    arguments: Json | str = field(default_factory=dict)
    id: str = field(default_factory=lambda: f"call_{next(_ids)}")

    @property
    def raw(self) -> str:
        return self.arguments if isinstance(self.arguments, str) else json.dumps(self.arguments)


@dataclass(frozen=True, init=False)
class ToolExecutor:
    """Tool calls side by side; streamed in turns of `split` characters, or each call in one chunk when that is None."""

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
    """An error in OpenAI's shape; `page` is a body that is not: what a proxy between says in HTML, even with a 200."""

    status: int = 500
    code: str | None = None
    message: str = "The scripted model fails."
    retry_after: float | str | None = None
    page: str | None = None


@dataclass(frozen=True)
class Garbage:
    """A 200 whose body is this text; streamed, the data of its one event."""

    text: str = "<this is not JSON"


@dataclass(frozen=True)
class Empty:
    """A completion without choices; streamed, nothing but the end."""


@dataclass(frozen=True)
class Hang:
    """No answer, until the client goes away."""


@dataclass(frozen=True)
class Slow:
    """The reply, after a while."""

    reply: Completion
    seconds: float


@dataclass(frozen=True)
class Dribble:
    """The reply, with a pause before every chunk but the first."""

    reply: Completion
    seconds: float


@dataclass(frozen=True)
class Cut:
    """The reply up to a chunk, never the last: the connection breaks; `clean`, only the stream's own end is missing."""

    reply: Completion
    after_chunks: int = 1
    clean: bool = False


@dataclass(frozen=True)
class Asked:
    """What a client has sent; the names of its headers are in lower case."""

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


@dataclass(frozen=True)
class Plan:
    """A response as it goes over the connection: its head, its pieces, and how all of that is held up or broken off."""

    head: bytes = b""
    pieces: tuple[bytes, ...] = ()
    end: bytes = b""
    delay: float = 0
    pause: float = 0
    is_whole: bool = True


def plan_of(reply: Completion, asked: Asked) -> Plan:
    match reply:
        case Slow(inner, seconds):
            return replace(plan_of(inner, asked), delay=seconds)
        case Dribble(inner, seconds):
            return replace(plan_of(inner, asked), pause=seconds)
        case Cut(inner):
            return _cut(plan_of(inner, asked), reply)
        case _:
            return _unhindered(reply, asked)


def _unhindered(reply: Say | Call | ToolExecutor | Fail | Garbage | Empty | Hang, asked: Asked) -> Plan:
    match reply:
        case Hang():
            return Plan(delay=math.inf)
        case Fail():
            return _failure(reply)
        case Garbage(text):
            return _events([text]) if asked.streamed else _whole(text)
        case Empty():
            return _events(["[DONE]"]) if asked.streamed else _whole(json.dumps(_completion(asked, [])))
        case Call():
            return _unhindered(ToolExecutor(reply), asked)
        case Say() | ToolExecutor():
            return _events(_chunks(reply, asked)) if asked.streamed else _whole(json.dumps(_message(reply, asked)))


def _cut(plan: Plan, cut: Cut) -> Plan:
    pieces = plan.pieces[: min(cut.after_chunks, len(plan.pieces) - 1)]
    return replace(plan, pieces=pieces, end=plan.end if cut.clean else b"", is_whole=cut.clean)


def _whole(body: str, status: int = 200, kind: str = "application/json", **headers: str) -> Plan:
    content = body.encode()
    size = max(1, math.ceil(len(content) / PIECES_OF_A_WHOLE))
    pieces = tuple(content[start : start + size] for start in range(0, len(content), size))
    return Plan(_head(status, {"Content-Type": kind, "Content-Length": str(len(content)), **headers}), pieces)


def _events(data: list[str]) -> Plan:
    head = _head(200, {"Content-Type": "text/event-stream; charset=utf-8", "Transfer-Encoding": "chunked"})
    events = [f"data: {item}\n\n".encode() for item in data]
    return Plan(head, tuple(b"%x\r\n%b\r\n" % (len(event), event) for event in events), b"0\r\n\r\n")


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", f"x-request-id: req_{next(_ids)}"]
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items()), "", ""]).encode()


def _failure(fail: Fail) -> Plan:
    headers = {} if fail.retry_after is None else {"Retry-After": str(fail.retry_after)}
    if fail.page is not None:
        return _whole(fail.page, fail.status, "text/html", **headers)
    kind = "server_error" if fail.status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request_error"
    error: Json = {"message": fail.message, "type": kind, "param": None, "code": fail.code}
    return _whole(json.dumps({"error": error}), fail.status, **headers)


def _completion(asked: Asked, choices: list[Json], kind: str = "chat.completion") -> Json:
    name = asked.body.get("model", "scripted")
    return {"id": "chatcmpl-scripted", "object": kind, "created": int(time.time()), "model": name, "choices": choices}


def _usage(tokens: Tokens | None) -> Json | None:
    if tokens is None:
        return None
    total = tokens.prompt + tokens.completion
    return {"prompt_tokens": tokens.prompt, "completion_tokens": tokens.completion, "total_tokens": total}


def _message(reply: Say | ToolExecutor, asked: Asked) -> Json:
    text = "".join(reply.text)
    message: Json = {"role": "assistant", "content": text, "refusal": None}
    if isinstance(reply, ToolExecutor):
        message |= {"content": text or None, "tool_calls": [_call(call) for call in reply.calls]}
    choice: Json = {"index": 0, "message": message, "logprobs": None, "finish_reason": reply.finish}
    return _completion(asked, [choice]) | {"usage": _usage(reply.tokens)}


def _chunks(reply: Say | ToolExecutor, asked: Asked) -> list[str]:
    deltas: list[Json] = [
        {"role": "assistant", "content": None if isinstance(reply, ToolExecutor) else "", "refusal": None}
    ]
    deltas += [{"content": text} for text in _texts(reply)]
    deltas += [{"tool_calls": [call]} for call in (_call_deltas(reply) if isinstance(reply, ToolExecutor) else [])]
    choices: list[list[Json]] = [
        [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}] for delta in deltas
    ]
    choices.append([{"index": 0, "delta": {}, "logprobs": None, "finish_reason": reply.finish}])
    chunks = [_completion(asked, choice, "chat.completion.chunk") for choice in choices]
    if asked.wants_usage and reply.tokens is not None:
        chunks = [chunk | {"usage": None} for chunk in chunks]
        chunks.append(_completion(asked, [], "chat.completion.chunk") | {"usage": _usage(reply.tokens)})
    return [*map(json.dumps, chunks), "[DONE]"]


def _texts(reply: Say | ToolExecutor) -> list[str]:
    if isinstance(reply.text, tuple):
        return list(reply.text)
    return _split(reply.text, reply.size if isinstance(reply, Say) else reply.split)


def _call(call: Call) -> Json:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.raw}}


def _call_deltas(reply: ToolExecutor) -> Iterator[Json]:
    if reply.split is None:
        yield from ({"index": index} | _call(call) for index, call in enumerate(reply.calls))
        return
    for index, call in enumerate(reply.calls):
        yield {"index": index} | _call(replace(call, arguments=""))
    for turn in zip_longest(*(_split(call.raw, reply.split) for call in reply.calls)):
        for index, fragment in enumerate(turn):
            if fragment is not None:
                yield {"index": index, "function": {"arguments": fragment}}


def _split(text: str, size: int | None) -> list[str]:
    size = size or max(1, len(text))
    return [text[start : start + size] for start in range(0, len(text), size)]
