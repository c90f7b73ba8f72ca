"""The pydantic fields of `Settings`, by the names of their environment variables."""

from typing import Any, Final

from pydantic.fields import FieldInfo

from todo_core.settings import VARIABLES, Settings


def _find_field(variable: str) -> FieldInfo:
    model: Any = Settings
    *groups, name = VARIABLES[variable]
    for group in groups:
        model = model.model_fields[group].annotation
    field: FieldInfo = model.model_fields[name]
    return field


FIELDS: Final = {variable: _find_field(variable) for variable in VARIABLES}


def read_setting(settings: Settings, variable: str) -> object:
    """Returns the value of the settings' field that the environment variable sets."""
    value: object = settings
    for name in VARIABLES[variable]:
        value = getattr(value, name)
    return value
