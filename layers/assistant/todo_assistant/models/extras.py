"""Merges the opaque data of a provider from the chunks of a stream."""

from collections.abc import Mapping
from typing import Any, Final

_DIVIDED_TEXTS: Final = {"reasoning_content", "reasoning", "text", "summary", "data", "thinking"}
"""Fields whose text is divided between chunks. The text of all others comes whole, and may be repeated."""


def merge_fields(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the fields of two chunks as one object. Null changes nothing."""
    merged = dict(earlier)
    for name, value in later.items():
        match merged.get(name), value:
            case (_, None):
                pass
            case (str() as text, str()) if name in _DIVIDED_TEXTS:
                merged[name] = text + value
            case (dict() as fields, dict()):
                merged[name] = merge_fields(fields, value)
            case (list() as blocks, list()):
                merged[name] = _merge_blocks(blocks, value)
            case _:
                merged[name] = value
    return merged


def _merge_blocks(earlier: list[Any], later: list[Any]) -> list[Any]:
    merged = list(earlier)
    for block in later:
        if merged and _continues(merged[-1], block):
            merged[-1] = merge_fields(merged[-1], block)
        else:
            merged.append(block)
    return merged


def _continues(earlier: Any, later: Any) -> bool:
    """Tells whether a block of a later chunk belongs to the block before it.

    Blocks have an index or, at some providers, none; then a signature ends a block.
    """
    if not isinstance(earlier, dict) or not isinstance(later, dict) or earlier.get("type") != later.get("type"):
        return False
    if earlier.get("index") is not None or later.get("index") is not None:
        return bool(earlier.get("index") == later.get("index"))
    return not earlier.get("signature") and "encrypted" not in str(later.get("type"))
