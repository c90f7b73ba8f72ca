"""What the documentation shows is what happens."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgres, serving
from tests.serving import OnPort
from todo_core.settings import Settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()

_WHAT_DIFFERS = {
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}": "<id>",
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z": "<time>",
    r"localhost:\d+": "<host>",
    r"[A-Z][a-z]+day 20[23]\d-\d\d-\d\d": "<tomorrow>",
}


def conversations() -> list[str]:
    return re.findall(r"```console\n(.*?)```", README, re.DOTALL)


def without_what_differs(text: str) -> str:
    for pattern, name in _WHAT_DIFFERS.items():
        text = re.sub(pattern, name, text)
    return text.strip()


@pytest.fixture
def service(server_url: str, tmp_path: Path) -> Iterator[OnPort]:
    with postgres.database(server_url) as url:
        # Without a key of a language model, as a newcomer begins.
        settings = {"DATABASE_URL": url, "OPENAI_API_KEY": ""}
        with serving.on_port(settings, folder=str(tmp_path)) as service:
            yield service


def test_the_conversation_goes_as_printed(service: OnPort, tmp_path: Path) -> None:
    for conversation in conversations():
        commands = re.findall(r"^\$ (.*)$", conversation, re.MULTILINE)
        script = "\n".join(f"echo {_quoted('$ ' + command)}\n{command}\necho" for command in commands)
        script = script.replace("http://localhost:8000", service.url.replace("127.0.0.1", "localhost"))
        said = subprocess.run(
            ["bash", "-e", "-o", "pipefail"], input=script, cwd=tmp_path, capture_output=True, text=True, check=True
        )
        lines = [line for line in said.stdout.splitlines() if line]
        assert [without_what_differs(line) for line in lines] == [
            without_what_differs(line) for line in conversation.splitlines() if line
        ]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def test_there_are_conversations() -> None:
    assert len(conversations()) == 5


@pytest.mark.parametrize("name", [name.upper() for name in Settings.model_fields])
def test_every_setting_is_documented(name: str) -> None:
    assert f"| `{name}` |" in README
    assert re.search(rf"^#{name}=", (ROOT / ".env.example").read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", re.findall(r"^\| `([A-Z_]+)` \|", README, re.MULTILINE))
def test_every_documented_setting_exists(name: str) -> None:
    assert name.lower() in Settings.model_fields


def test_every_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"`?make ([a-z-]+)\b", README))
    assert named - targets == set()
