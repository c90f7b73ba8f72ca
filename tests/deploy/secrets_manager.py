"""Fake AWS Secrets Manager with one operation: GetSecretValue."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.listening import QuietHandler, listening


@dataclass
class SecretsManager:
    """Fake Secrets Manager with secrets by name, and the names of the secrets that were requested."""

    url: str = ""
    secrets: dict[str, str] = field(default_factory=dict)
    requested: list[str] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables that point a function's AWS client to this server, with fake credentials."""
        return {
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": self.url,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
        }

    def get_secret_value(self, name: str) -> tuple[int, dict[str, str]]:
        self.requested.append(name)
        if name not in self.secrets:
            return 400, {"__type": "ResourceNotFoundException", "Message": "Secrets Manager can't find the secret."}
        return 200, {"ARN": name, "Name": name, "SecretString": self.secrets[name]}


@contextmanager
def secrets_manager() -> Iterator[SecretsManager]:
    manager = SecretsManager()

    class Handler(QuietHandler):
        def do_POST(self) -> None:  # noqa: N802 - the base class calls it by this name
            assert self.headers["x-amz-target"] == "secretsmanager.GetSecretValue"
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            status, response = manager.get_secret_value(request["SecretId"])
            body = json.dumps(response).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with listening(Handler) as manager.url:
        yield manager
