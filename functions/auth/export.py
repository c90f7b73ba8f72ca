"""The export as a response: sent as it is read, or, on Lambda, whole and within what fits into an answer there."""

import zlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Final

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from todo_core.errors import ServiceError

_GZIP: Final = 16 + zlib.MAX_WBITS
"""For zlib, which writes the header of a gzip file then."""
_MOST_ON_LAMBDA: Final = 6 * 1024 * 1024 - 64 * 1024
"""Bytes of an answer, beside its headers."""


class ExportTooLarge(ServiceError):
    status = 413
    code = "export_too_large"
    title = "Export too large"
    detail = (
        "The export is larger than an answer may be here. Ask for it with Accept-Encoding: gzip, which takes about a "
        "tenth; or read it in pages from /todos, /todos?trashed=true, /todos/changes and /chat/history."
    )


async def answer(parts: AsyncIterator[bytes], request: Request) -> Response:
    """Raises what the first part raises, and ExportTooLarge on Lambda."""
    headers = {"Content-Disposition": f'attachment; filename="todos-{datetime.now(UTC):%Y-%m-%d}.json"'}
    headers["Vary"] = "Accept-Encoding"
    zipped = "gzip" in request.headers.get("accept-encoding", "")
    if zipped:
        headers["Content-Encoding"] = "gzip"
        parts = _zipped(parts)
    if "aws.event" in request.scope:
        return Response(await _within_an_answer(parts, zipped=zipped), headers=headers, media_type="application/json")
    # Begun before the status is sent: by now a database that is away can be told.
    first = await anext(parts)
    return StreamingResponse(_from(first, parts), headers=headers, media_type="application/json")


async def _from(first: bytes, others: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for part in others:
        yield part


async def _zipped(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    compressor = zlib.compressobj(wbits=_GZIP)
    async for part in parts:
        yield compressor.compress(part)
    yield compressor.flush()


async def _within_an_answer(parts: AsyncIterator[bytes], *, zipped: bool) -> bytes:
    found: list[bytes] = []
    size = 0.0
    async for part in parts:
        # Lambda's answer is JSON itself: it holds bytes in base64, and text as a string whose quotes are escaped.
        size += len(part) * 4 / 3 if zipped else len(part) + part.count(b'"') + part.count(b"\\")
        if size > _MOST_ON_LAMBDA:
            raise ExportTooLarge
        found.append(part)
    return b"".join(found)
