"""A whole conversation with the official client in Python, which sees the same as `conversation.mjs`."""

import json
from typing import Any

import anyio
import httpx2
from mcp import Client, MCPError
from mcp.client import ClientRequestContext
from mcp.client.streamable_http import streamable_http_client
from mcp_types import ElicitRequestParams, ElicitResult, PromptReference, TextContent, TextResourceContents

from tests.room import ROOM_SECONDS

type Json = dict[str, Any]


def converse(mode: str, url: str, token: str) -> Json:
    """Returns what the client saw. The person says no to the first question, and yes to the second.

    `mode` is `auto` for the newest revision, or `legacy` for those with a handshake.
    """
    return anyio.run(_converse, mode, url, token)


async def _converse(mode: str, url: str, token: str) -> Json:
    answers, questions = [False, True], list[str]()

    async def answer(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        assert context.session is not None
        questions.append(params.message)
        return ElicitResult(action="accept", content={"confirm": answers.pop(0)})

    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=ROOM_SECONDS) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode, elicitation_callback=answer) as client,
    ):
        return {**await _use_tools(client), **await _use_others(client), "questions": questions, "problems": []}


async def _use_tools(client: Client) -> Json:
    async def call(name: str, **arguments: object) -> Json:
        result = await client.call_tool(name, arguments)
        return {**(result.structured_content or {}), "isError": result.is_error}

    async def titles() -> list[str]:
        return [todo["title"] for todo in (await call("search_todos"))["todos"]]

    seen: Json = {
        "instructions": client.instructions,
        "tools": [tool.name for tool in (await client.list_tools()).tools],
    }
    added = await call("add_todos", todos=[{"title": "Milk"}, {"title": "Bread"}])
    milk, bread = (item["todo"]["id"] for item in added["results"])
    seen["added"] = await titles()
    seen["completed"] = (await call("complete_todos", ids=[bread]))["results"][0]["ok"]
    seen["refused"] = await call("delete_todos", ids=[milk])
    seen["afterNo"] = await titles()
    seen["deleted"] = await call("delete_todos", ids=[milk])
    seen["afterYes"] = await titles()
    seen["undone"] = [todo["title"] for todo in (await call("undo_last_turn"))["undone"]]
    seen["afterUndo"] = await titles()
    return seen


async def _use_others(client: Client) -> Json:
    [today] = (await client.read_resource("todo://today")).contents
    [message] = (await client.get_prompt("plan_my_day", {"day": "tomorrow"})).messages
    assert isinstance(today, TextResourceContents)
    assert isinstance(message.content, TextContent)
    begun = {"name": "day", "value": "to"}
    completed = await client.complete(PromptReference(type="ref/prompt", name="plan_my_day"), begun)
    try:
        unknown = str(await client.call_tool("no_such_tool"))
    except MCPError as error:
        unknown = str(error)
    return {
        "resources": [str(resource.uri) for resource in (await client.list_resources()).resources],
        "templates": [each.uri_template for each in (await client.list_resource_templates()).resource_templates],
        "today": json.loads(today.text),
        "prompts": [prompt.name for prompt in (await client.list_prompts()).prompts],
        "prompt": message.content.text,
        "completion": completed.completion.values,
        "unknown": unknown,
    }
