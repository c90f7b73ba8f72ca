"""Tests of the documentation: console examples print what they show, tables agree with the code, links have targets."""

import re
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import pytest
from annotated_types import Ge, Le
from pydantic.fields import FieldInfo

from tests import postgres, serving
from tests.service import Service
from tests.settings_fields import FIELDS

ROOT: Final = Path(__file__).parents[1]
DOCUMENTS: Final = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
SETTINGS: Final = (ROOT / "docs/settings.md").read_text()
SETTING_ROWS: Final = {
    name: (default, bounds)
    for name, default, bounds in re.findall(r"^\| `([A-Z_]+)` \| (.*?) \| (.*?) \|", SETTINGS, re.MULTILINE)
}

_FOLDERS: Final = "benchmarks|docs|functions|k8s|layers|locks|migrations|tests|tools"
_PRINTED_TOKEN: Final = "vC1zl5mHqVvWnKcMcTb0fAz0JtMdv8cY2pX9mS3uQkE"
"""The token of the link in the documents. The tests read the real one in the terminal, as the reader does."""
_EXAMPLE_GROUP: Final = "stats"
"""The route group of an example in CONTRIBUTING.md. Its files do not exist, so the test of paths ignores them."""

_VARIABLE_TEXT: Final = {
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}": "<id>",
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z": "<time>",
    r"localhost:\d+": "<host>",
    r"[A-Z][a-z]+day \d{1,2} [A-Z][a-z]+ 20[23]\d": "<tomorrow>",
}
"""Patterns of text that differs in every run, such as ids. Placeholders replace it before a comparison."""


def name_of(document: Path) -> str:
    return str(document.relative_to(ROOT))


def conversations_of(document: str) -> list[str]:
    return re.findall(r"```console\n(.*?)```", (ROOT / document).read_text(), re.DOTALL)


def mask(text: str) -> str:
    for pattern, name in _VARIABLE_TEXT.items():
        text = re.sub(pattern, name, text)
    return text.strip()


@pytest.fixture
def service(server_url: str, tmp_path: Path) -> Iterator[Service]:
    """The process that `make run` starts, with the settings of a new user: no language model, mail server, push key."""
    with postgres.database(server_url) as url:
        settings = {"DATABASE_URL": url, "DATA_FOLDER": str(tmp_path / ".data")}
        # Tests that ran before may have set these.
        unset = ("OPENAI_API_KEY", "MAIL_URL", "PUBLIC_URL", "VAPID_PRIVATE_KEY", "VAPID_SUBJECT")
        service = Service(settings | dict.fromkeys(unset, ""), tmp_path / "log")
        service.start()
        yield service
        service.kill()


class TestConversations:
    @pytest.mark.parametrize(("document", "count"), [("README.md", 1), ("docs/tour.md", 14)])
    def test_they_run_as_printed(self, service: Service, tmp_path: Path, document: str, count: int) -> None:
        conversations = conversations_of(document)
        assert len(conversations) == count
        for conversation in conversations:
            if _PRINTED_TOKEN in conversation:
                conversation = conversation.replace(_PRINTED_TOKEN, _read_token_in_terminal(service))  # noqa: PLW2901
            output = _run(conversation, service, tmp_path)
            assert [mask(line) for line in output.splitlines() if line] == [
                mask(line) for line in conversation.splitlines() if line
            ]


def _read_token_in_terminal(service: Service) -> str:
    """Returns the token of the link for a new password, which the terminal of the service shows."""
    printed = re.compile(
        r"^Mail to ada@example\.com: Choose a new password\n {2}(http://\S+)\?token=(\S+)$", re.MULTILINE
    )
    serving.wait_until(lambda: printed.search(service.log.read_text()) is not None)
    [(page, token)] = printed.findall(service.log.read_text())
    assert page == f"{service.url.replace('127.0.0.1', 'localhost')}/account/reset-password"
    return str(token)


def _run(conversation: str, service: Service, folder: Path) -> str:
    """Runs the commands of a console example in one shell. Returns each command followed by its output."""
    commands = re.findall(r"^\$ (.*)$", conversation, re.MULTILINE)
    script = "\n".join(f"echo {_quote('$ ' + command)}\n{command}\necho" for command in commands)
    script = script.replace("http://localhost:8000", service.url.replace("127.0.0.1", "localhost"))
    ended = subprocess.run(
        ["bash", "-e", "-o", "pipefail"], input=script, cwd=folder, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def _quote(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


class TestSettings:
    def test_every_setting_is_documented_and_every_documented_setting_exists(self) -> None:
        assert set(SETTING_ROWS) == set(FIELDS)

    @pytest.mark.parametrize("name", FIELDS)
    def test_the_default_is_that_of_the_code(self, name: str) -> None:
        default = FIELDS[name].get_default(call_default_factory=True)
        assert SETTING_ROWS[name][0] == ("none" if default is None else f"`{default}`")

    @pytest.mark.parametrize("name", FIELDS)
    def test_numeric_bounds_are_those_of_the_code(self, name: str) -> None:
        bounds = _numeric_bounds(FIELDS[name])
        assert bounds is None or SETTING_ROWS[name][1] == bounds

    @pytest.mark.parametrize("name", FIELDS)
    def test_the_example_file_has_every_setting(self, name: str) -> None:
        assert re.search(rf"^#{name}=", (ROOT / ".env.example").read_text(), re.MULTILINE)


def _numeric_bounds(field: FieldInfo) -> str | None:
    """Returns a setting's bounds as docs/settings.md writes them, or None for a setting without a lower bound."""
    lowest: Any = next((bound.ge for bound in field.metadata if isinstance(bound, Ge)), None)
    highest: Any = next((bound.le for bound in field.metadata if isinstance(bound, Le)), None)
    if lowest is None:
        return None
    return f"at least {lowest}" if highest is None else f"{lowest} to {highest}"


class TestReferences:
    @pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
    def test_every_make_target_exists(self, document: Path) -> None:
        targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
        command = r"(?:`|^|&& )make ([a-z-]+)(?: (?:SUITE|WHICH)=([a-z-]+))?"
        commands = re.findall(command, document.read_text(), re.MULTILINE)
        named = {f"{target}-{part}" if part else target for target, part in commands}
        assert named - targets == set()

    @pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
    def test_every_link_leads_to_a_file_and_a_heading(self, document: Path) -> None:
        for link in re.findall(r"\]\(((?!https?:)[^)]+)\)", document.read_text()):
            path, _, anchor = link.partition("#")
            target = (document.parent / path).resolve() if path else document
            assert target.exists(), link
            assert not anchor or anchor in _anchors_of(target), link

    @pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
    def test_every_path_exists(self, document: Path) -> None:
        paths = re.findall(rf"`((?:{_FOLDERS})/[\w./-]+)`", document.read_text())
        assert [path for path in paths if not (ROOT / path).exists() and _EXAMPLE_GROUP not in path] == []

    @pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
    def test_every_module_exists(self, document: Path) -> None:
        for name in re.findall(
            r"`((?:functions|todo_core|todo_assistant|todo_delivery)\.[a-z_.]+)(?=[`:])", document.read_text()
        ):
            assert find_spec(name), name


def _anchors_of(document: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


class TestGlossary:
    def test_its_words_are_in_alphabetical_order(self) -> None:
        words = re.findall(r"^\| \*\*(.*?)\*\*", (ROOT / "docs/glossary.md").read_text(), re.MULTILINE)
        assert words
        assert words == sorted(words)


class TestReadme:
    def test_it_is_short(self) -> None:
        assert len((ROOT / "README.md").read_text().splitlines()) <= 150
