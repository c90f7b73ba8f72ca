"""A small client of the Model Context Protocol for tests, which can also send what no honest client sends."""

from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

import httpx2

from tests.mcp_messages import check_response

NEWEST: Final = "2026-07-28"
BEFORE: Final = "2025-11-25"
MCP: Final = "/mcp"
ACCEPT: Final = "application/json, text/event-stream"
CAN_ASK: Final[dict[str, Any]] = {"elicitation": {"form": {}}}
YES: Final[dict[str, Any]] = {"confirm": {"action": "accept", "content": {"confirm": True}}}

_ids = count(1)

type Json = dict[str, Any]


@dataclass
class McpClient:
    """A client of the newest revision."""

    http: httpx2.Client
    headers: dict[str, str]
    capabilities: Json = field(default_factory=dict)

    def post(self, method: str, params: Json | None = None, **headers: str) -> httpx2.Response:
        """Sends a request. `headers` replace those of an honest client; their names have `_` for `-`."""
        envelope = {
            "io.modelcontextprotocol/protocolVersion": NEWEST,
            "io.modelcontextprotocol/clientCapabilities": self.capabilities,
            "io.modelcontextprotocol/clientInfo": {"name": "tests", "version": "1"},
        }
        params = params or {}
        body = {"jsonrpc": "2.0", "id": next(_ids), "method": method, "params": {"_meta": envelope, **params}}
        names = {"Accept": ACCEPT, "MCP-Protocol-Version": NEWEST, "Mcp-Method": method}
        if name := params.get("uri" if method == "resources/read" else "name"):
            names["Mcp-Name"] = name
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        response = self.http.post(MCP, json=body, headers={**self.headers, **names, **given})
        _check(response, body, NEWEST)
        return response

    def result(self, method: str, params: Json | None = None) -> Json:
        response = self.post(method, params)
        assert response.status_code == 200, response.text
        result: Json = response.json()["result"]
        return result

    def call(self, tool: str, arguments: Json | None = None, **params: Any) -> Json:
        """Calls a tool and returns the result, which may ask for input."""
        return self.result("tools/call", {"name": tool, "arguments": arguments or {}, **params})

    def add(self, *titles: str) -> list[str]:
        """Adds todos, and returns their ids."""
        added = self.call("add_todos", {"todos": [{"title": title} for title in titles]})
        return [item["todo"]["id"] for item in added["structuredContent"]["results"]]

    def say_yes(self, tool: str, arguments: Json, asked: Json) -> Json:
        """Repeats a call that asked for input, with the yes of the person."""
        return self.call(tool, arguments, requestState=asked["requestState"], inputResponses=YES)


def post_raw(http: httpx2.Client, headers: dict[str, str], body: Any, **more: str) -> httpx2.Response:
    """Sends a message as it is, as a client of the revision before."""
    given = {name.replace("_", "-"): value for name, value in more.items()}
    response = http.post(MCP, json=body, headers={**headers, "Accept": ACCEPT, **given})
    _check(response, body, BEFORE)
    return response


def _check(response: httpx2.Response, body: Any, version: str) -> None:
    """Checks that the answer is one of the protocol if it is no problem document. No request makes an error of 5xx."""
    assert response.status_code < 500, response.text
    if response.content and response.headers["content-type"] == "application/json":
        check_response(body, version, response.json())


def request(method: str, **params: Any) -> Json:
    return {"jsonrpc": "2.0", "id": next(_ids), "method": method, "params": params}
