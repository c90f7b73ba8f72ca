"""Environment variables that tests set for the settings."""

import pytest

from todo_core.errors import InvalidSettings
from todo_core.settings import VARIABLES, Settings, load


class Environment:
    """Sets environment variables of the service for a test. At first it removes all of them."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch
        for name in VARIABLES:
            patch.delenv(name, raising=False)

    def load(self, **variables: str) -> Settings:
        for name, value in variables.items():
            self._patch.setenv(name, value)
        return load()

    def load_error(self, **variables: str) -> str:
        """Loads the settings from these variables, and returns the message of the InvalidSettings that this raises."""
        with pytest.raises(InvalidSettings) as refused:
            self.load(**variables)
        return str(refused.value)
