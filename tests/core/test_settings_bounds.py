"""Bounds of all numeric settings: each value beyond them is one sentence, never a traceback."""

import re
from typing import Any, Final

import pytest
from annotated_types import Ge, Le

from tests.core.variables import Environment
from tests.settings_fields import FIELDS, read_setting

_NUMERIC: Final = [name for name, field in FIELDS.items() if field.annotation in {int, float, int | None}]
_ABSURD: Final = ["-1", "1e999", "1" + "0" * 17, "9" * 5000, "-" + "9" * 400, "nan", "inf", "-inf", "0x10", "1e3x"]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Environment:
    return Environment(monkeypatch)


def bound(name: str, kind: type[Ge] | type[Le]) -> Any:
    """Returns the lowest or highest value of a setting."""
    (found,) = (getattr(mark, kind.__name__.lower()) for mark in FIELDS[name].metadata if isinstance(mark, kind))
    return found


class TestNumericSettings:
    @pytest.mark.parametrize("name", _NUMERIC)
    def test_the_bounds_themselves_are_accepted(self, environment: Environment, name: str) -> None:
        for value in (bound(name, Ge), bound(name, Le)):
            assert read_setting(environment.load(**{name: str(value)}), name) == value

    @pytest.mark.parametrize("name", _NUMERIC)
    def test_a_number_beyond_its_bounds_is_refused(self, environment: Environment, name: str) -> None:
        for value in (bound(name, Ge) - 1, bound(name, Le) + 1):
            assert name in environment.load_error(**{name: str(value)})

    @pytest.mark.parametrize("name", _NUMERIC)
    def test_an_absurd_value_is_one_short_sentence(self, environment: Environment, name: str) -> None:
        for value in _ABSURD:
            sentence = environment.load_error(**{name: value})
            assert re.fullmatch(rf"{name}: [^\n]{{1,200}}\.", sentence), value
