"""Errors of OAuth, with the codes of RFC 6749 and of its extensions. They are not problem documents."""

from typing import Literal

type OAuthErrorCode = Literal[
    "access_denied",
    "invalid_client",
    "invalid_client_metadata",
    "invalid_grant",
    "invalid_redirect_uri",
    "invalid_request",
    "invalid_scope",
    "invalid_target",
    "unauthorized_client",
    "unsupported_grant_type",
    "unsupported_response_type",
]


class OAuthError(Exception):
    """A request of a client that is refused. The sentence is for the developer of the client."""

    def __init__(self, code: OAuthErrorCode, sentence: str) -> None:
        self.code: OAuthErrorCode = code
        self.sentence = sentence
        super().__init__(sentence)
