"""Cursors are signed positions in a list. A cursor of another list or without a valid signature is refused."""

import pytest

from todo_core.errors import InvalidCursor
from todo_core.web.cursors import Cursors

KEY, OLDER_KEY = "the key that signs", "the key that signed before"


def parse(first: str, second: str) -> tuple[float, str]:
    return float(first), second


def test_a_cursor_is_read_as_it_was_written() -> None:
    cursors = Cursors([KEY])

    assert cursors.read("todos", cursors.write("todos", 1.5, "an-id"), parse) == (1.5, "an-id")


def test_a_cursor_of_another_list_is_invalid() -> None:
    cursors = Cursors([KEY])

    with pytest.raises(InvalidCursor):
        cursors.read("projects", cursors.write("todos", 1.5, "an-id"), parse)


def test_a_key_rotation_keeps_cursors_valid_until_the_older_key_is_removed() -> None:
    cursor = Cursors([OLDER_KEY]).write("todos", 1.5, "an-id")

    assert Cursors([KEY, OLDER_KEY]).read("todos", cursor, parse) == (1.5, "an-id")
    with pytest.raises(InvalidCursor):
        Cursors([KEY]).read("todos", cursor, parse)


def test_the_first_key_signs() -> None:
    assert Cursors([KEY, OLDER_KEY]).write("todos", 1.5, "an-id") == Cursors([KEY]).write("todos", 1.5, "an-id")


@pytest.mark.parametrize("cursor", ["", ".", "~", "1.5~an-id", "1.5~an-id.", "1.5~an-id.é", "1.5.00~an-id"])
def test_text_without_a_signature_is_invalid(cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        Cursors([KEY]).read("todos", cursor, parse)
