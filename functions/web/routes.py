"""The page and its files. The views of the page are in the fragment of its URL, so they need no routes."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response

from functions.web import files
from functions.web.files import File, Page
from todo_core.web.content_codings import accepts_gzip
from todo_core.web.etags import IfNoneMatch, is_current
from todo_core.web.problems import RouteNotFound
from todo_core.web.resources import get_resources
from todo_core.web.static_files import register_static_files

PATH: Final = "/page"
_NO_STORE: Final = "no-store"
_IMMUTABLE: Final = "public, max-age=31536000, immutable"
_REVALIDATE: Final = "no-cache"
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types lit-html service-worker"
)
"""The Content-Security-Policy of the page: everything comes from this service, and no text becomes HTML or a script."""

register_static_files(PATH)


async def _find_page(request: Request) -> Page:
    """Returns the page. Raises RouteNotFound if the setting WEB_PAGE is off."""
    settings = get_resources(request).settings
    if not settings.web_page:
        raise RouteNotFound
    return files.find_page(is_stable=settings.in_production)


router = APIRouter(include_in_schema=False)
CurrentPage = Annotated[Page, Depends(_find_page)]


@router.get("/")
async def show_page(request: Request, page: CurrentPage, if_none_match: IfNoneMatch = ()) -> Response:
    document = files.render_document(page, request.scope["root_path"])
    response = _revalidate(request, page, document, if_none_match)
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    return response


@router.get("/sw.js")
async def send_worker(request: Request, page: CurrentPage, if_none_match: IfNoneMatch = ()) -> Response:
    """Sends the service worker, which may control the pages beside it and below: the whole service."""
    worker = files.render_worker(page, request.scope["root_path"])
    response = _revalidate(request, page, worker, if_none_match)
    # A worker has a policy of its own. It loads the page's files and nothing else.
    response.headers["Content-Security-Policy"] = "default-src 'none'; connect-src 'self'; frame-ancestors 'none'"
    return response


@router.get(PATH + "/{version}/{path:path}")
async def send_file(request: Request, page: CurrentPage, version: str, path: str) -> Response:
    """Sends a file of the page.

    While a deployment replaces the processes, one may get a request for the version of another. It sends its own
    file, which fits in most cases, and which nobody may keep.
    """
    file = page.find_file(path)
    if file is None:
        raise RouteNotFound
    return _send(request, file, {"Cache-Control": _IMMUTABLE if version == page.version else _NO_STORE})


def _revalidate(request: Request, page: Page, file: File, if_none_match: tuple[str, ...]) -> Response:
    """Sends a file that the browser must ask for at each use, or 304 if the browser has it."""
    # Weak, because the same tag stands for the content with and without gzip.
    headers = {"Cache-Control": _REVALIDATE, "ETag": f'W/"{page.version}"', "Vary": "Accept-Encoding"}
    if is_current(page.version, if_none_match):
        return Response(status_code=304, headers=headers)
    return _send(request, file, headers)


def _send(request: Request, file: File, headers: dict[str, str]) -> Response:
    headers = {**headers, "Content-Type": file.media_type, "Vary": "Accept-Encoding"}
    if file.compressed is not None and accepts_gzip(request.headers):
        return Response(file.compressed, headers={**headers, "Content-Encoding": "gzip"})
    return Response(file.content, headers=headers)
