"""The URL of this service as its clients see it, for links and identifiers in responses.

No link is made from a header Host that was not checked: a forged one would lead the receiver to another site.
"""

from typing import Final

from fastapi import Request

from todo_core.errors import ServiceError
from todo_core.web.resources import get_resources

_LOOPBACK: Final = {"localhost", "127.0.0.1", "[::1]"}


class PublicUrlNotConfigured(ServiceError):
    status = 503
    code = "public_url_not_configured"
    title = "URL of the service not configured"
    detail = "The service does not know its own URL: its operator must set PUBLIC_URL, or ALLOWED_HOSTS."
    is_expected = True


def find_public_url(request: Request) -> str:
    """Returns the URL of this service, without a slash at its end.

    It is the setting PUBLIC_URL. Without one, it is made of the host of the request if that is checked: by
    ALLOWED_HOSTS, by the API gateway, or because it is this machine. In development, other hosts get the local URL.

    Raises PublicUrlNotConfigured in production for any other host.
    """
    if url := _find_known_url(request):
        return url
    settings = get_resources(request).settings
    if settings.in_production:
        raise PublicUrlNotConfigured
    return settings.service_url


def build_url(request: Request, path: str) -> str:
    """Returns the URL by which clients reach a path of this service.

    It has no scheme and host if none is known that was checked. Clients resolve it against the URL of their request.
    """
    url = _find_known_url(request)
    return f"{request.scope['root_path'] if url is None else url}{path}"


def _find_known_url(request: Request) -> str | None:
    public_url = get_resources(request).settings.mail.public_url
    if public_url is not None:
        return str(public_url).rstrip("/")
    host = _find_checked_host(request)
    return f"{request.scope['scheme']}://{host}{request.scope['root_path']}" if host else None


def _find_checked_host(request: Request) -> str | None:
    """Returns the host of the request, with its port, if nobody can forge it."""
    event = request.scope.get("aws.event")
    if event is not None:
        name = event.get("requestContext", {}).get("domainName")
        return str(name) if name else None
    host = request.headers.get("host", "").lower()
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    settings = get_resources(request).settings
    # The middleware refuses requests whose host is not one of the allowed hosts.
    return host if host and (settings.allowed_hosts or (name in _LOOPBACK and not settings.in_production)) else None
