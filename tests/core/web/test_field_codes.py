"""Codes of field errors are those of this service, whatever pydantic calls them."""

import re
from pathlib import Path
from typing import Final, get_args

import pytest
from pydantic import TypeAdapter, ValidationError
from pydantic_core.core_schema import ErrorType

from todo_core.accounts.models import Email
from todo_core.todos.errors import RecurrenceNeedsDue
from todo_core.web.field_codes import FieldErrorCode, find_code
from todo_core.web.problems import FieldError

ROOT: Final = Path(__file__).parents[3]
CODES: Final = set(get_args(FieldErrorCode.__value__))
OF_SETTINGS: Final = {"commands.py", "hosts.py", "mail_servers.py", "settings.py", "web_push_keys.py"}
"""Modules whose rules are for values that an operator gives, not for requests."""
RAISED: Final = re.compile(r'(?:PydanticCustomError|\brefuse)\(\s*"(\w+)"|\{"type": "(\w+)", "loc": \("body", "\w+"\)')


def raised_codes() -> dict[str, str]:
    """Returns the codes of all rules for requests, each with a module that raises it."""
    return {
        first or second: path.name
        for folder in ("functions", "layers")
        for path in (ROOT / folder).rglob("*.py")
        if path.name not in OF_SETTINGS
        for first, second in RAISED.findall(path.read_text())
    }


@pytest.mark.parametrize("kind", get_args(ErrorType))
def test_every_type_of_pydantic_has_a_code(kind: str) -> None:
    error = FieldError(field="title", message="", code=find_code(kind))
    assert error.code in CODES


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("string_type", "wrong_type"),
        ("uuid_parsing", "malformed"),
        ("int_parsing", "malformed"),
        ("less_than_equal", "too_large"),
        ("a_type_of_next_year", "invalid"),
    ],
)
def test_the_code_says_what_is_wrong(kind: str, code: str) -> None:
    assert find_code(kind) == code


def test_every_rule_of_a_request_has_a_code_of_its_own() -> None:
    raised = raised_codes()
    assert {"blank", "rfc3339", "text_only", "url", "p256dh"} <= raised.keys()
    # The other codes that rules use are those of pydantic, for a fault that pydantic may find too.
    assert raised.keys() - CODES <= set(get_args(ErrorType))
    assert find_code(RecurrenceNeedsDue.code) == RecurrenceNeedsDue.code


def test_every_code_occurs() -> None:
    of_pydantic = {find_code(kind) for kind in get_args(ErrorType)}
    assert CODES - of_pydantic - {RecurrenceNeedsDue.code} <= raised_codes().keys()


def test_an_address_that_is_none_has_the_code_of_addresses() -> None:
    with pytest.raises(ValidationError) as raised:
        TypeAdapter(Email).validate_python("ada")
    [fault] = raised.value.errors()
    assert find_code(fault["type"]) == "email"
