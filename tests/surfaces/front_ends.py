"""Clients of the AI SDK's and AG-UI's protocols, as far as the tests need them: they send requests and read streams."""

import json
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx2
from ag_ui.core import Event
from pydantic import TypeAdapter

from tests.accounts import CHAT, Account

type Json = dict[str, Any]

AI_SDK = f"{CHAT}/ai-sdk"
AG_UI = f"{CHAT}/ag-ui"
_EVENT: TypeAdapter[Any] = TypeAdapter(Event)


def user_message(text: str, message_id: str | None = None) -> Json:
    return {"id": message_id or uuid4().hex[:16], "role": "user", "parts": [{"type": "text", "text": text}]}


def read_data(response: httpx2.Response) -> list[str]:
    """Returns the data of the stream's events. Fails the test unless the response is a stream."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    return [line.removeprefix("data: ") for line in response.text.split("\n") if line.startswith("data: ")]


@dataclass
class AiSdkChat:
    """A chat of `useChat`. It sends all its messages with each request, as that hook does."""

    account: Account
    id: str = field(default_factory=lambda: uuid4().hex[:16])
    messages: list[Json] = field(default_factory=list)

    def say(self, text: str = "Please.", message_id: str | None = None) -> list[Json]:
        self.messages.append(user_message(text, message_id))
        return self.send()

    def send(self, **fields: object) -> list[Json]:
        """Sends the messages, adds the answer to them, and returns its chunks."""
        chunks = self.read(self.post(**fields))
        self.apply(chunks)
        return chunks

    def post(self, **fields: object) -> httpx2.Response:
        body = {"id": self.id, "messages": self.messages, "trigger": "submit-message", **fields}
        return self.account.client.post(AI_SDK, json=body)

    def resume(self) -> httpx2.Response:
        return self.account.client.get(f"{AI_SDK}/{self.id}/stream")

    def read(self, response: httpx2.Response) -> list[Json]:
        assert response.headers["x-vercel-ai-ui-message-stream"] == "v1"
        *chunks, end = read_data(response)
        assert end == "[DONE]"
        return [json.loads(chunk) for chunk in chunks]

    def apply(self, chunks: list[Json]) -> None:
        """Adds the chunks to the last message of the assistant, or to a new one."""
        if self.messages[-1]["role"] == "user":
            self.messages.append({"role": "assistant", "parts": []})
        message = self.messages[-1]
        for chunk in chunks:
            match chunk["type"]:
                case "start":
                    message["id"] = chunk["messageId"]
                case "text-start":
                    message["parts"].append({"type": "text", "text": "", "id": chunk["id"]})
                case "text-delta":
                    message["parts"][-1]["text"] += chunk["delta"]
                case "tool-input-available":
                    part = {"type": f"tool-{chunk['toolName']}", "state": "input-available", "input": chunk["input"]}
                    message["parts"].append(part | {"toolCallId": chunk["toolCallId"]})
                case "tool-approval-request":
                    part = self._find_part(chunk)
                    part |= {"state": "approval-requested", "approval": {"id": chunk["approvalId"]}}
                case "tool-output-available" | "tool-output-error" | "tool-output-denied":
                    self._find_part(chunk)["state"] = chunk["type"].removeprefix("tool-")

    def answer(self, *, approved: bool) -> list[Json]:
        """Answers the approval that the last message asks for, and returns the chunks that follow."""
        self.decide(approved=approved)
        return self.send(messageId=self.messages[-1]["id"])

    def decide(self, *, approved: bool) -> None:
        for part in self.messages[-1]["parts"]:
            if part.get("state") == "approval-requested":
                part["state"] = "approval-responded"
                part["approval"]["approved"] = approved

    @property
    def tools(self) -> list[tuple[str, str]]:
        """The names and states of the tool calls of the last message."""
        parts = self.messages[-1]["parts"]
        return [(part["type"].removeprefix("tool-"), part["state"]) for part in parts if part["type"] != "text"]

    @property
    def texts(self) -> list[str]:
        return [part["text"] for part in self.messages[-1]["parts"] if part["type"] == "text"]

    def _find_part(self, chunk: Json) -> Json:
        (part,) = [part for part in self.messages[-1]["parts"] if part.get("toolCallId") == chunk["toolCallId"]]
        found: Json = part
        return found


@dataclass
class AgUiThread:
    """A thread of AG-UI's `HttpAgent`. Each event is validated by the models of the package `ag-ui-protocol`."""

    account: Account
    id: str = field(default_factory=lambda: str(uuid4()))
    messages: list[Json] = field(default_factory=list)

    def say(self, text: str = "Please.", message_id: str | None = None) -> list[Json]:
        self.messages.append({"id": message_id or str(uuid4()), "role": "user", "content": text})
        return self.run()

    def run(self, **fields: object) -> list[Json]:
        events = [json.loads(data) for data in read_data(self.post(**fields))]
        for event in events:
            assert not _EVENT.validate_python(event).model_extra, event
        return events

    def post(self, **fields: object) -> httpx2.Response:
        run = {"threadId": self.id, "runId": str(uuid4()), "messages": self.messages, "state": {}, "tools": []}
        return self.account.client.post(AG_UI, json=run | {"context": [], "forwardedProps": {}} | fields)

    def answer(self, interrupt: Json, **answer: object) -> list[Json]:
        return self.run(resume=[{"interruptId": interrupt["id"], **answer}])


def text_of(events: list[Json]) -> str:
    """Returns the text of an AG-UI run's messages, each on its own line."""
    texts: dict[str, str] = {}
    for event in events:
        if event["type"] == "TEXT_MESSAGE_CONTENT":
            texts[event["messageId"]] = texts.get(event["messageId"], "") + event["delta"]
    return "\n".join(texts.values())
