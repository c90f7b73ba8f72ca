"""Normalization and validation of text that clients send."""

import re
import unicodedata
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from todo_core.text import Text
from todo_core.todos.model import Description, Tag, Title

LINE = TypeAdapter[str](Annotated[str, Text(min_length=1, max_length=8)])
LINES = TypeAdapter[str](Annotated[str, Text(max_length=8, multiline=True)])
CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))]
GROWING = "\u0958\u0344\ufb2c\U0001d160"
"""Characters that Unicode normalization (NFC) replaces by two or three, so that the text grows."""

anything = st.text(max_size=8)
tricky = st.text(alphabet="aé \t\n\r\v\x00\x1c\x1f\x7f\x85\x9f\u00a0\u0301\u2028\u3000" + GROWING, max_size=8)


def code_of(adapter: TypeAdapter[str], value: object) -> str:
    with pytest.raises(ValidationError) as refused:
        adapter.validate_python(value)
    [error] = refused.value.errors()
    return error["type"]


def is_taken(adapter: TypeAdapter[str], value: str) -> bool:
    try:
        adapter.validate_python(value)
    except ValidationError:
        return False
    return True


class TestCleaning:
    @pytest.mark.parametrize("text", ["Cafe\u0301", "\u212b", "\u1112\u1161\u11ab", "ﬀ"])
    def test_text_is_normalized_to_nfc(self, text: str) -> None:
        assert LINE.validate_python(text) == unicodedata.normalize("NFC", text)

    @pytest.mark.parametrize("space", [" ", "\t", "\n", "\r\n", "\v", "\u00a0", "\u2003", "\u2028", "\u3000"])
    def test_text_is_trimmed(self, space: str) -> None:
        assert LINE.validate_python(f"{space}a b{space}") == "a b"

    @pytest.mark.parametrize("text", ["a  b", "a\u00a0b", "a\u200db", "a\u200b", "a\u202eb", "ZWJ\ufeffa", "🥛"])
    def test_characters_inside_the_text_are_kept(self, text: str) -> None:
        assert LINE.validate_python(text) == text

    def test_line_breaks_become_newlines(self) -> None:
        assert LINES.validate_python("a\r\nb\rc\nd") == "a\nb\nc\nd"

    def test_tabs_and_empty_lines_are_kept_in_multiline_text(self) -> None:
        assert LINES.validate_python("a\n\n\tb") == "a\n\n\tb"


class TestRefusals:
    @pytest.mark.parametrize("control", CONTROLS, ids=ascii)
    def test_a_control_character_is_refused(self, control: str) -> None:
        assert code_of(LINE, f"a{control}b") == "control_characters"

    @pytest.mark.parametrize("control", sorted(set(CONTROLS) - set("\t\n\r")), ids=ascii)
    def test_a_control_character_in_multiline_text_is_refused(self, control: str) -> None:
        assert code_of(LINES, f"a{control}b") == "control_characters"

    @pytest.mark.parametrize("text", ["\0", "\0a", "a\0"])
    def test_nul_is_refused_anywhere(self, text: str) -> None:
        assert code_of(LINE, text) == code_of(LINES, text) == "control_characters"

    @pytest.mark.parametrize("text", [" ", "\t\n", "\u00a0\u3000"])
    def test_blank_text_is_refused_if_required(self, text: str) -> None:
        assert code_of(LINE, text) == "blank"

    def test_empty_text_is_refused_if_required(self) -> None:
        assert code_of(LINE, "") == "string_too_short"

    def test_text_that_is_too_long_is_refused(self) -> None:
        assert code_of(LINE, "a" * 9) == "string_too_long"

    @pytest.mark.parametrize("value", [None, 1, True, ["a"], {}])
    def test_other_types_are_refused(self, value: object) -> None:
        assert not is_taken(TypeAdapter(Annotated[str, Text(max_length=8)]), value)  # type: ignore[arg-type]

    def test_an_unpaired_surrogate_is_refused(self) -> None:
        assert code_of(LINE, "a\ud83e") == "string_unicode"


class TestLengths:
    @pytest.mark.parametrize(("text", "longest"), [(Title, 500), (Description, 16_384), (Tag, 50)])
    def test_lengths_count_characters_not_bytes(self, text: Any, longest: int) -> None:
        adapter = TypeAdapter[str](text)
        assert len(adapter.validate_python("🥛" * longest)) == longest
        assert code_of(adapter, "🥛" * (longest + 1)) == "string_too_long"

    @pytest.mark.parametrize("letter", GROWING, ids=ascii)
    def test_lengths_are_checked_after_normalization_too(self, letter: str) -> None:
        assert not is_taken(LINE, letter * 8)


class TestProperties:
    @settings(derandomize=True, deadline=None)
    @given(anything | tricky)
    def test_the_result_is_clean(self, text: str) -> None:
        for adapter, allowed in ((LINE, ""), (LINES, "\t\n")):
            if is_taken(adapter, text):
                clean = adapter.validate_python(text)
                assert clean == unicodedata.normalize("NFC", clean).strip()
                assert not set(clean) & (set(CONTROLS) - set(allowed))

    @settings(derandomize=True, deadline=None)
    @given(anything | tricky)
    def test_the_result_is_accepted_again_unchanged(self, text: str) -> None:
        for adapter in (LINE, LINES):
            if is_taken(adapter, text):
                clean = adapter.validate_python(text)
                assert adapter.validate_python(clean) == clean

    @settings(derandomize=True, deadline=None)
    @given(tricky.filter(lambda text: not set(text) & set(GROWING)))
    def test_the_pattern_in_the_schema_accepts_the_same_texts(self, text: str) -> None:
        for adapter in (LINE, LINES):
            pattern = adapter.json_schema()["pattern"]
            assert (re.search(pattern, text) is not None) == is_taken(adapter, text)
