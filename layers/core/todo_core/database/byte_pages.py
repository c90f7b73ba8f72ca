"""Pages of rows that are bounded in bytes, so that no page takes more memory than another."""

from typing import Final

from todo_core.database.executor import Row

MAX_PAGE_BYTES: Final = 512 * 1024
"""Bytes of the long texts on a page of a list. In JSON in an answer of Lambda, a byte takes up to four."""
BYTES_SO_FAR: Final = "bytes_so_far"
"""Name of the last column of a page: the size of its rows from the first one to this one."""


def end_by_bytes(rows: str, size: str, *, order_by: str) -> str:
    """Returns the SELECT that ends sorted rows with the row that reaches `:max_bytes`.

    `size` is the SQL of the bytes of a row. PostgreSQL knows the length of a long text without reading the text, so
    later rows cost little. The last columns are `bytes` and `bytes_so_far`.
    """
    return f"""
        SELECT * FROM (
            SELECT *, sum(bytes) OVER (ORDER BY {order_by} ROWS UNBOUNDED PRECEDING) AS {BYTES_SO_FAR}
            FROM (SELECT *, {size} AS bytes FROM ({rows}) AS sorted_rows) AS measured_rows
        ) AS summed_rows
        WHERE {BYTES_SO_FAR} - bytes < :max_bytes ORDER BY {order_by}
    """  # noqa: S608 - constants


def drop_row_after_page(rows: list[Row], limit: int, max_bytes: int) -> bool:
    """Removes the last row if it belongs to the next page. Returns True if there may be a next page.

    The rows must have been read with a limit of `limit` + 1. A row that reaches `max_bytes` begins the next page. If
    the first row reaches `max_bytes`, the page has this row alone, and the next page may be empty.
    """
    has_more = len(rows) > limit or (len(rows) > 0 and rows[-1][BYTES_SO_FAR] >= max_bytes)
    if has_more and len(rows) > 1:
        rows.pop()
    return has_more
