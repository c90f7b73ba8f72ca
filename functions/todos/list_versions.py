"""The version of a list: its ETag, and the number of the user's latest change that it contains.

A list is unchanged as long as the user's change log is. So a client that polls gets a 304 from one short statement.
"""

from hashlib import blake2b
from time import time
from typing import Any, Final

from fastapi import Request, Response

from todo_core.web.openapi import VERSION
from todo_core.web.pages_as_objects import AS_PAGE, CHANGE_SEQ
from todo_core.web.public_url import build_url
from todo_core.web.readers import ListOwner

UNCHANGED: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "The list is still the one whose ETag is in If-None-Match."}
}
_DIGEST_BYTES: Final = 12
_MINUTE_SECONDS: Final = 60


def set_list_version(owner: ListOwner, request: Request, response: Response, *, depends_on_now: bool = False) -> str:
    """Sets ETag and X-Change-Seq of the list that a request reads. Returns the version, the text within the ETag.

    The version has the number of the latest change, and a digest of all else that selects the content: the user, the
    time zone, the URL and the form of the body. The version of the service is in it too: it decides about the fields.
    With `depends_on_now`, it changes every minute. The number is not read after the list. So the list may be newer, but
    never older.
    """
    url = build_url(request, request.scope["path"])
    minute = int(time() // _MINUTE_SECONDS) if depends_on_now else ""
    query = request.scope["query_string"].decode("latin-1")
    form = AS_PAGE in request.scope["state"]
    selected_by = f"{VERSION}\n{owner.id}\n{owner.timezone}\n{url}?{query}\n{minute}\n{form}"
    version = f"{owner.last_seq}-{blake2b(selected_by.encode(), digest_size=_DIGEST_BYTES).hexdigest()}"
    response.headers["ETag"] = f'W/"{version}"'
    response.headers[CHANGE_SEQ] = str(owner.last_seq)
    return version
