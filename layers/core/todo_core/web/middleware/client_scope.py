"""The step that finds the client of a request by its token or its network."""

from typing import Final

from starlette.types import Scope

from todo_core.accounts.api_tokens import TokenMemory
from todo_core.accounts.rate_limits import find_network
from todo_core.accounts.session_tokens import SessionTokens
from todo_core.clients import Client, current_client
from todo_core.web.addresses import find_client_address
from todo_core.web.identity import VerifiedToken, verify_token


class ClientScope:
    """Sets the client of the current task, and leaves what is verified of the token for the routes.

    The claims of a session token count before the session is looked up in the database. So a request of a session that
    has ended counts for its user, until the route refuses it.

    An API token has no claims. Until this process has seen it, its requests count for their network. So the networks'
    limits bound the look-ups of invented tokens.
    """

    def __init__(self, session_tokens: SessionTokens, token_memory: TokenMemory) -> None:
        self._session_tokens: Final = session_tokens
        self._token_memory: Final = token_memory

    def identify(self, scope: Scope) -> Client:
        """Returns the client of the request."""
        verified = verify_token(scope, self._session_tokens)
        scope["state"]["verified_token"] = verified
        client = self._find_client(verified, scope)
        current_client.set(client)
        return client

    def _find_client(self, verified: VerifiedToken | None, scope: Scope) -> Client:
        if isinstance(verified, tuple):
            claims, kind = verified
            return Client(kind, claims.user_id.int)
        owner = None if verified is None else self._token_memory.find_owner(verified)
        if owner is None:
            return Client("network", find_network(find_client_address(scope)))
        return Client("token", owner.int)
