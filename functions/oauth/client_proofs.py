"""The way in which a client proves itself to the token endpoint: by nothing, or by its secret."""

from base64 import b64decode
from urllib.parse import unquote_plus

from fastapi import Request

from functions.oauth.parameters import Parameters
from todo_core.accounts import oauth_clients
from todo_core.accounts.oauth_clients import AuthMethod, OAuthClient
from todo_core.accounts.oauth_errors import OAuthError
from todo_core.web.resources import get_resources


async def authenticate(request: Request, parameters: Parameters) -> str:
    """Returns the id of the client that sends a request. Raises OAuthError if it does not prove itself.

    A public client only names itself. Its code is useless to others, because they lack the verifier.
    """
    client_id, secret, method = _find_proof(request, parameters)
    if client_id.startswith(("https://", "http://")):
        # A client with published metadata. The grant says whether it belongs to this URL.
        if method != "none":
            raise _refuse()
        return client_id
    client = await oauth_clients.find_registered(get_resources(request).database, client_id)
    if client is None or not _is_proved(client, secret, method):
        raise _refuse()
    return client.id


def _is_proved(client: OAuthClient, secret: str, method: AuthMethod) -> bool:
    if client.auth_method == "none":
        return method == "none"
    # A client that has a secret may send it in either way: many libraries try one, then the other.
    return method != "none" and client.has_secret(secret)


def _find_proof(request: Request, parameters: Parameters) -> tuple[str, str, AuthMethod]:
    """Returns the client's id, its secret and the method. Raises OAuthError for two methods at once."""
    header, secret = request.headers.get("authorization"), parameters.find("client_secret")
    if header is None:
        client_id = parameters.require("client_id")
        return (client_id, "", "none") if secret is None else (client_id, secret, "client_secret_post")
    if secret is not None:
        raise OAuthError("invalid_request", "Send the secret in one way only.")
    client_id, secret = _parse_basic(header)
    if parameters.find("client_id") not in {None, client_id}:
        raise OAuthError("invalid_request", "The parameter client_id differs from the header.")
    return client_id, secret, "client_secret_basic"


def _parse_basic(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        raise _refuse()
    try:
        client_id, separator, secret = b64decode(encoded.strip(), validate=True).decode().partition(":")
    except ValueError:
        raise _refuse() from None
    if not separator:
        raise _refuse()
    return unquote_plus(client_id), unquote_plus(secret)


def _refuse() -> OAuthError:
    return OAuthError("invalid_client", "There is no client with this id and this proof.")
