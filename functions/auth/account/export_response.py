"""The HTTP response with a user's exported data. It is streamed, except on Lambda, which needs all of it at once."""

import zlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from math import inf
from typing import Final

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from todo_core.deadlines import extend
from todo_core.errors import ServiceError
from todo_core.web.content_codings import accepts_gzip
from todo_core.workload import stream_in_turns

_GZIP_WINDOW_BITS: Final = 16 + zlib.MAX_WBITS
"""Value of zlib's `wbits`: the added 16 selects the gzip format instead of the zlib format."""
_MAX_LAMBDA_BYTES: Final = 6 * 1024 * 1024 - 64 * 1024
"""Largest body of a response on Lambda: Lambda's limit of 6 MiB, minus 64 KiB for the headers."""


class ExportTooLarge(ServiceError):
    status = 413
    code = "export_too_large"
    title = "Export too large"
    detail = (
        "The export is larger than a response may be here. Send Accept-Encoding: gzip, which shrinks it to about a "
        "tenth; or read it in pages from /todos, /todos?trashed=true, /todos/changes and /chat/history."
    )


async def build_response(parts: AsyncIterator[bytes], request: Request) -> Response:
    """Returns a response that downloads the parts of the export as one file, with gzip if the client accepts gzip.

    Raises the errors that occur while the first part is read. On Lambda all parts are read before the response, so
    it raises their errors, too, and ExportTooLarge.
    """
    headers = {"Content-Disposition": f'attachment; filename="todos-{datetime.now(UTC):%Y-%m-%d}.json"'}
    headers["Vary"] = "Accept-Encoding"
    extend(inf)  # an export takes as long as its client reads
    zipped = accepts_gzip(request.headers)
    if zipped:
        headers["Content-Encoding"] = "gzip"
        parts = _compress(parts)
    if "aws.event" in request.scope:
        return Response(await _read_all(parts, zipped=zipped), headers=headers, media_type="application/json")
    # Reads the first part before the status is sent, so that an unavailable database is answered with status 503.
    first = await anext(parts)
    return StreamingResponse(stream_in_turns(first, parts), headers=headers, media_type="application/json")


async def _compress(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    compressor = zlib.compressobj(wbits=_GZIP_WINDOW_BITS)
    async for part in parts:
        yield compressor.compress(part)
    yield compressor.flush()


async def _read_all(parts: AsyncIterator[bytes], *, zipped: bool) -> bytes:
    """Returns all parts, joined to one body. Raises ExportTooLarge when the body exceeds Lambda's limit."""
    body: list[bytes] = []
    size = 0.0
    async for part in parts:
        # Counts the size inside Lambda's JSON: base64 of a zipped body, or text with escaped quotes and backslashes.
        size += len(part) * 4 / 3 if zipped else len(part) + part.count(b'"') + part.count(b"\\")
        if size > _MAX_LAMBDA_BYTES:
            raise ExportTooLarge
        body.append(part)
    return b"".join(body)
