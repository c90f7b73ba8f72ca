"""Codes of field errors. They are this service's own, so that a newer pydantic cannot change them."""

from typing import Final, Literal, get_args

type FieldErrorCode = Literal[
    "missing",
    "unknown_field",
    "wrong_type",
    "malformed",
    "unknown_value",
    "too_short",
    "too_long",
    "too_small",
    "too_large",
    "invalid_json",
    "invalid",
    "blank",
    "password_too_short",
    "control_characters",
    "not_text",
    "email",
    "url",
    "timezone",
    "p256dh",
    "auth",
    "rfc3339",
    "full_date",
    "day_or_instant",
    "time_out_of_range",
    "past",
    "quiet_hours",
    "two_dues",
    "recurrence",
    "recurrence_needs_due",
    "true_or_false",
    "id_or_none",
    "filter_or_all",
    "reserved_id",
    "repeated_ref",
    "one_of",
    "no_message",
    "text_only",
]
"""Stable names of what is wrong with a field. New ones may be added."""

_OWN: Final = frozenset[FieldErrorCode](get_args(FieldErrorCode.__value__))
_OF_PYDANTIC: Final[dict[str, FieldErrorCode]] = {
    "extra_forbidden": "unknown_field",
    "union_tag_not_found": "missing",
    "none_required": "wrong_type",
    "int_from_float": "wrong_type",
    "literal_error": "unknown_value",
    "enum": "unknown_value",
    "union_tag_invalid": "unknown_value",
    "string_too_short": "too_short",
    "string_too_long": "too_long",
    "url_too_long": "too_long",
    "greater_than": "too_small",
    "greater_than_equal": "too_small",
    "less_than": "too_large",
    "less_than_equal": "too_large",
    "int_parsing_size": "too_large",
    "string_pattern_mismatch": "malformed",
    "string_unicode": "malformed",
    "uuid_version": "malformed",
    "url_scheme": "malformed",
    "url_syntax_violation": "malformed",
    "finite_number": "malformed",
    "json_invalid": "invalid_json",
    # EmailStr raises it, and no other type of a request.
    "value_error": "email",
}
_OF_SUFFIX: Final[dict[str, FieldErrorCode]] = {"type": "wrong_type", "parsing": "malformed"}


def find_code(kind: str) -> FieldErrorCode:
    """Returns the code of a fault: itself, if it is of a rule of this service, or that of the type of pydantic."""
    for own in _OWN & {kind}:
        return own
    return _OF_PYDANTIC.get(kind) or _OF_SUFFIX.get(kind.rpartition("_")[2], "invalid")
