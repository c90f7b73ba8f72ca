"""JSON schemas without references, for providers that do not read them."""

from typing import Any, Final

_POINTER: Final = "#/$defs/"


def inline_references(schema: dict[str, Any]) -> Any:
    """Returns a copy of the schema with its definitions in the places of the references.

    A reference inside its own definition becomes an object of any form.
    """
    definitions = {f"{_POINTER}{name}": definition for name, definition in schema.get("$defs", {}).items()}
    return _resolve({name: value for name, value in schema.items() if name != "$defs"}, definitions)


def _resolve(schema: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_resolve(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return {name: _resolve(value, definitions) for name, value in schema.items()}
    others = {name: definition for name, definition in definitions.items() if name != reference}
    inlined = _resolve(definitions.get(reference, {"type": "object"}), others)
    return inlined | {name: value for name, value in schema.items() if name != "$ref"}
