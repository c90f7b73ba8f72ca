"""The base class of groups of settings."""

from pydantic import BaseModel


class SettingsGroup(BaseModel, frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True):
    """Settings that belong together and are passed on as one object."""
