"""Pages have at most `limit` items and, only if more items follow, report the last item of the page."""

import asyncio
from collections.abc import Sequence

import pytest

from todo_core.web.paging import decode_text, encode_text, fetch_page


def page_of(items: int, limit: int) -> tuple[Sequence[int], int | None]:
    """Returns the first page of a list of `items` numbers, and the page's last number if more follow."""

    async def fetch(number: int) -> list[int]:
        return list(range(items))[:number]

    return asyncio.run(fetch_page(limit, fetch))


@pytest.mark.parametrize(
    ("items", "limit", "expected"),
    [
        (0, 2, ([], None)),
        (1, 2, ([0], None)),
        (2, 2, ([0, 1], None)),
        (3, 2, ([0, 1], 1)),
        (3, 1, ([0], 0)),
    ],
)
def test_a_page_has_a_last_item_only_if_more_items_follow(
    items: int, limit: int, expected: tuple[list[int], int | None]
) -> None:
    assert page_of(items, limit) == expected


@pytest.mark.parametrize("text", ["", "home", "a~b.c", "Zürich 🚲", "\n"])
def test_any_text_can_be_part_of_a_position(text: str) -> None:
    encoded = encode_text(text)

    assert decode_text(encoded) == text
    assert not set("~.") & set(encoded)
