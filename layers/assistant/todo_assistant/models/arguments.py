"""The arguments of tool calls: reads the forms that providers send, and writes the only form that all accept."""

import json
import re
from typing import Final

import msgspec

_FENCED: Final = re.compile(r"```(?:json)?\s*(.*?)\s*```", re.DOTALL)
_DECODER: Final = msgspec.json.Decoder(dict[str, object])


def read_arguments(value: object) -> str:
    """Returns the arguments of a call as JSON text, or the text unchanged if it is no JSON object.

    Also reads an object, a JSON string that contains JSON, and JSON between code fences. Raises TypeError for a value
    that is neither text nor an object.
    """
    match value:
        case None:
            return ""
        case dict():
            return json.dumps(value)
        case str():
            return _unwrap(value)
        case _:
            raise TypeError(type(value).__name__)


def is_object(arguments: str) -> bool:
    """Tells whether the text is one JSON object, by the strict rules of RFC 8259."""
    try:
        _DECODER.decode(arguments)
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
        return False
    return True


def to_valid_json(arguments: str) -> str:
    """Returns the arguments if they are a JSON object, else `{}`.

    Some servers parse the arguments of earlier calls, and refuse the conversation for ever if one is invalid.
    """
    return arguments if is_object(arguments) else "{}"


def _unwrap(text: str) -> str:
    fenced = _FENCED.fullmatch(text.strip())
    inner = fenced[1] if fenced else text
    if inner.lstrip().startswith('"'):
        try:
            decoded = json.loads(inner)
        except (ValueError, RecursionError):
            return text
        return decoded if isinstance(decoded, str) and is_object(decoded) else text
    return inner if fenced and is_object(inner) else text
