"""A site that publishes the metadata of an app by https (a client id metadata document)."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.certificates import Certificate
from tests.listening import QuietHandler, listening

_PATH = "/planner.json"


@dataclass
class Published:
    """The metadata at `url`. The service accepts any port at the redirect URI (RFC 8252, section 7.3)."""

    url: str = ""
    redirect_uris: list[str] = field(default_factory=lambda: ["http://127.0.0.1/callback"])


@contextmanager
def publishing(host: str, certificate: Certificate) -> Iterator[Published]:
    published = Published()

    class Handler(QuietHandler):
        def do_GET(self) -> None:  # noqa: N802 - the base class calls it by this name
            document = {"client_id": published.url, "client_name": "Planner", "redirect_uris": published.redirect_uris}
            content = json.dumps(document | {"token_endpoint_auth_method": "none"}).encode()
            self.send_response(200 if self.path == _PATH else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    with listening(Handler, certificate, address="0.0.0.0") as url:  # noqa: S104 - containers connect through a bridge network
        published.url = f"https://{host}:{urlsplit(url).port}{_PATH}"
        yield published
