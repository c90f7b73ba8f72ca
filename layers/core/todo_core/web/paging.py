"""Pages of lists: reads the cursor, fetches one page and sets the Link header to the next page (RFC 8288)."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Request, Response
from msgspec import Struct

from todo_core.web.public_url import build_url
from todo_core.web.query import PageQuery
from todo_core.web.resources import get_resources


def _no_parameters(_item: object) -> Mapping[str, str]:
    return {}


class PagedList[Item, Position](Struct, frozen=True):
    """A list that a route returns page by page.

    `position_of` returns the two parts of an item's position, and `parse` makes a position of two parts from a cursor.
    `link_parameters` returns query parameters that the link to the next page needs beside the cursor.
    """

    name: str
    position_of: Callable[[Item], tuple[object, object]]
    parse: Callable[[str, str], Position]
    link_parameters: Callable[[Item], Mapping[str, str]] = _no_parameters

    async def read_page(
        self,
        request: Request,
        response: Response,
        query: PageQuery,
        fetch: Callable[[int, Position | None], Awaitable[Sequence[Item]]],
    ) -> Sequence[Item]:
        """Returns the page that the query selects. Sets the Link header if more items follow. Raises InvalidCursor.

        `fetch(limit, position)` returns at most `limit` items after the position, or the first items if that is None.
        """
        after = self.read_cursor(request, query)
        page, last = await fetch_page(query.limit, lambda limit: fetch(limit, after))
        if last is not None:
            self.link_to_page_after(last, request, response)
        return page

    def read_cursor(self, request: Request, query: PageQuery) -> Position | None:
        """Returns the position in the query's cursor, or None without one: the first page. Raises InvalidCursor."""
        return get_resources(request).cursors.read(self.name, query.cursor, self.parse) if query.cursor else None

    def link_to_page_after(self, last: Item, request: Request, response: Response) -> None:
        """Sets the Link header to the URL of the page that begins after this item."""
        cursor = get_resources(request).cursors.write(self.name, *self.position_of(last))
        link_to_next(request, response, **self.link_parameters(last), cursor=cursor)


async def fetch_page[Item](
    limit: int, fetch: Callable[[int], Awaitable[Sequence[Item]]]
) -> tuple[Sequence[Item], Item | None]:
    """Returns at most `limit` items, then the last of them if more items follow, else None.

    Fetches one item more than `limit` to find out.
    """
    items = await fetch(limit + 1)
    page = items[:limit]
    return page, page[-1] if len(items) > limit else None


def link_to_next(request: Request, response: Response, **parameters: str) -> None:
    """Sets the Link header to the URL of this request, with these query parameters added or replaced."""
    others = [(name, value) for name, value in request.query_params.multi_items() if name not in parameters]
    url = build_url(request, request.scope["route"].path_format.format_map(request.path_params))
    response.headers["Link"] = f'<{url}?{urlencode([*others, *parameters.items()])}>; rel="next"'


def parse_time_and_id(time: str, id_text: str) -> tuple[datetime, UUID]:
    return datetime.fromisoformat(time), UUID(id_text)


def encode_text(text: str) -> str:
    """Returns text encoded as one part of a position, without the separators that cursors use."""
    return urlsafe_b64encode(text.encode()).decode()


def decode_text(part: str) -> str:
    """Returns the text that `encode_text` encoded."""
    return urlsafe_b64decode(part).decode()
