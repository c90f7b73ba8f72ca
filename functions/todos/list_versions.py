"""The version of a list: its ETag, and the number of the user's latest change that it contains.

A list is unchanged as long as the user's change log is. So a client that polls gets a 304 from one short statement.
"""

from collections.abc import Awaitable, Callable, Sequence
from hashlib import blake2b
from time import time
from typing import Any, Final, Protocol

from fastapi import Request, Response

from todo_core.todos import changes
from todo_core.web.etags import is_current
from todo_core.web.identity import SignedInUser
from todo_core.web.openapi import CHANGE_SEQ, VERSION
from todo_core.web.paging import build_url
from todo_core.web.resources import get_resources

UNCHANGED: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "The list is still the one whose ETag is in If-None-Match."}
}
_DIGEST_BYTES: Final = 12
_MINUTE_SECONDS: Final = 60


class _Listed(Protocol):
    @property
    def seq(self) -> int | None: ...


class ListVersion:
    """Checks and sets the version of the list that a request reads.

    The ETag has a digest of all that selects the content beside the changes: the user, the time zone, the URL, and the
    version of the service, which decides about the fields. With `depends_on_now`, it changes every minute.
    """

    def __init__(
        self, user: SignedInUser, request: Request, response: Response, *, depends_on_now: bool = False
    ) -> None:
        self._user_id = user.id
        self._database = get_resources(request).database
        self._response = response
        self._seq: int | None = getattr(request.state, "last_seq", None)
        url = f"{build_url(request, request.scope['path'])}?{request.scope['query_string'].decode('latin-1')}"
        minute = int(time() // _MINUTE_SECONDS) if depends_on_now else None
        selected_by = repr((VERSION, user.id.int, user.timezone, url, minute))
        self._digest = blake2b(selected_by.encode(), digest_size=_DIGEST_BYTES).hexdigest()

    async def is_unchanged(self, if_none_match: Sequence[str]) -> bool:
        """Returns True if the client has the list of this moment, and sets the headers of the 304."""
        if not if_none_match:
            return False
        seq = await self._find_seq()
        self._set_headers(seq)
        return is_current(self._format(seq), if_none_match)

    async def read[Page: _Listed](self, read: Callable[[], Awaitable[Page]]) -> Page:
        """Returns the page that `read` returns, and sets the headers with the number of its latest change.

        The number of an empty page is read before the page. So the page may be newer, but never older.
        """
        page = await read()
        if page.seq is None and self._seq is None:
            await self._find_seq()
            page = await read()
        self._set_headers(await self._find_seq() if page.seq is None else page.seq)
        return page

    async def _find_seq(self) -> int:
        """Returns the number of the latest change at the first call. Usually it was read together with the session."""
        if self._seq is None:
            self._seq = await changes.find_last_seq(self._database, self._user_id)
        return self._seq

    def _set_headers(self, seq: int) -> None:
        self._response.headers["ETag"] = f'W/"{self._format(seq)}"'
        self._response.headers[CHANGE_SEQ] = str(seq)

    def _format(self, seq: int) -> str:
        return f"{seq}-{self._digest}"
