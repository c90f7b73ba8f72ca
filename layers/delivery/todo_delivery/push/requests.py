"""Requests to push services, whose URLs come from clients."""

import asyncio
from collections.abc import Mapping
from importlib import import_module

from todo_delivery.push.sending import Answer, Post


def make_post(*, allow_private: bool) -> Post:
    """Returns the function that sends requests. Its library is loaded with the first one, beside the event loop.

    With `allow_private`, push services may have private addresses, for development.
    """

    async def post(url: str, *, content: bytes, headers: Mapping[str, str]) -> Answer:
        client = await asyncio.to_thread(import_module, "todo_delivery.http.client")
        answer: Answer = await client.GuardedClient(allow_private=allow_private).post(
            url, content=content, headers=headers
        )
        return answer

    return post
