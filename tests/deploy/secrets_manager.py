"""AWS Secrets Manager's wire format, for one call: GetSecretValue."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.listening import QuietHandler, listening


@dataclass
class SecretsManager:
    """What it holds by the secrets' names, and whom it was asked for."""

    url: str = ""
    secrets: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which a function finds it, as with those that Lambda sets."""
        return {
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": self.url,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
        }

    def answer(self, name: str) -> tuple[int, dict[str, str]]:
        self.asked.append(name)
        if name not in self.secrets:
            return 400, {"__type": "ResourceNotFoundException", "Message": "Secrets Manager can't find the secret."}
        return 200, {"ARN": name, "Name": name, "SecretString": self.secrets[name]}


@contextmanager
def secrets_manager() -> Iterator[SecretsManager]:
    manager = SecretsManager()

    class Handler(QuietHandler):
        def do_POST(self) -> None:  # noqa: N802 - the name that the base class looks for
            assert self.headers["x-amz-target"] == "secretsmanager.GetSecretValue"
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            status, answer = manager.answer(asked["SecretId"])
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with listening(Handler) as manager.url:
        yield manager
