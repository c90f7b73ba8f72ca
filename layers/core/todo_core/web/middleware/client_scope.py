"""The middleware that finds the client of each request by its session token or its network."""

from starlette.types import ASGIApp, Receive, Scope, Send

from todo_core.accounts.rate_limits import find_network
from todo_core.accounts.session_tokens import SessionTokens
from todo_core.clients import Client, current_client
from todo_core.web.addresses import find_client_address
from todo_core.web.identity import verify_session_token


class ClientScope:
    """Sets the client of the current task, and leaves the claims of the session token for the routes.

    The claims count before the session is looked up in the database. So a request of a session that has ended counts
    for its user, until the route refuses it.
    """

    def __init__(self, app: ASGIApp, session_tokens: SessionTokens) -> None:
        self.app = app
        self._session_tokens = session_tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            verified = verify_session_token(scope, self._session_tokens)
            scope["state"]["verified_token"] = verified
            if verified is None:
                client = Client("network", find_network(find_client_address(scope)))
            else:
                claims, kind = verified
                client = Client(kind, claims.user_id.int)
            current_client.set(client)
        await self.app(scope, receive, send)
