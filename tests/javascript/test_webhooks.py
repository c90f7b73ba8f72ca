"""A receiver in another language verifies every message with the library `standardwebhooks` of npm."""

import json
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests import postgres, serving
from tests.accounts import PROJECTS, TODOS, WEBHOOKS, Account, sign_up
from tests.javascript.receiver import FOLDER, JavaScriptReceiver, javascript_receiver
from todo_core.webhooks.attempts import WebhookMessage
from todo_delivery.webhooks.requests import sign

ROOT = Path(__file__).parents[2]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

TITLES = ["Buy milk", "Grüße an 太郎 ☕", 'Quotes " and \\ and </script>', "🥛" * 100, "a\u2028b", "1e309"]
TODOS_OF_LOAD = 200


@pytest.fixture(scope="module")
def service(server_url: str, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with postgres.database(server_url) as database_url:
        settings = {"DATABASE_URL": database_url, "WEBHOOKS_ALLOW_PRIVATE": "true", "OUTBOX_SECONDS": "1"}
        with serving.on_port(environment | settings, folder=str(tmp_path_factory.mktemp("service"))) as surface:
            yield surface.url


@pytest.fixture
def ada(service: str) -> Iterator[Account]:
    with httpx2.Client(base_url=service, timeout=30) as client:
        yield sign_up(client)


@pytest.fixture
def javascript() -> Iterator[JavaScriptReceiver]:
    with javascript_receiver() as subject:
        yield subject


def create(ada: Account, javascript: JavaScriptReceiver, path: str = "/hook") -> dict[str, Any]:
    created = ada.client.post(WEBHOOKS, json={"url": f"{javascript.url}{path}"})
    assert created.status_code == 201, created.text
    webhook: dict[str, Any] = created.json()
    return webhook


def test_every_signature_is_valid_and_the_order_is_that_of_the_changes(
    ada: Account, javascript: JavaScriptReceiver
) -> None:
    javascript.know("/hook", create(ada, javascript)["secret"])
    for number in range(TODOS_OF_LOAD):
        ada.add(f"{TITLES[number % len(TITLES)]} {number}", tags=["home"], description="x\n" * number)
    log = javascript.wait_for(TODOS_OF_LOAD)

    assert [line for line in log if not line["valid"]] == []
    contents = [json.loads(line["body"]) for line in log]
    assert [content["data"]["seq"] for content in contents] == list(range(1, TODOS_OF_LOAD + 1))
    assert len({line["id"] for line in log}) == TODOS_OF_LOAD


def test_each_kind_of_event_is_valid(ada: Account, javascript: JavaScriptReceiver) -> None:
    webhook = create(ada, javascript)
    javascript.know("/hook", webhook["secret"])
    project = ada.add_project("Home")
    todo = ada.add(project_id=project["id"])
    ada.client.patch(f"{TODOS}/{todo['id']}", json={"completed": True}).raise_for_status()
    ada.delete(f"{TODOS}/{todo['id']}")
    ada.client.post(f"{TODOS}/{todo['id']}/restore").raise_for_status()
    ada.client.patch(f"{PROJECTS}/{project['id']}", json={"name": "House"}).raise_for_status()
    javascript.wait_for(6)
    ada.client.post(f"{WEBHOOKS}/{webhook['id']}/test").raise_for_status()
    log = javascript.wait_for(7)

    assert [line for line in log if not line["valid"]] == []
    assert [json.loads(line["body"])["type"] for line in log] == [
        *("project.created", "todo.created", "todo.completed", "todo.deleted", "todo.restored", "project.updated"),
        "webhook.test",
    ]


def test_both_secrets_are_valid_after_a_rotation(ada: Account, javascript: JavaScriptReceiver) -> None:
    webhook = create(ada, javascript)
    rotated = ada.client.post(f"{WEBHOOKS}/{webhook['id']}/secret").json()
    javascript.know("/hook", webhook["secret"], rotated["secret"])
    ada.add()
    [line] = javascript.wait_for(1)

    assert (line["valid"], line["signatures"]) == (True, 2)


def test_another_secret_is_not_valid(ada: Account, javascript: JavaScriptReceiver) -> None:
    create(ada, javascript)
    other = create(ada, javascript, "/other")
    javascript.know("/hook", other["secret"])
    ada.add()
    javascript.wait_for(2)

    line = next(line for line in javascript.log if line["path"] == "/hook")
    assert not line["valid"]
    assert "No matching signature" in line["error"]


def test_the_example_of_the_documentation_verifies_a_message(tmp_path: Path) -> None:
    [example] = re.findall(r"```javascript\n(.*?)```", (ROOT / "docs/webhooks.md").read_text(), re.DOTALL)
    content = '{"type":"todo.created","title":"Grüße 🥛"}'
    headers = sign(WebhookMessage("", "msg_1", content.encode(), [SECRET]), datetime.now(UTC))
    call = f"console.log(receive({json.dumps(content)}, {json.dumps(headers)}, {json.dumps(SECRET)}).title);"
    script = FOLDER / f"example-{tmp_path.name}.mjs"
    script.write_text(f"{example}\n{call}\n")
    try:
        ran = subprocess.run(["node", script], capture_output=True, text=True, check=False)
    finally:
        script.unlink()

    assert (ran.stdout, ran.stderr) == ("Grüße 🥛\n", "")
