"""Validation of text from clients: normalizes it to NFC, trims it and refuses control characters."""

import re
import unicodedata

from msgspec import Struct
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

_CONTROL = r"\x00-\x1f\x7f-\x9f"
_CONTROL_BUT_TAB_AND_NEWLINE = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
_INVISIBLE = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
)
"""Characters that show nothing, besides white space: joiners, fillers, marks of direction, choices of a look."""
_INVISIBLE_BEYOND_FFFF = r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
"""Characters of this kind that the OpenAPI document leaves out: JavaScript's patterns lack these escapes."""
_VISIBLE = re.compile(rf"[^\s{_INVISIBLE}{_INVISIBLE_BEYOND_FFFF}]")


def is_visible(text: str) -> bool:
    """Returns whether a text has a character that shows something."""
    return _VISIBLE.search(text) is not None


class Text(Struct, frozen=True):
    r"""Annotates a `str` field: `Title = Annotated[str, Text(min_length=1, max_length=500)]`.

    Lengths are in characters and are checked before and after normalization to NFC. `min_length` is 0 or 1; 1 also
    refuses text that shows nothing. With `multiline`, the text may contain tabs and line breaks; line breaks become
    `\n`. Pydantic itself refuses unpaired surrogates.
    """

    max_length: int
    min_length: int = 0
    multiline: bool = False

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(
            self.clean, core_schema.str_schema(min_length=self.min_length, max_length=self.max_length)
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(schema) | {"pattern": self.pattern}

    @property
    def forbidden(self) -> str:
        return _CONTROL_BUT_TAB_AND_NEWLINE if self.multiline else _CONTROL

    @property
    def pattern(self) -> str:
        """A regular expression for the OpenAPI document: refuses control characters and, if required, blank text."""
        middle = f"[^{self.forbidden}]*"
        if self.min_length:
            middle += rf"[^{_CONTROL}{_INVISIBLE}\s]{middle}"
        return rf"^\s*{middle}\s*$"

    def clean(self, value: str) -> str:
        """Normalizes, trims and checks a text. Raises PydanticCustomError, which the API client receives as a 422."""
        text = unicodedata.normalize("NFC", value).strip()
        if self.multiline:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        if re.search(f"[{self.forbidden}]", text):
            raise PydanticCustomError("control_characters", "Text may not hold control characters")
        if self.min_length and not is_visible(text):
            raise PydanticCustomError("blank", "Text may not be blank")
        if len(text) > self.max_length:
            # Checked again here: NFC splits some characters into several, so the text may have become longer.
            raise PydanticCustomError("string_too_long", f"Text may have {self.max_length} characters at most, as NFC")
        return text
