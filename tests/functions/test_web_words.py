"""The texts of the page: each language has all of them, and each form, section and tool has its own."""

import json
import re
from pathlib import Path
from typing import Any, Final, get_args

import pytest

from functions.auth.account.models import AccountUsageRead
from functions.web import files
from todo_assistant.tools.todo_tools import TODO_TOOLS
from todo_core.accounts.api_tokens import TokenScope
from todo_core.accounts.models import MIN_PASSWORD_CHARACTERS

_PAGE_ERRORS: Final = {"offline", "unexpected", "not_confirmed", "passkey_cancelled", "push_denied", "stopped"}
"""Codes of errors that the page has itself."""

_UNDOCUMENTED: Final = {"internal_error"}


def _load(path: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((files.FOLDER / path).read_text())
    return loaded


WORDS: Final = {
    path.stem: _load(f"words/{path.name}") | _load(f"settings/words/{path.name}")
    for path in sorted((files.FOLDER / "words").iterdir())
}
ENGLISH: Final = WORDS["en"]
FORMS: Final = _load("ui/forms.json")
SECTIONS: Final = _load("settings/sections.json")


def _find_places(text: str | dict[str, str]) -> set[str]:
    """Returns the names in braces."""
    return set(re.findall(r"\{(\w+)\}", text if isinstance(text, str) else " ".join(text.values())))


@pytest.mark.parametrize("language", WORDS)
class TestLanguage:
    def test_it_has_all_texts(self, language: str) -> None:
        assert list(WORDS[language]) == list(ENGLISH)

    def test_its_texts_have_the_same_places(self, language: str) -> None:
        different = [key for key, text in ENGLISH.items() if _find_places(WORDS[language][key]) != _find_places(text)]
        # German says it without the word of the button.
        assert different in ([], ["settings.sure"])


class TestForms:
    @pytest.mark.parametrize("form", FORMS["forms"])
    def test_it_has_a_button_and_labels(self, form: str) -> None:
        fields = FORMS["forms"][form].get("fields", [])

        assert f"form.{form}.button" in ENGLISH
        assert [field for field in fields if not {f"form.{form}.{field}", f"field.{field}"} & ENGLISH.keys()] == []
        assert [field for field in fields if not {f"{form}.{field}", field} & FORMS["fields"].keys()] == []

    def test_a_short_password_is_told_the_length_that_the_service_demands(self) -> None:
        assert [str(MIN_PASSWORD_CHARACTERS) in words["fault.password_too_short"] for words in WORDS.values()] == [
            True,
            True,
        ]

    def test_a_new_password_has_the_length_that_the_service_demands(self) -> None:
        new = [field for field in FORMS["fields"].values() if field.get("autocomplete") == "new-password"]
        lengths = {field["minlength"] for field in new}

        assert lengths == {MIN_PASSWORD_CHARACTERS}

    def test_a_token_can_have_each_scope(self) -> None:
        assert FORMS["fields"]["scopes"]["options"] == list(get_args(TokenScope.__value__))


class TestSections:
    @pytest.mark.parametrize("section", SECTIONS)
    def test_its_blocks_have_texts(self, section: str) -> None:
        blocks = SECTIONS[section]["blocks"]
        buttons = [f"settings.{action}" for block in blocks for action in block.get("actions", {})]
        lists = [f"settings.{block['list']}.none" for block in blocks if "list" in block]
        titles = [block["title"] for block in blocks if "title" in block]

        assert [key for key in (f"settings.{section}", *buttons, *lists, *titles) if key not in ENGLISH] == []

    @pytest.mark.parametrize("section", SECTIONS)
    def test_its_blocks_show_what_it_reads(self, section: str) -> None:
        reads, blocks = SECTIONS[section].get("reads", {}), SECTIONS[section]["blocks"]

        assert {block["list"] for block in blocks if "list" in block} <= reads.keys()
        assert {block["form"] for block in blocks if "form" in block} <= FORMS["forms"].keys()


class TestUsage:
    def test_each_quota_has_a_name(self) -> None:
        assert [name for name in AccountUsageRead.model_fields if f"usage.{name}" not in ENGLISH] == []


class TestAssistant:
    def test_each_tool_has_a_name(self) -> None:
        assert {key.removeprefix("tool.") for key in ENGLISH if key.startswith("tool.")} == {
            tool.name for tool in TODO_TOOLS
        }


class TestErrors:
    def test_each_is_one_of_the_service_or_of_the_page(self) -> None:
        document = (Path(files.FOLDER).parents[1] / "meta/openapi.json").read_text()
        codes = {key.removeprefix("error.") for key in ENGLISH if key.startswith("error.")}

        assert {code for code in codes - _PAGE_ERRORS - _UNDOCUMENTED if f'"{code}"' not in document} == set()
